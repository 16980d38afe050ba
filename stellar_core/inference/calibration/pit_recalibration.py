"""Reweighting a posterior so that its intervals hold what they claim.

Where a truth falls in its posterior is the probability below it, u. Over many stars u should be even;
where it is not, the posteriors are too wide, too narrow or off. On calibration stars the density g
of u is measured, and each point of a star's posterior is multiplied by g at its own u (the
recalibration of Kuleshov et al. 2018, arXiv:1807.00263, as weights). Nothing moves: points that are
stars of the models stay stars of the models, whose ages and lifetimes belong together. The
quantities take turns, since a weight that mends one moves the others a little.
"""

from __future__ import annotations

import numpy as np

#: Shares of calibration stars by whose u the distribution of u is drawn.
SHARES = np.array(
    [0.005, 0.0125, 0.025, 0.05, 0.1, 0.16, 0.25, 0.37, 0.5, 0.63, 0.75, 0.84, 0.9, 0.95, 0.975, 0.9875, 0.995]
)
#: Stars of an even distribution that are added to the measured ones, so that no weight is 0.
EVEN = 4.0
_LEAST = 1e-9 * np.arange(1, SHARES.size + 1)
_SHARES_TO_1 = np.concatenate([[0.0], SHARES, [1.0]])


def places(values: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of points by value, and in that order the probability below each plus half its own.

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


def place_of(truth: float, values: np.ndarray, probability: np.ndarray) -> float:
    """u of ``truth``: probability below it, by the rule by which quantiles are read; 0 or 1 outside all points."""
    order, u = places(values, probability)
    return float(np.interp(truth, values[order], u, left=0.0, right=1.0))


def share_below(u: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Share of stars whose truth lies below ``u``, by the u (n,) of calibration stars; ``u`` itself where these are even."""
    n = found.size
    # Quantiles by rank / (n + 1), Weibull's: unbiased for stars that are even.
    knots = np.interp(SHARES * (n + 1), np.arange(1, n + 1), np.sort(found)) if n else SHARES
    knots = np.maximum.accumulate(np.clip(knots, _LEAST, 1.0 - _LEAST[::-1]))
    measured = np.interp(u, np.concatenate([[0.0], knots, [1.0]]), _SHARES_TO_1)
    return (n * measured + EVEN * u) / (n + EVEN)


def level(order: np.ndarray, probability: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(n,) probabilities of points mended in one quantity by the u of calibration stars, ``found``.

    ``order`` (n,) sorts the points by that quantity. Each point gets the share of the mended distribution that its own
    stretch of u has.
    """
    edges = np.concatenate([[0.0], np.cumsum(probability[order])])
    mended = np.empty_like(probability)
    mended[order] = np.maximum(np.diff(share_below(np.minimum(edges, 1.0), found)), 0.0)
    return mended / mended.sum()
