"""Emulated spectra as sums of a few principal components.

The likelihood of a spectrum is Gaussian in its pixels. With every model spectrum a point in a linear space of some 80
dimensions, the likelihood of millions of stars and pairs of stars follows from one quadratic form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numba import njit

from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.light import R_BAND
from stellar_core.mock.population import draw
from stellar_core.preprocessing.grid import GRID

#: Number of components: spectra of 4500 to 10000 K are then reproduced to 1e-4, cooler ones to 3e-4.
COMPONENTS = 80
#: First node, step and number of nodes in 5040 K / Teff, log g and [Fe/H].
AXES = ((0.37, 0.03, 39), (-0.5, 0.35, 19), (-3.2, 0.3, 15))
#: MOCK stars that the components are fitted to, and their seed.
FITTED, SEED = 2000, 11
_AT_ONCE = 500


@dataclass(frozen=True)
class SpectralBasis:
    """Mean and components of emulated spectra of mean 1 in the r band, and their coefficients.

    Attributes
    ----------
    mean : (6800,) float32
    components : (k, 6800) float32
    table : (n_teff, n_logg, n_feh, k) float32
        Coefficients of cubic B-splines over the nodes of `AXES`.
    """

    mean: np.ndarray = field(repr=False)
    components: np.ndarray = field(repr=False)
    table: np.ndarray = field(repr=False)

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> SpectralBasis:
        """Fit the components to the shipped emulator, some 10 s; kept."""
        from scipy.ndimage import spline_filter1d

        emulator = SpectralEmulator.load()
        nodes = [first + step * np.arange(number) for first, step, number in AXES]
        grid = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1).reshape(-1, 3)
        stars = draw(FITTED, np.random.default_rng(SEED), flatten=0.5)
        atmosphere = np.column_stack([5040.0 / stars.teff, stars.logg, stars.feh])
        spectra = emulated(*atmosphere[emulator.domain(stars.teff, stars.logg, stars.feh)].T)
        mean = spectra.mean(axis=0)
        weight = 1.0 / np.sqrt(mean)
        components = _principal((spectra - mean) * weight)
        project = (components * weight).T
        coefficients = [
            (emulated(*grid[at : at + _AT_ONCE].T) - mean) @ project for at in range(0, len(grid), _AT_ONCE)
        ]
        table = np.concatenate(coefficients).reshape(*(axis[2] for axis in AXES), -1).astype(float)
        for axis in range(3):
            table = spline_filter1d(table, axis=axis, mode="mirror")
        return SpectralBasis(mean, (components / weight).astype(np.float32), table.astype(np.float32))

    def coefficients(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """Coefficients (n, k) float32 of the spectra of mean 1 in the r band; beyond the nodes those of the edge.

        Parameters
        ----------
        teff, logg, feh : (n,) float
            K, dex, dex.
        """
        places = np.empty((len(teff), 3))
        for column, (values, (first, step, number)) in enumerate(zip((5040.0 / np.asarray(teff), logg, feh), AXES)):
            places[:, column] = np.clip((np.asarray(values) - first) / step, 1.0, number - 2.001)
        return _interpolate(self.table, places)

    def spectra(self, coefficients: np.ndarray) -> np.ndarray:
        """Spectra (n, 6800) of ``coefficients`` (n, k)."""
        return self.mean + coefficients @ self.components


def emulated(inverse_teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
    """Emulated spectra (n, 6800) float32 of mean 1 in the r band, at 5040 K / Teff, log g and [Fe/H]."""
    flux = SpectralEmulator.load().spectra(5040.0 / inverse_teff, logg, feh)
    return flux / flux[:, R_BAND].mean(axis=1, keepdims=True)


def _principal(rows: np.ndarray) -> np.ndarray:
    """The first `COMPONENTS` principal components (k, 6800) of ``rows`` (n, 6800), orthonormal."""
    from scipy.linalg import eigh

    rows = rows.astype(float)  # the variances of the components span ten decades
    gram = rows @ rows.T
    values, vectors = eigh(gram, subset_by_index=(len(rows) - COMPONENTS, len(rows) - 1))
    components = (vectors / np.sqrt(values)).T[::-1] @ rows
    return components.astype(np.float32).reshape(COMPONENTS, GRID.size)


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(table, places):
    """Cubic B-splines of ``table`` (a, b, c, k) at ``places`` (n, 3)."""
    n, k = places.shape[0], table.shape[3]
    out = np.zeros((n, k), np.float32)
    weight = np.empty((3, 4), np.float32)
    base = np.empty(3, np.int64)
    for row in range(n):
        for axis in range(3):
            base[axis] = int(places[row, axis]) - 1
            t = places[row, axis] - int(places[row, axis])
            weight[axis, 0] = (1 - t) ** 3 / 6
            weight[axis, 1] = (4 - 6 * t * t + 3 * t**3) / 6
            weight[axis, 2] = (1 + 3 * t + 3 * t * t - 3 * t**3) / 6
            weight[axis, 3] = t**3 / 6
        for i in range(4):
            for j in range(4):
                for m in range(4):
                    w = weight[0, i] * weight[1, j] * weight[2, m]
                    node = table[base[0] + i, base[1] + j, base[2] + m]
                    for column in range(k):
                        out[row, column] += w * node[column]
    return out
