"""Accuracy and coverage, each with its constant baseline."""

from __future__ import annotations

import numpy as np

from stellar_core.stages import STAGES

LEVELS = (68, 90, 95)


def regression(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Compute RMSE, MAE, bias, R2 and the RMSE of a constant prediction, for (n,) arrays."""
    error = predicted - truth
    mse, variance = float((error**2).mean()), float(truth.var())
    return {
        "rmse": mse**0.5,
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "r2": 1.0 - mse / variance,
        "rmse_constant": variance**0.5,
    }


def classification(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Compute macro F1 and accuracy of (n,) stage indices, and the macro F1 of the constant commonest stage."""
    from sklearn.metrics import f1_score

    common = np.full_like(truth, np.bincount(truth).argmax())
    labels = np.arange(len(STAGES))
    return {
        "macro_f1": float(f1_score(truth, predicted, average="macro", labels=labels, zero_division=0)),
        "accuracy": float((predicted == truth).mean()),
        "macro_f1_constant": float(f1_score(truth, common, average="macro", labels=labels, zero_division=0)),
    }


def rounded(value):
    """Round floats to five significant digits, in any nesting of dicts, lists and tuples."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
