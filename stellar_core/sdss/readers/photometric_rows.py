"""Photometry in the catalogue row of a BOSS spectrum file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stellar_core.constants import ASINH_SOFTENING, POGSON
from stellar_core.photometry import BANDS, Photometry

#: Softening b of asinh magnitudes in u, g, r, i, z, in units of a zeroth-magnitude source
#: Softening of the asinh magnitudes, (5,).
SOFTENING = np.array(ASINH_SOFTENING)
#: A nanomaggy in units of a zeroth-magnitude source.
NANOMAGGY = 1e-9
#: Columns used, in lower case.
PHOTOMETRY_NAMES = ("psfflux", "psfflux_ivar", "extinction", "modelflux", "modelflux_ivar")


def asinh_magnitude(flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert fluxes and their errors to asinh magnitudes.

    Parameters
    ----------
    flux : (5,) float
        Fluxes in u, g, r, i, z, nanomaggies; may be negative.
    ivar : (5,) float
        Their inverse variances; 0 marks a missing value.

    Returns
    -------
    magnitude, error : (5,) float64
        NaN where missing.
    """
    flux, ivar = np.asarray(flux, dtype=np.float64), np.asarray(ivar, dtype=np.float64)
    known = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    scaled = np.where(known, flux, 0.0) * NANOMAGGY / (2 * SOFTENING)
    sigma = NANOMAGGY / (2 * SOFTENING) / np.sqrt(np.where(known, ivar, 1.0))
    magnitude = -POGSON * (np.arcsinh(scaled) + np.log(SOFTENING))
    with np.errstate(over="ignore"):
        error = POGSON * sigma / np.sqrt(1 + scaled**2)
    return np.where(known, magnitude, np.nan), np.where(known, error, np.nan)


def photometry_of(row: Mapping[str, object]) -> Photometry | None:
    """Return the photometry of a catalogue row.

    Parameters
    ----------
    row : mapping
        Values by column name in lower case; ``psfflux``, ``psfflux_ivar``, ``modelflux``,
        ``modelflux_ivar`` (nanomaggies) and ``extinction`` (mag) are used. Rows of the SDSS
        spectrograph have none of them: their ``spectroflux`` is synthetic, not PSF photometry.

    Returns
    -------
    Photometry or None
        None where the row has no PSF photometry in any band.
    """
    values = [np.asarray(row.get(name)) for name in PHOTOMETRY_NAMES]
    if any(value.shape != (len(BANDS),) or value.dtype.kind not in "fiu" for value in values):
        return None
    psf_mag, psf_mag_err = asinh_magnitude(row["psfflux"], row["psfflux_ivar"])
    if not np.any(np.isfinite(psf_mag)):
        return None
    return Photometry(
        psf_mag=psf_mag,
        psf_mag_err=psf_mag_err,
        extinction=np.asarray(row["extinction"], dtype=np.float64),
        model_mag=asinh_magnitude(row["modelflux"], row["modelflux_ivar"])[0],
        source="imaging photometry in the spectrum file",
    )
