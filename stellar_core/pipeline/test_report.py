"""Test of a calibrated model on MOCK stars: the metrics of its card, and the stored table of predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stellar_core.datasets.memmap_stars import select
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.baselines import exact_posterior_metrics
from stellar_core.evaluation.corruption_tests import corruption_suite
from stellar_core.evaluation.exact_posterior import compare_crps, recalibrated_baseline
from stellar_core.evaluation.mock_evaluation import measure, readable_views
from stellar_core.evaluation.parallax import compare_views
from stellar_core.evaluation.predictions import Predictions, predict_stars
from stellar_core.evaluation.reliability import by_group, covered
from stellar_core.evaluation.stored_predictions import StoredTest, TestStars
from stellar_core.evaluation.survey_sample import survey_sample
from stellar_core.inference.calibration.isochrone import VIEWS
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone import IsochroneEstimator

#: View of Model 9 with all inputs.
MAIN = "spectrum and photometry"
#: Fraction of the test stars for views with partial input.
PART = 0.5
#: Largest numbers of survey stars, of stars for the exact posterior, and of corrupted stars.
SURVEY_STARS, EXACT_STARS, CORRUPTED_STARS = 400, 6000, 150
#: Corrupted stars are at most this fraction of the test stars, so that a small test is small throughout.
CORRUPTED_PART = 0.25
#: Fraction of the test stars in the metrics of the exact posterior.
EXACT_PART = 0.2


def make_report(
    estimator: Estimator, held: StarSet, test: StarSet, errors: tuple[float, float, float], seed: int
) -> tuple[dict[str, object], StoredTest]:
    """Return entries for the card, and the predictions of the view with the most complete input.

    Parameters
    ----------
    estimator : Estimator
        Calibrated on ``held``.
    held, test : StarSet
        Calibration stars, which also recalibrate the exact posterior, and test stars.
    errors : (float, float, float)
        Errors of the pipeline parameters that the exact posterior is given, K, dex, dex.
    seed : int
    """
    isochrone = isinstance(estimator, IsochroneEstimator)
    predictions = _by_view(estimator, test, seed)
    names = list(predictions)
    main = predictions[names[0]]
    stars, sample = survey_sample(estimator, min(SURVEY_STARS, len(test)))
    survey = predict_stars(estimator, sample, names[0], seed)
    few = select(held, np.arange(min(EXACT_STARS, len(held)))), select(test, np.arange(min(EXACT_STARS, len(test))))
    figures: dict[str, object] = {
        "metrics_mock_test": {name: measure(one, test, not isochrone) for name, one in predictions.items()},
        "exact_posterior_from_pipeline_parameters_mock_test": exact_posterior_metrics(
            select(test, np.arange(int(np.ceil(EXACT_PART * len(test))))), errors
        ),
        "mock_survey": {
            "what": "stars of the MOCK survey of the app, S/N above 5",
            **{
                name: {**covered(survey.u[:, column]), "n": len(survey)}
                for name, column in (("log_age", 3), ("log_lifetime", 4))
            },
            "log_age_by_group": by_group(survey.u[:, 3], survey.snr, survey.predicted, survey.stage),
        },
        "damage_mock": corruption_suite(estimator, min(CORRUPTED_STARS, int(CORRUPTED_PART * len(test))), seed),
    }
    if isochrone:
        figures["temperature_of_likelihood"] = {
            name: float(estimator.calibration.temperature[VIEWS[name]]) for name in estimator.calibration.views
        }
        columns = [4, 3]
        exact = recalibrated_baseline(*few, errors, seed)
        figures["crps_beside_exact_posterior"] = compare_crps(
            main.crps[:, columns], main.plain_crps[:, columns], main.snr, exact
        )
        if test.gaia is not None:
            figures["parallax_mock_test"] = compare_views(estimator, test, predictions)
    before = "Model 9 under its flat prior" if isochrone else "MC dropout alone"
    labels = np.column_stack([test.labels.log_age, test.labels.log_lifetime])
    shown = TestStars.of(survey, survey.truth[:, 3:])
    table = StoredTest(
        estimator.name,
        names[0],
        before,
        TestStars.of(main, labels),
        replace(shown, name=tuple(star.name for star in stars)),
        "",
    )
    return figures, table


def survey_report(estimator: Estimator, test: StarSet, seed: int) -> dict[str, object]:
    """Return entries for the card of a model that is tested on stars of a survey, against their labels.

    Parameters
    ----------
    estimator : Estimator
    test : StarSet
        With labels in place of the truth.
    seed : int
    """
    labels = not isinstance(estimator, IsochroneEstimator)
    found = _by_view(estimator, test, seed)
    return {"metrics_survey_test": {name: measure(one, test, labels) for name, one in found.items()}}


def _by_view(estimator: Estimator, test: StarSet, seed: int) -> dict[str, Predictions]:
    """Predictions by view, the most complete input first; the others of a part of the stars."""
    if isinstance(estimator, IsochroneEstimator):
        names = [MAIN, *(name for name in estimator.calibration.views if name != MAIN)]
    else:
        names = readable_views(estimator.network)
    part = select(test, np.arange(int(np.ceil(PART * len(test)))))
    return {name: predict_stars(estimator, test if name == names[0] else part, name, seed) for name in names}
