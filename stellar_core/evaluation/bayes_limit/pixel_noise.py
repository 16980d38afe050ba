"""Noise of MOCK pixels: correlated between neighbours, as the detector and the resampling leave it."""

from __future__ import annotations

import numpy as np

from stellar_core.mock.residuals import Residuals

#: Pixels farther apart than this have independent noise.
REACH = 3


def band_of_correlation(residuals: Residuals, hats: np.ndarray) -> np.ndarray:
    """Covariance (4, p) of the noise of each pixel with itself and the next three, as `Residuals.noise` makes it.

    The noise is in units of ``ivar``'s, before its mean scale; its variance is close to 1.

    Parameters
    ----------
    residuals : Residuals
    hats : (n_node, p) float
        Interpolation from the nodes to the pixels.
    """
    taps = residuals.filter.astype(float) @ hats
    taps /= np.sqrt(np.sum(taps**2, axis=0) - (taps[0] * taps[2] + taps[1] * taps[3]) / 0.75)
    band = np.zeros((REACH + 1, hats.shape[1]))
    for lag in range(REACH + 1):
        size = hats.shape[1] - lag
        for tap in range(REACH + 1 - lag):
            band[lag, :size] += taps[tap, :size] * taps[tap + lag, lag:]
    return band


class Whitening:
    """Linear map that makes the noise of good pixels independent and of unit variance.

    Parameters
    ----------
    band : (4, p) float
        As of `band_of_correlation`.
    sigma : (p,) float
        Scale of the noise.
    good : (p,) bool
        Pixels that are used.

    Attributes
    ----------
    rows : (m,) int
        Those pixels.
    """

    def __init__(self, band: np.ndarray, sigma: np.ndarray, good: np.ndarray) -> None:
        from scipy.linalg import cholesky_banded

        self.rows = np.flatnonzero(good)
        covariance = np.zeros((REACH + 1, self.rows.size))
        covariance[0] = band[0, self.rows] * sigma[self.rows] ** 2
        for step in range(1, REACH + 1):
            first, second = self.rows[:-step], self.rows[step:]
            near = second - first <= REACH
            covariance[step, :-step][near] = (
                band[(second - first)[near], first[near]] * sigma[first[near]] * sigma[second[near]]
            )
        self._factor = cholesky_banded(covariance, lower=True)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Map spectra (k, p) to (k, m) values."""
        from scipy.linalg.lapack import dtbtrs

        columns = np.asfortranarray(rows[:, self.rows].T, dtype=float)
        solved, info = dtbtrs(self._factor, columns, uplo="L", overwrite_b=True)
        if info:
            raise np.linalg.LinAlgError(f"dtbtrs failed: {info}")
        return solved.T
