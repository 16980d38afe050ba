"""Test suites of a trained model, as ``evaluate MODEL --suite NAME`` runs them.

A suite measures and returns card entries; `record` writes them into the card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.evaluation import (
    corruption_tests,
    headline_metrics,
    isochrone_agreement,
    label_learnability,
    pipeline_errors,
    real_photometry,
    real_stars,
)
from stellar_core.evaluation import template_fit as templates
from stellar_core.evaluation.bayes_limit import comparison, report
from stellar_core.evaluation.real_ages import benchmark
from stellar_core.evaluation.real_ages.record import write_record
from stellar_core.evaluation.real_ages.report import text
from stellar_core.evaluation.realism import classifier
from stellar_core.experiments.published import BEST
from stellar_core.inference.base import BaseEstimator
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.model_store import add_to_card, model_folder
from stellar_core.models.checkpoints import load_network
from stellar_core.progress import Progress

#: MOCK stars of the headline metrics and draws from each of their posteriors; MOCK stars of the corruption tests.
HEADLINE_STARS, HEADLINE_DRAWS, CORRUPTION_STARS = 2500, 4500, 150


def headline(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Measure Model 9 on MOCK stars against the truth and look-up labels; ``data`` is not used."""
    found = headline_metrics.measure(
        _isochrone_estimator(model), HEADLINE_STARS, HEADLINE_DRAWS, paper=BEST, progress=progress
    )
    return {"one_checkpoint_mock_test": found}


def agreement(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Compare Model 9 with isochrone fits to the SSPP's parameters of REAL stars."""
    folder = _folder(data) / "sdss"
    return {
        "agreement_with_sspp_real_stars": isochrone_agreement.compare(_isochrone_estimator(model), folder, progress)
    }


def real(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Compare a network's atmospheres with labels of REAL stars."""
    folder = _folder(data)
    network, _, _ = load_network(model_folder(model))
    what = "median of network minus label and 1.4826 MAD; REAL stars; labels of SDSS from the SSPP, others published"
    samples = real_stars.compare_samples(network, folder, progress)
    return {"real_stars_spectrum_alone": {"what": what, "samples": samples}}


def photometry(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Estimate labelled REAL stars with and without the photometry of their files."""
    folder = _folder(data) / "sdss"
    return {"real_photometry": real_photometry.compare_photometry(Estimator.load(model), folder, progress)}


def template_fit(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Compare a fit of template spectra, which no network takes part in, and a network on labelled REAL stars of SDSS
    and LAMOST and on MOCK stars."""
    return {"template_fit": templates.compare_templates(Estimator.load(model), _folder(data), progress=progress)}


def corruption(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Test a model on corrupted spectra: REAL ones if ``data`` is given, else MOCK ones."""
    estimator = Estimator.load(model)
    if data is None:
        return {"damage_mock": corruption_tests.corruption_suite(estimator, CORRUPTION_STARS, progress=progress)}
    found = corruption_tests.real_corruption_suite(estimator, _folder(data) / "sdss", progress=progress)
    return {"gate_on_real_spectra": found}


def realism(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Distinguish MOCK from REAL spectra by classifiers; the model gives the parameters of stars without SSPP
    labels."""
    return classifier.measure(_folder(data) / "sdss", Estimator.load(model), progress)


def limit(model: str, data: Path | None, progress: Progress, stars: int = comparison.STARS) -> dict[str, object]:
    """Compare Model 9 with the constant predictor and the Bayes limit on MOCK test stars; ``data`` is not used."""
    found = comparison.measure(_isochrone_estimator(model), stars, progress=progress)
    return {"bayes_limit_mock_test": found}


def real_ages(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Compare the isochrone fit, which no network takes part in, with independent ages and masses of REAL stars: the
    shipped tables, or those in ``data`` or its folder ``real_ages``."""
    inner = None if data is None else Path(data) / "real_ages"
    return benchmark.measure(inner if inner is not None and inner.is_dir() else data, progress)


def labels(model: str, data: Path | None, progress: Progress) -> dict[str, object]:
    """Measure the errors of the MOCK survey's parameter pipeline and how much of its labels can be learned; no model
    takes part. With ``data``, beside the errors that the SSPP quotes for REAL stars."""
    return {"errors": pipeline_errors.measure(data, progress), "labels": label_learnability.measure(progress)}


#: Suites by their names on the command line.
SUITES: Mapping[str, Callable[[str, Path | None, Progress], dict[str, object]]] = {
    "headline": headline,
    "real-stars": real,
    "photometry": photometry,
    "template-fit": template_fit,
    "corruption": corruption,
    "realism": realism,
    "agreement": agreement,
    "limit": limit,
    "labels": labels,
    "real-ages": real_ages,
}
#: Suites with the option ``stars``.
SIZED = ("limit",)
#: Text for a terminal of the suites that have more to show than JSON.
TEXTS: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "real-ages": text,
    "limit": lambda found: report.text(found["bayes_limit_mock_test"]),
    "labels": lambda found: f"{pipeline_errors.text(found['errors'])}\n\n{label_learnability.text(found['labels'])}",
    "photometry": lambda found: real_photometry.text(found["real_photometry"]),
    "template-fit": lambda found: templates.text(found["template_fit"]),
}


def record(suite: str, model: str, found: Mapping[str, object]) -> None:
    """Write the output of a suite into the card of the model; that of ``realism`` into the card ``mock-realism``, that
    of ``labels`` into the card ``mock-pipeline``, and that of ``real-ages`` beside its tables."""
    if suite == "realism":
        classifier.record(dict(found))
    elif suite == "labels":
        add_to_card("mock-pipeline", found)
    elif suite == "real-ages":
        write_record(found)
    else:
        add_to_card(model, found)


def _folder(data: Path | None) -> Path:
    if data is None or not (Path(data) / "sdss" / "index.csv").exists():
        where = "No data folder was given" if data is None else f"There is no sdss/index.csv in {data}"
        remedy = "Name the folder with REAL spectra with --data."
        raise ParameterError(f"{where}.", value=str(data), remedy=remedy)
    return Path(data)


def _isochrone_estimator(model: str) -> BaseEstimator:
    estimator = Estimator.load(model)
    if not isinstance(estimator, IsochroneEstimator):
        raise ParameterError(f"This suite tests Model 9 alone; {model} is another network.", value=model)
    return estimator
