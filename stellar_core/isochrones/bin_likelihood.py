"""Sums over bins of the observables, weighted by the likelihood of a star; compiled by numba.

The mean of the likelihood over a bin of covariance S is that at its centroid times exp(tr(S (u u' - P)) / 2) to second
order, u the slope and P the precision; the gradients of the bin's sums follow the slope.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stellar_core.isochrones.observable_bins import N_COLUMNS, ObservableBins

#: Reach of the sums in units of the error: dwarfs outnumber stars of the Hertzsprung gap by more than a distance of
#: five errors suppresses them.
REACH = 6.0
#: Log of the fraction of the largest term below which a bin is left out.
NEGLIGIBLE = -10.0


def sum_bins(binned: ObservableBins, mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the bins of several stars.

    Parameters
    ----------
    binned : ObservableBins
    mean : (n_star, 3) float
        Teff in K, log g and [Fe/H] in dex.
    covariance : (n_star, 3, 3) float

    Returns
    -------
    sums : (n_star, N_COLUMNS) float32
    chi2_min : (n_star,) float
        Squared distance to the centre of the nearest bin; infinite where none is within reach.
    """
    sums, chi2_min = np.zeros((len(mean), N_COLUMNS), np.float32), np.empty(len(mean))
    errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    low, high = mean - REACH * errors, mean + REACH * errors
    first, last = (np.searchsorted(binned.centroid[:, 0], edge[:, 0]) for edge in (low, high))
    _sum_bins(
        binned.centroid, binned.spread, np.log(binned.total), binned.sums, binned.tilts,
        mean, np.linalg.inv(covariance), low, high, first, last, sums, chi2_min,
    )  # fmt: skip
    return sums, chi2_min


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_bins(centroid, spread, log_total, sums, tilts, mean, precision, low, high, first, last, found, chi2_min):
    """Fill ``found`` and ``chi2_min``."""
    exponent, chosen = np.empty(centroid.shape[0]), np.empty(centroid.shape[0], np.int64)
    x, slope, n_tilted = np.empty(3), np.empty(3), tilts.shape[2]
    for star in range(mean.shape[0]):
        p = precision[star]
        n, top, chi2_min[star] = 0, -np.inf, np.inf
        for b in range(first[star], last[star]):
            if not low[star, 1] <= centroid[b, 1] <= high[star, 1]:
                continue
            if not low[star, 2] <= centroid[b, 2] <= high[star, 2]:
                continue
            for q in range(3):
                x[q] = centroid[b, q] - mean[star, q]
            chi2 = p[0, 0] * x[0] * x[0] + p[1, 1] * x[1] * x[1] + p[2, 2] * x[2] * x[2]
            chi2 += 2.0 * (p[0, 1] * x[0] * x[1] + p[0, 2] * x[0] * x[2] + p[1, 2] * x[1] * x[2])
            chi2_min[star] = min(chi2_min[star], chi2)
            exponent[n], chosen[n] = -0.5 * chi2, b
            top = max(top, log_total[b] - 0.5 * chi2)
            n += 1
        for k in range(n):
            b = chosen[k]
            if exponent[k] + log_total[b] < top + NEGLIGIBLE:
                continue
            for q in range(3):
                x[q] = centroid[b, q] - mean[star, q]
            for q in range(3):
                slope[q] = -(p[q, 0] * x[0] + p[q, 1] * x[1] + p[q, 2] * x[2])
            s = spread[b]
            wider = s[0] * (slope[0] * slope[0] - p[0, 0]) + s[1] * (slope[1] * slope[1] - p[1, 1])
            wider += s[2] * (slope[2] * slope[2] - p[2, 2]) + 2.0 * s[3] * (slope[0] * slope[1] - p[0, 1])
            wider += 2.0 * s[4] * (slope[0] * slope[2] - p[0, 2]) + 2.0 * s[5] * (slope[1] * slope[2] - p[1, 2])
            weight = np.float32(np.exp(exponent[k] + 0.5 * wider - top))
            row, own = found[star], sums[b]
            for c in range(row.size):
                row[c] += weight * own[c]
            for q in range(3):
                tilt, factor = tilts[b, q], np.float32(weight * slope[q])
                for c in range(n_tilted):
                    row[c] += factor * tilt[c]
