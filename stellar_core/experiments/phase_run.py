"""Running a phase: stars, baselines, trials, findings and tables; finished parts are not repeated."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from stellar_core.datasets.memmap_stars import PhaseStars, make_phase_stars, open_phase_stars, write_sets
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.experiments.phases import STARS, TEST, PhaseConfig, phase_1, phase_2, phase_3, undersampled_epochs
from stellar_core.experiments.sweep import Result, Say, Stop, Stopped, sweep
from stellar_core.experiments.trial import Trial, rows_of_test_sets
from stellar_core.files import write_text
from stellar_core.paths import TRAINED_DIR

#: What holds for the stars, by their origin.
MOCK_NOTES = (
    "All stars are MOCK: drawn from MIST tracks as a survey selects them, S/N 20 to 80, the paper's quality cuts.",
    "The exact posterior is given the pipeline's parameters, from which the labels are made, and can therefore be "
    "better than the floor on labels. The floor is given the true atmosphere but not the pipeline's errors; labels "
    "from parameters that were measured on the same spectra have none.",
)
SURVEY_NOTES = (
    "Stars of a fetched survey, one spectrum each, with the paper's quality cuts; labels from SSPP's parameters by the "
    "look-up in the settings. No true age is known: all scores are against these labels.",
    "The exact posterior is given SSPP's parameters, from which the labels are made.",
)


def run_phase(
    config: PhaseConfig,
    out: Path,
    workers: int = 1,
    cluster: str | None = None,
    threads: int = 1,
    publish: bool = False,
    say: Say = lambda text: None,
    stop: Stop | None = None,
) -> dict[str, object] | None:
    """Run a phase, or the unfinished part of it, and write its tables.

    Parameters
    ----------
    config : PhaseConfig
    out : Path
        Folder for ``stars/``, ``trials/``, ``results.json`` and ``tables/``.
    workers, cluster, threads, stop
        As for `stellar_core.experiments.sweep.sweep`.
    publish : bool
        Also write the results into ``trained/experiments`` for the Experiments page.
    say : callable, optional
        Called with lines of text.

    Returns
    -------
    dict or None
        ``settings``, ``data``, ``trials``, ``yardsticks``, ``findings``, ``tables``; of MOCK stars ``floor_by_error``,
        in Phase II ``ascent``. None if stopped.
    """
    import numpy as np

    from stellar_core.experiments.findings import findings
    from stellar_core.experiments.tables import compact, tables, write_tables

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    stars = _stars(config, out / "stars", say)
    baselines = _baselines(config, stars, out)
    stages = np.bincount(stars.train.labels.stage, minlength=1)

    def run(trials: Iterable[Trial]) -> list[Result]:
        return sweep(list(trials), out / "stars", out / "trials", workers, cluster, threads, say, stop)

    numbers = {"train_stars": len(stars.train), "test_stars": len(stars.test)}
    settings = {**asdict(config), **numbers, "part": len(stars.train) / (1 - TEST) / STARS[config.phase]}
    survey = bool(config.store)
    results: dict[str, object] = {
        "phase": config.phase,
        "data_kind": stars.summary["kind"] if survey else "MOCK",
        "survey": stars.summary["survey"] if survey else "",
        "date": datetime.date.today().isoformat(),
        "notes": list(SURVEY_NOTES if survey else MOCK_NOTES),
        "settings": {**settings, "store": Path(config.store).name if survey else ""},
        "data": stars.summary,
        **baselines,
    }
    try:
        if config.phase == 1:
            results["trials"] = run(phase_1(config, undersampled_epochs(config, stages)))
        elif config.phase == 2:
            results["trials"], results["ascent"] = phase_2(config, undersampled_epochs(config, stages), run)
        else:
            results["trials"] = run(phase_3(config))
    except Stopped as stopped:
        say(str(stopped))
        return None
    results["findings"] = findings(results)
    results["tables"] = write_tables(tables(results), out / "tables")
    write_text(out / "results.json", json.dumps(results, allow_nan=False) + "\n")
    if publish:
        folder = TRAINED_DIR / "experiments"
        folder.mkdir(exist_ok=True)
        text = json.dumps(compact(results), separators=(",", ":"), allow_nan=False)
        write_text(folder / f"phase{config.phase}{'-survey' if survey else ''}.json", text + "\n")
    return results


def _stars(config: PhaseConfig, folder: Path, say: Say) -> PhaseStars:
    """The stars of the phase, made or read from the store unless they are in ``folder`` already."""
    if not config.store:
        make_phase_stars(folder, config.train_stars, config.test_stars, config.data, say)
        return open_phase_stars(folder)
    from stellar_core.datasets.survey_stars import check_number, sample_survey, write_rows

    sample = sample_survey(Path(config.store), config.stars, look_up=config.look_up)
    check_number(sample, fewest=150)
    train = sample.join("training", "calibration")
    sets = {"train": train, "test": sample.rows["test"]}
    description = {
        **{name: len(rows) for name, rows in sets.items()},
        **{"store": sample.identity, "kind": sample.kind, "survey": sample.survey, "repeats": sample.repeats},
        "look_up": config.look_up,
    }
    say(
        f"{len(train)} stars of the {sample.survey} for training and validation, {len(sets['test'])} for the test; "
        f"{sample.repeats} further spectra of the same stars are left out."
    )
    write_sets(folder, description, lambda draft: {k: write_rows(draft / k, sample.stars, v) for k, v in sets.items()})
    return open_phase_stars(folder)


def _baselines(config: PhaseConfig, stars: PhaseStars, out: Path) -> dict[str, object]:
    """Scores of the baselines, computed once per folder."""
    from stellar_core.evaluation.baselines import floor_by_error, score_baselines

    path = out / "yardsticks.json"
    if path.exists():
        return json.loads(path.read_text())
    test = StarSet(None, stars.test.labels, stars.test.truth)
    sets = rows_of_test_sets(test.labels.stage, config.data_seed)
    found: dict[str, object] = {
        "yardsticks": score_baselines(
            stars.train.labels, test, sets, config.spp_errors, config.data_seed, config.pipeline, config.look_up
        )
    }
    if test.truth is not None and config.pipeline == "independent":
        found["floor_by_error"] = floor_by_error(test, config.spp_errors, config.data_seed, config.look_up)
    write_text(path, json.dumps(found, allow_nan=False) + "\n")
    return found
