"""Resample the noise of an input: copies of a star with its own noise added once more.

The scatter of the results over such copies is, to first order, the error due to the noise of the input.
"""

from __future__ import annotations

import numpy as np

from stellar_core.preprocessing.normalisation import FILLER
from stellar_core.preprocessing.smoothing import KERNEL

#: Copies per star.
COPIES = 12
#: Smoothing filter of prepared spectra, which correlates their noise, for unit variance.
_FILTER = KERNEL / np.sqrt((KERNEL**2).sum())
_HALF = KERNEL.size // 2


def noisy_spectra(flux: np.ndarray, ivar: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 6800) float32, noisy copies of one prepared spectrum; pixels without coverage keep the filler.

    Parameters
    ----------
    flux, ivar : (6800,) float
        Prepared flux and inverse variance.
    """
    white = rng.standard_normal((n, flux.size + 2 * _HALF))
    noise = np.stack([np.convolve(row, _FILTER, mode="valid") for row in white])
    error = np.where(ivar > 0, 1.0 / np.sqrt(np.maximum(ivar, 1e-12)), 0.0)
    copies = flux + noise * np.minimum(error, 3.0)
    return np.where(ivar > 0, copies, FILLER).astype(np.float32)


def noisy_features(features: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 29) copies of one star's photometric features, magnitudes perturbed by their errors; NaN stays NaN."""
    copies = np.repeat(np.asarray(features, float)[None], n, axis=0)
    move = rng.standard_normal((n, 5)) * copies[:, 5:10]
    for first in (0, 15, 24):  # PSF, corrected and model magnitudes
        copies[:, first : first + 5] += move
    copies[:, 20:24] += move[:, :-1] - move[:, 1:]
    return copies
