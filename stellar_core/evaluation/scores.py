"""Scores of point predictions for one set of stars, against the paper's labels and against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    from stellar_core.datasets.mock_stars import Labels, Truth

#: Bins of the distribution of errors, dex (Fig. 3 of the paper); the outermost include all beyond.
ERROR_EDGES = np.round(np.linspace(-2.0, 2.0, 81), 3)
#: Resampled confusion matrices for the standard error of F1.
RESAMPLES = 200


@dataclass(frozen=True)
class PointPredictions:
    """Predicted age, lifetime and stage of each star.

    Attributes
    ----------
    log_age, log_lifetime : (n,) float, log10(yr)
    stage : (n,) int, index into `STAGES`
    """

    log_age: np.ndarray
    log_lifetime: np.ndarray
    stage: np.ndarray

    def select(self, rows: np.ndarray) -> PointPredictions:
        """Keep the predictions for ``rows``."""
        return PointPredictions(self.log_age[rows], self.log_lifetime[rows], self.stage[rows])


def score(predictions: PointPredictions, labels: Labels, truth: Truth | None = None) -> dict[str, object]:
    """Compute all scores of ``predictions``, as plain values.

    Parameters
    ----------
    predictions : PointPredictions
    labels : Labels
        Labels of the same stars.
    truth : Truth, optional
        Their truth; without it no ``truth`` is in the scores.

    Returns
    -------
    dict
        ``n``; ``log_age`` and ``log_lifetime``: metrics against the label, ``rmse_se`` the standard
        error of the RMSE, and ``truth`` the same against the truth;
        ``age_gyr``: RMSE and MAE in Gyr; ``stage``: macro F1 with its standard error, accuracy, and
        ``truth``; ``ages``: range of the predicted ages in Gyr, the share above 13.8 Gyr and the
        share older than the predicted lifetime; ``age_errors``: counts in `ERROR_EDGES` of
        predicted minus labelled log age.
    """
    quantities = {}
    for name in ("log_age", "log_lifetime"):
        predicted = np.clip(getattr(predictions, name).astype(float), -50.0, 50.0)
        label = np.asarray(getattr(labels, name), float)
        quantities[name] = {**regression(predicted, label), "rmse_se": _rmse_error(predicted - label)}
        if truth is not None:
            quantities[name]["truth"] = regression(predicted, np.asarray(getattr(truth, name), float))
    log_age, label = np.clip(predictions.log_age.astype(float), -50.0, 50.0), np.asarray(labels.log_age, float)
    ages = 10.0 ** (log_age - 9.0)
    miss = ages - 10.0 ** (label - 9.0)
    stage = np.asarray(labels.stage)
    stages = {**classification(predictions.stage, stage), "macro_f1_se": _f1_error(predictions.stage, stage)}
    if truth is not None:
        stages["truth"] = classification(predictions.stage, np.asarray(truth.stage))
    errors = np.clip(log_age - label, ERROR_EDGES[0], ERROR_EDGES[-1])
    return {
        "n": len(log_age),
        **quantities,
        "age_gyr": {"rmse": float(np.sqrt(np.mean(miss**2))), "mae": float(np.abs(miss).mean())},
        "stage": stages,
        "ages": {
            "min": float(ages.min()),
            "max": float(ages.max()),
            "mean": float(ages.mean()),
            "above_universe": float((ages > UNIVERSE_AGE_GYR * (1 + 1e-6)).mean()),
            "beyond_lifetime": float((predictions.log_age > predictions.log_lifetime).mean()),
        },
        "age_errors": np.histogram(errors, ERROR_EDGES)[0].tolist(),
    }


def _rmse_error(error: np.ndarray) -> float:
    """Standard error of the root mean square of ``error`` (n,) from its fourth moment."""
    squares = error**2
    rmse = float(np.sqrt(squares.mean()))
    return float(squares.std() / np.sqrt(len(error))) / (2.0 * rmse) if rmse > 0 else 0.0


def _f1_error(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Standard deviation of macro F1 over resampled stars; the resampling has its own fixed seed."""
    n_stage = len(STAGES)
    confusion = np.bincount(truth * n_stage + predicted, minlength=n_stage**2) / len(truth)
    counts = np.random.default_rng(0).multinomial(len(truth), confusion, size=RESAMPLES).reshape(-1, n_stage, n_stage)
    right = np.diagonal(counts, axis1=1, axis2=2)
    total = counts.sum(axis=1) + counts.sum(axis=2)
    f1 = 2.0 * right / np.maximum(total, 1)
    return float(f1.mean(axis=1).std())
