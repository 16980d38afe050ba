"""The spectrum of a star, from any source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from stellar_core.astrometry import Astrometry
from stellar_core.errors import SpectrumError
from stellar_core.photometry import Photometry

#: Longest spectrum accepted, in pixels: four times the longest SDSS has.
MAX_PIXELS = 20_000


@dataclass(frozen=True)
class Spectrum:
    """A spectrum on the pixels of its file.

    Attributes
    ----------
    wavelength : (n_pixel,) float64
        Vacuum wavelength in Angstrom, strictly increasing, in the frame of the file (heliocentric for SDSS), not
        corrected for the velocity of the star.
    flux : (n_pixel,) float64
        Flux density per Angstrom; 1e-17 erg/s/cm2/Angstrom for SDSS, any linear unit elsewhere. Finite; bad values
        are 0 with ``ivar`` 0.
    ivar : (n_pixel,) float64
        Inverse variance of ``flux``; 0 marks a bad pixel.
    redshift : float or None
        Redshift from the file, None where the file has none.
    photometry : Photometry or None
        ugriz photometry, None where there is none.
    astrometry : Astrometry or None
        Parallax and Gaia's magnitudes, None where they were not looked up or given.
    name : str
        Plate-MJD-fiber where known, else the file name.
    source : {"sdss", "mock", "upload"}
        Origin of the spectrum.
    model : (n_pixel,) float64 or None
        Best-fitting model of the survey's pipeline, None where there is none.
    meta : mapping
        Plain values about the observation: ``plate``, ``mjd``, ``fiber``, ``run2d``,
        ``specobjid`` (str), ``class``, ``subclass``, ``zwarning``, ``sn_median``,
        ``ra``, ``dec``, ``bestobjid`` (str), ``instrument``; for comparison and never as input of a network, from
        SDSS's catalogue: ``sspp_teff``, ``sspp_logg``, ``sspp_feh``, each with ``_err``, and ``sspp_flag``.
        Absent keys are unknown.
    has_errors : bool
        False where the file gave no errors and ``ivar`` was estimated from the scatter.
    notes : tuple of str
        Sentences for the user on what was assumed or repaired while reading.
    """

    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    redshift: float | None = None
    photometry: Photometry | None = None
    name: str = ""
    source: str = "upload"
    model: np.ndarray | None = None
    meta: Mapping[str, object] = field(default_factory=dict)
    has_errors: bool = True
    notes: tuple[str, ...] = ()
    astrometry: Astrometry | None = None

    def __post_init__(self) -> None:
        wavelength = np.asarray(self.wavelength, dtype=np.float64)
        flux = np.array(self.flux, dtype=np.float64)
        ivar = np.array(self.ivar, dtype=np.float64)
        if wavelength.ndim != 1 or not wavelength.shape == flux.shape == ivar.shape:
            raise SpectrumError(
                f"Wavelength, flux and ivar must be one-dimensional and equally long; got "
                f"{wavelength.shape}, {flux.shape} and {ivar.shape}."
            )
        if not 10 <= wavelength.size <= MAX_PIXELS:
            raise SpectrumError(f"The spectrum has {wavelength.size} pixels; between 10 and {MAX_PIXELS} are accepted.")
        if not np.all(np.isfinite(wavelength)) or not np.all(np.diff(wavelength) > 0):
            raise SpectrumError("The wavelengths must be finite and strictly increasing.")
        bad = ~np.isfinite(flux) | ~np.isfinite(ivar) | (ivar <= 0)
        if bad.all():
            raise SpectrumError(
                "No pixel of the spectrum is usable: every flux is missing or has zero inverse variance."
            )
        flux[bad] = np.where(np.isfinite(flux[bad]), flux[bad], 0.0)
        ivar[bad] = 0.0
        for name, array in (("wavelength", wavelength), ("flux", flux), ("ivar", ivar)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.redshift is not None and not np.isfinite(self.redshift):
            object.__setattr__(self, "redshift", None)
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))

    @property
    def flux_calibration(self) -> str:
        """Origin of the flux calibration: "SDSS", "other" for a file that names another survey, else "unknown"."""
        instrument = str(self.meta.get("instrument", ""))
        if self.source in ("sdss", "mock") or "plate" in self.meta or instrument in ("SDSS", "BOSS"):
            return "SDSS"
        return "other" if instrument else "unknown"

    @property
    def good(self) -> np.ndarray:
        """(n_pixel,) bool: pixels with a positive inverse variance."""
        return self.ivar > 0

    @property
    def snr(self) -> float:
        """Median signal-to-noise ratio per pixel over the good pixels."""
        good = self.good
        return float(np.median(self.flux[good] * np.sqrt(self.ivar[good])))
