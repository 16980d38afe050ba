"""The 29 photometric features of a star (paper, section 3.2.3).

The paper lists 24 of its 29 features: PSF magnitudes, their errors,
extinctions and corrected PSF magnitudes, five each, and four colours. The remaining
five are assumed to be the model magnitudes.
"""

from __future__ import annotations

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.photometry import BANDS, Photometry

#: The 29 features, in the order of the last axis of every feature array.
FEATURE_NAMES: tuple[str, ...] = (
    *(f"psfMag_{band}" for band in BANDS),
    *(f"psfMagErr_{band}" for band in BANDS),
    *(f"extinction_{band}" for band in BANDS),
    *(f"corrected_psfMag_{band}" for band in BANDS),
    *(f"{blue}-{red}" for blue, red in zip(BANDS, BANDS[1:])),
    *(f"modelMag_{band}" for band in BANDS),
)


def features_batch(
    psf_mag: np.ndarray, psf_mag_err: np.ndarray, extinction: np.ndarray, model_mag: np.ndarray
) -> np.ndarray:
    """Features of many stars.

    Parameters
    ----------
    psf_mag, psf_mag_err, extinction, model_mag : (n, 5) float
        In u, g, r, i, z; mag. NaN marks a missing value.

    Returns
    -------
    (n, 29) float64
        In the order of `FEATURE_NAMES`: corrected magnitudes are ``psf_mag - extinction``
        and the colours are differences of those. NaN wherever an input is missing.

    Raises
    ------
    ParameterError
        If the four arrays are not all of the same shape (n, 5).
    """
    arrays = [np.asarray(array, dtype=np.float64) for array in (psf_mag, psf_mag_err, extinction, model_mag)]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or shapes[0][1] != len(BANDS):
        raise ParameterError(f"Photometry must be four arrays of one shape (n, 5); got {shapes}.")
    psf, error, extinct, model = arrays
    corrected = psf - extinct
    colours = corrected[:, :-1] - corrected[:, 1:]
    return np.concatenate([psf, error, extinct, corrected, colours, model], axis=1)


def features(photometry: Photometry | None) -> np.ndarray:
    """Features of one star.

    Parameters
    ----------
    photometry : Photometry or None
        None for a star without photometry: every feature is missing.

    Returns
    -------
    (29,) float64
        NaN where missing, never zero.
    """
    if photometry is None:
        return np.full(len(FEATURE_NAMES), np.nan)
    return features_batch(
        photometry.psf_mag[None], photometry.psf_mag_err[None], photometry.extinction[None], photometry.model_mag[None]
    )[0]
