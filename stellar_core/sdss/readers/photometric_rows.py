"""Photometry in the catalogue row of a spectrum file.

Rows of BOSS have the imaging photometry (PSFFLUX). Rows of either spectrograph have CALIBFLUX, with which the pipeline
calibrated the spectra: for stars the PSF fluxes, on the AB system. `AB_OFFSET` takes them back to the system of
PhotoObj, for which the networks were trained; left out, u-g is wrong by 0.08 mag. A band without inverse variance was
rejected by the pipeline (saturated, interpolated, or taken from the plug map). SPECTROFLUX is not photometry: it is
computed from the spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from stellar_core.constants import ASINH_SOFTENING, POGSON
from stellar_core.dust_map import current_extinction, load_dust_map
from stellar_core.photometry import BANDS, Photometry

#: Softening of the asinh magnitudes, (5,).
SOFTENING = np.array(ASINH_SOFTENING)
#: A nanomaggy in units of a zeroth-magnitude source.
NANOMAGGY = 1e-9
#: AB minus SDSS magnitude in u, g, r, i, z, as applied to CALIBFLUX (``readplugmap`` of idlspec2d; ``sdssflux2ab`` of
#: photoop; compared with PSFFLUX in BOSS files, the two agree to 0.001 mag).
AB_OFFSET = np.array([-0.042, 0.036, 0.015, 0.013, -0.002])
#: Error of the zero points and apertures of CALIBFLUX in any band, added in quadrature, mag: the imaging was calibrated
#: to 2 per cent when the Legacy plates were reduced (Stoughton et al. 2002, AJ 123, 485; Padmanabhan et al. 2008).
CALIBRATION_ERROR = 0.02
#: Above this flux (nanomaggies; 18.8 mag) a band has a S/N above `LEAST_SNR` unless the measurement failed.
BRIGHT, LEAST_SNR = 30.0, 5.0
#: Columns used, in lower case.
PHOTOMETRY_NAMES = (
    *("psfflux", "psfflux_ivar", "extinction", "modelflux", "modelflux_ivar"),
    *("calibflux", "calibflux_ivar"),
)


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


def photometry_of(row: Mapping[str, object], ra: float | None = None, dec: float | None = None) -> Photometry | None:
    """Return the photometry of a catalogue row.

    Parameters
    ----------
    row : mapping
        Values by column name in lower case; those of `PHOTOMETRY_NAMES` are used: fluxes in nanomaggies, extinction in
        mag.
    ra, dec : float, optional
        Position, degrees: the extinction is that of the dust map where the row has none.

    Returns
    -------
    Photometry or None
        The imaging photometry if it is complete, else that of CALIBFLUX if that is complete, else the imaging
        photometry; extinction NaN where unknown. None where the row has no photometry in any band.
    """
    values = {name: five for name in PHOTOMETRY_NAMES if (five := _five(row.get(name))) is not None}
    found = [one for one in (_imaging(values), _calibration(values)) if one is not None]
    if not found:
        return None
    extinction, origin = _extinction(values, ra, dec)
    found = [replace(one, extinction=extinction, source=one.source + origin) for one in found]
    return next((one for one in found if one.complete), found[0])


def _five(value: object) -> np.ndarray | None:
    array = np.asarray(value)
    return array.astype(float) if array.shape == (len(BANDS),) and array.dtype.kind in "fiu" else None


def _imaging(values: Mapping[str, np.ndarray]) -> Photometry | None:
    """Photometry of PSFFLUX and MODELFLUX, without the bands that the pipeline rejected in CALIBFLUX."""
    if not {"psfflux", "psfflux_ivar"} <= values.keys():
        return None
    ivar = values["psfflux_ivar"]
    used = values.get("calibflux_ivar", np.ones(5)) > 0
    magnitude, error = asinh_magnitude(values["psfflux"], np.where(used, ivar, 0.0) if used.any() else ivar)
    if not np.any(np.isfinite(magnitude)):
        return None
    missing = np.full(5, np.nan)
    model = asinh_magnitude(values.get("modelflux", missing), values.get("modelflux_ivar", missing))[0]
    return Photometry(magnitude, error, missing, model, source="imaging photometry in the spectrum file")


def _calibration(values: Mapping[str, np.ndarray]) -> Photometry | None:
    """Photometry of CALIBFLUX, whose model magnitudes are taken to be the PSF magnitudes: a star is a point."""
    if not {"calibflux", "calibflux_ivar"} <= values.keys():
        return None
    to_sdss = 10.0 ** (0.4 * AB_OFFSET)
    with np.errstate(all="ignore"):
        flux, ivar = values["calibflux"] * to_sdss, values["calibflux_ivar"] / to_sdss**2
        failed = (flux > BRIGHT) & (flux * np.sqrt(ivar) < LEAST_SNR)
    magnitude, error = asinh_magnitude(flux, np.where(failed, 0.0, ivar))
    if not np.any(np.isfinite(magnitude)):
        return None
    error = np.hypot(error, CALIBRATION_ERROR)
    return Photometry(magnitude, error, np.full(5, np.nan), magnitude, source="CALIBFLUX of the spectrum file")


def _extinction(values: Mapping[str, np.ndarray], ra: float | None, dec: float | None) -> tuple[np.ndarray, str]:
    """Extinction (5,) and its origin in words: of the row, of the dust map, or NaN."""
    given = values.get("extinction")
    if given is not None and np.all(np.isfinite(given)) and np.all(given > 0):
        return current_extinction(given), ""
    if ra is not None and dec is not None and abs(dec) <= 90:
        return load_dust_map().extinction(ra, dec), ", extinction of the SFD map"
    return np.full(len(BANDS), np.nan), ", extinction unknown"
