"""Calibration of predictive distributions against the truth: coverage, PIT and scores.

Most measures use the probability integral transform (PIT; Gneiting et al. 2007) u: the probability below the truth.
The truth lies in the central 68 % interval if |u - 0.5| <= 0.34.
"""

from __future__ import annotations

import numpy as np

from stellar_core.evaluation.metrics import LEVELS
from stellar_core.inference.calibration.pit_recalibration import sorted_pit
from stellar_core.stages import STAGES

#: Bins of S/N per pixel.
SNR_BINS = ((5, 10), (10, 20), (20, 40), (40, 80))


def covered(u: np.ndarray) -> dict[str, float]:
    """Fraction of stars in the central 68, 90 and 95 % intervals, from u (n,)."""
    return {
        str(level): float((np.abs(u - 0.5) <= level / 200.0).mean()) if u.size else float("nan") for level in LEVELS
    }


def kolmogorov_smirnov(u: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance of u (n,) from a uniform distribution."""
    from scipy.stats import ks_1samp, uniform

    return float(ks_1samp(np.asarray(u, float), uniform.cdf, method="asymp").statistic)


def crps(values: np.ndarray, probability: np.ndarray, truth: float) -> float:
    """Compute the continuous ranked probability score of weighted points (n,), in their unit; 0 is best.

    E|X - truth| - E|X - X'| / 2 (Gneiting & Raftery 2007).
    """
    order, u = sorted_pit(values, probability)
    x, weight = values[order].astype(float), probability[order]
    return float((weight * np.abs(x - truth)).sum() - (weight * x * (2.0 * u - 1.0)).sum())


def crps_constant(truth: np.ndarray) -> float:
    """Mean CRPS of true values (n,) if the distribution of all of them is given for each: half their mean
    difference."""
    even = np.full(truth.size, 1.0 / truth.size)
    return float(np.mean([crps(truth, even, value) for value in truth]))


def by_group(u: np.ndarray, snr: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> dict[str, dict[str, float]]:
    """Compute the coverage by S/N, by predicted and by true stage; empty groups are omitted."""
    groups = {f"S/N {low}-{high}": (snr >= low) & (snr < high) for low, high in SNR_BINS}
    for words, stage in (("predicted", predicted), ("true", true)):
        groups |= {f"{words} {name}": stage == index for index, name in enumerate(STAGES)}
    return {name: {**covered(u[rows]), "n": int(rows.sum())} for name, rows in groups.items() if rows.any()}


def stage_reliability(
    probability: np.ndarray, true: np.ndarray, bins: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probability of the most likely stage, its accuracy and the number of stars, by bins of that probability."""
    stated, right = probability.max(axis=1), probability.argmax(axis=1) == true
    number = np.minimum((stated * bins).astype(int), bins - 1)
    count = np.bincount(number, minlength=bins)
    kept = count > 0
    sums = (np.bincount(number, weights=part, minlength=bins)[kept] / count[kept] for part in (stated, right))
    return (*sums, count[kept])


def calibration_error(probability: np.ndarray, true: np.ndarray) -> float:
    """Expected calibration error: mean difference of probability and accuracy, weighted by stars."""
    stated, right, count = stage_reliability(probability, true)
    return float((np.abs(stated - right) * count).sum() / count.sum())
