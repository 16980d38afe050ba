"""Comparison of jobs: settings, time, accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stellar_core import quantities
from stellar_core.errors import StellarError
from stellar_core.jobs.folder import Job

#: Quantity -> its unit in the table.
QUANTITIES = {
    name: quantities.QUANTITIES[name].error_unit for name in ("log_age", "log_lifetime", "teff", "logg", "feh")
}
#: Views of the test stars, in order of preference.
_VIEWS = ("spectrum and photometry", "spectrum alone", "photometry alone")


def metrics(card: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """Return the most complete view of the test stars on a card, MOCK or of a survey, and its metrics."""
    views = card.get("metrics_mock_test") or card.get("metrics_survey_test", {})
    name = next((name for name in _VIEWS if name in views), "")
    return name, views.get(name, {})


def summary(job: Job) -> dict[str, object]:
    """Return settings, progress and accuracy of a job as plain values; None where unknown."""
    status = job.status()
    line: dict[str, object] = {"id": job.id, "name": job.name, "state": status.state, "reason": status.reason}
    try:
        config = job.config
    except StellarError as error:
        return {**line, "reason": str(error)}
    training = config.training
    line |= {
        "note": config.note,
        "architecture": training.model.name,
        "source": config.source.kind,
        "stars": training.data.stars,
        "epochs": training.epochs,
        "balancing": training.balancing,
        "seed": training.seed,
        "phase": status.phase,
        "done": status.done,
        "total": status.total,
        "epoch": status.epoch,
        "seconds": round(status.seconds, 1),
        "seconds_left": status.seconds_left,
        "peak_mb": round(status.peak_mb),
        "attempts": status.attempts,
        "written": status.written,
        "checkpoint": job.checkpoint,
        "folder": str(job.folder),
    }
    card = job.card if status.state == "done" else None
    if card is not None:
        view, found = metrics(card)
        line |= {"view": view, "training_stars": card.get("training_stars")}
        line |= {"tested": card.get("survey", "MOCK")}
        for name in QUANTITIES:
            figures = found.get(name, {})
            line |= {f"{name}_{key}": figures.get(key) for key in ("rmse", "rmse_constant", "r2")}
        stage, exact = found.get("stage", {}), card.get("exact_posterior_from_pipeline_parameters_mock_test", {})
        line |= {"stage_macro_f1": stage.get("macro_f1"), "stage_macro_f1_constant": stage.get("macro_f1_constant")}
        line |= {"coverage_68": found.get("log_age", {}).get("coverage", {}).get("68")}
        line |= {"log_age_rmse_exact_posterior": exact.get("log_age", {}).get("rmse")}
    return line


def compare(jobs: Iterable[Job]) -> list[dict[str, object]]:
    """Return the `summary` of each job."""
    return [summary(job) for job in jobs]
