"""Recalibrate posteriors by their PIT distribution (Kuleshov et al. 2018, arXiv:1807.00263).

The probability integral transform (PIT) of a star, u, is the posterior probability below the true value. Over many
stars u is uniform if the posteriors are calibrated. The density g of u is measured on calibration stars, and each
point of a posterior is multiplied by g at its own u. Only the weights change: the points remain stars of the models,
with consistent ages and lifetimes. Quantities are recalibrated one after another, since a weight that corrects one
changes the others slightly.
"""

from __future__ import annotations

import numpy as np

#: Quantiles by which the distribution of u is described.
LEVELS = np.array(
    [0.005, 0.0125, 0.025, 0.05, 0.1, 0.16, 0.25, 0.37, 0.5, 0.63, 0.75, 0.84, 0.9, 0.95, 0.975, 0.9875, 0.995]
)
#: Stars of a uniform distribution that are added to the measured ones, so that no weight is 0.
UNIFORM = 4.0
_EDGE = 1e-9 * np.arange(1, LEVELS.size + 1)
_PADDED_LEVELS = np.concatenate([[0.0], LEVELS, [1.0]])


def sorted_pit(values: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort points by value and compute the probability below each plus half its own, in that order.

    Parameters
    ----------
    values, probability : (n,)

    Returns
    -------
    order : (n,) int
    u : (n,) float
    """
    order = np.argsort(values, kind="stable")
    sorted_ = probability[order]
    return order, np.cumsum(sorted_) - 0.5 * sorted_


def pit(truth: float, values: np.ndarray, probability: np.ndarray, half_widths: np.ndarray | None = None) -> float:
    """Compute u of ``truth``: interpolated between points like quantiles, and 0 or 1 outside all points; or with each
    probability spread evenly over ``half_widths`` (n,) on both sides of its point."""
    if half_widths is not None:
        below = 0.5 + 0.5 * (truth - values) / np.maximum(half_widths, 1e-6)
        return float(probability @ np.clip(below, 0.0, 1.0))
    order, u = sorted_pit(values, probability)
    return float(np.interp(truth, values[order], u, left=0.0, right=1.0))


def pit_cdf(u: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Cumulative distribution at ``u`` of the PIT values ``measured`` (n,) of calibration stars; ``u`` if these are
    uniform."""
    n = measured.size
    # Quantiles by rank / (n + 1) (Weibull) are unbiased for a uniform distribution.
    knots = np.interp(LEVELS * (n + 1), np.arange(1, n + 1), np.sort(measured)) if n else LEVELS
    knots = np.maximum.accumulate(np.clip(knots, _EDGE, 1.0 - _EDGE[::-1]))
    below = np.interp(u, np.concatenate([[0.0], knots, [1.0]]), _PADDED_LEVELS)
    return (n * below + UNIFORM * u) / (n + UNIFORM)


def recalibrate(order: np.ndarray, probability: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Recalibrate the probabilities of points in one quantity.

    Parameters
    ----------
    order : (n,) int
        Sorts the points by the quantity.
    probability : (n,)
    measured : (m,)
        PIT values of calibration stars.

    Returns
    -------
    (n,)
        The probability that the recalibrated distribution has in each point's own interval of u.
    """
    edges = np.concatenate([[0.0], np.cumsum(probability[order])])
    corrected = np.empty_like(probability)
    corrected[order] = np.maximum(np.diff(pit_cdf(np.minimum(edges, 1.0), measured)), 0.0)
    return corrected / corrected.sum()
