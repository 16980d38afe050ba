"""SDSS ugriz photometry of one star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.errors import ParameterError

BANDS = ("u", "g", "r", "i", "z")


@dataclass(frozen=True)
class Photometry:
    """Five-band SDSS photometry as in PhotoObj.

    Attributes
    ----------
    psf_mag, psf_mag_err : (5,) float64
        PSF magnitudes (asinh, AB to a few hundredths) in u, g, r, i, z and their errors, mag.
    extinction : (5,) float64
        Galactic extinction along the line of sight (Schlegel, Finkbeiner & Davis 1998), mag.
    model_mag : (5,) float64
        Model magnitudes, mag.
    source : str
        Origin of the values, in words.

    NaN marks a missing value. The networks treat a star with any missing value as one without photometry.
    """

    psf_mag: np.ndarray
    psf_mag_err: np.ndarray
    extinction: np.ndarray
    model_mag: np.ndarray
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag"):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != (5,):
                raise ParameterError(f"{name} needs five values (u, g, r, i, z); got shape {array.shape}.")
            # SDSS marks missing values by -9999; nothing real is fainter than 35 mag.
            array[~np.isfinite(array) | (np.abs(array) > 35)] = np.nan
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def complete(self) -> bool:
        """True when all twenty values are present and every error is positive."""
        values = np.concatenate([self.psf_mag, self.psf_mag_err, self.extinction, self.model_mag])
        return bool(np.all(np.isfinite(values)) and np.all(self.psf_mag_err > 0))
