"""Likelihood of stars over bins of the observables, to second order in the extent of a bin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stellar_core.isochrones.observable_bins import PAIRS, ObservableBins

#: Reach of the sums in units of the error: dwarfs outnumber stars of the Hertzsprung gap by more than a distance of
#: five errors suppresses them.
REACH = 6.0
#: Log of the fraction of the largest term below which a bin is left out.
NEGLIGIBLE = -14.0


def bin_likelihood(
    binned: ObservableBins, mean: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Callable[[int], np.ndarray], np.ndarray]:
    """Relevant bins of a tile's stars, log likelihoods (n_star, n_bin), their slopes, smallest chi-square.

    Bins that add less than exp(`NEGLIGIBLE`) of the largest term to every star are left out. The slope
    along an axis is that of the log likelihood at the centroid, per K, dex, dex.
    """
    reach = REACH * np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    low, high = (mean - reach).min(axis=0), (mean + reach).max(axis=0)
    first, last = np.searchsorted(binned.centroid[:, 0], (low[0], high[0]))
    near = binned.centroid[first:last, 1:]
    bins = first + np.flatnonzero(((near >= low[1:]) & (near <= high[1:])).all(axis=1))
    origin = mean.mean(axis=0)
    scale = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).mean(axis=0)
    point = (binned.centroid[bins] - origin) / scale  # (n_bin, 3)
    star = (mean - origin) / scale
    precision = np.linalg.inv(covariance / np.outer(scale, scale))
    linear = np.einsum("nij,nj->ni", precision, star)
    left = [-0.5 * precision[:, i, j] * (1 if i == j else 2) for i, j in PAIRS]
    left += [*linear.T, -0.5 * np.einsum("ni,ni->n", star, linear)]
    right = [point[:, i] * point[:, j] for i, j in PAIRS] + [*point.T, np.ones(len(point))]
    log_like = np.stack(left, axis=1).astype(np.float32) @ np.stack(right).astype(np.float32)
    nearest = -2.0 * log_like.max(axis=1, initial=-np.inf)
    if bins.size:
        part = log_like + np.log(binned.total[bins])
        matters = (part - part.max(axis=1, keepdims=True)).max(axis=0) > NEGLIGIBLE
        bins, log_like, point = bins[matters], log_like[:, matters], point[matters]

    def pull(axis: int) -> np.ndarray:
        slope = linear[:, axis, None] - precision[:, axis] @ point.T
        return (slope / scale[axis]).astype(np.float32)

    return bins, log_like, pull, nearest


def second_order(
    binned: ObservableBins, bins: np.ndarray, covariance: np.ndarray, pull: Callable[[int], np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Slopes of the log likelihood at the bins, and the correction for their extent, (n_star, n_bin) each.

    The mean of the likelihood over a bin of covariance S is that at its centroid times
    exp(tr(S (u u' - P)) / 2) to second order, u the slope and P the precision.
    """
    slopes = [pull(axis) for axis in range(3)]
    precision = np.linalg.inv(covariance)
    spread = binned.spread[bins]
    constant = [precision[:, i, j] * (1 if i == j else 2) for i, j in PAIRS]
    added = -0.5 * (np.stack(constant, axis=1).astype(np.float32) @ spread.T)
    for k, (i, j) in enumerate(PAIRS):
        added += (0.5 if i == j else 1.0) * spread[:, k] * slopes[i] * slopes[j]
    return slopes, added
