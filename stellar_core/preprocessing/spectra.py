"""Prepare a spectrum for a network: rest frame, grid, smoothing and normalisation (paper, section 3.2.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.normalisation import normalise
from stellar_core.preprocessing.velocity import measure_velocity
from stellar_core.spectrum import Spectrum

#: Redshift above any star of the Galaxy: 1500 km/s.
MAX_STAR_REDSHIFT = 0.005


@dataclass(frozen=True)
class PreparedSpectrum:
    """Input of a network.

    Attributes
    ----------
    flux : (6800,) float32
        Rest frame, on `GRID`, smoothed, median 1; `FILLER` where not covered.
    coverage : (6800,) bool
        True where the flux is measured.
    redshift : float
        Redshift that was removed.
    redshift_source : {"file", "cross-correlation", "given", "assumed"}
        Source of the redshift; "assumed" is zero, because none is known.
    snr : float
        Median signal-to-noise ratio per pixel of the spectrum as read.
    notes : tuple of str
        Assumptions and repairs in words, after those of the spectrum itself.
    redshift_error : float or None
        One-sigma error of a cross-correlation redshift.
    ivar : (6800,) float32 or None
        Inverse variance of ``flux``, 0 where not covered; None if not computed.
    flux_calibration : str
        As `stellar_core.spectrum.Spectrum.flux_calibration`.
    """

    flux: np.ndarray
    coverage: np.ndarray
    redshift: float
    redshift_source: str
    snr: float
    notes: tuple[str, ...] = ()
    redshift_error: float | None = None
    ivar: np.ndarray | None = None
    flux_calibration: str = "SDSS"

    def __post_init__(self) -> None:
        if self.flux.shape != GRID.shape or self.coverage.shape != GRID.shape:
            raise SpectrumError(
                f"A prepared spectrum has {GRID.size} points; got {self.flux.shape} and {self.coverage.shape}."
            )
        if self.redshift_source not in ("file", "cross-correlation", "given", "assumed"):
            raise ParameterError(f"Unknown redshift source {self.redshift_source!r}.")
        self.flux.flags.writeable = False
        self.coverage.flags.writeable = False
        if self.ivar is not None:
            if self.ivar.shape != GRID.shape:
                raise SpectrumError(f"The inverse variance has {GRID.size} points; got {self.ivar.shape}.")
            self.ivar.flags.writeable = False

    @property
    def covered_fraction(self) -> float:
        """Fraction of `GRID` that is measured."""
        return float(self.coverage.mean())


@dataclass(frozen=True)
class KeptSpectrum(Spectrum):
    """A spectrum with its stored preparation, which `prepare` returns as it is.

    Attributes
    ----------
    prepared : PreparedSpectrum
        The other attributes are those of the original spectrum, where known.
    """

    prepared: PreparedSpectrum | None = None


def prepare(spectrum: Spectrum, templates: np.ndarray | None = None, redshift: float | None = None) -> PreparedSpectrum:
    """Prepare a spectrum for a network.

    Parameters
    ----------
    spectrum : Spectrum
        The stored preparation of a `KeptSpectrum` is returned.
    templates : (n, 6800) float, optional
        Rest-frame spectra on `GRID`, for measuring the velocity if neither the caller nor the
        file gives a redshift; NaN where a template has no data.
    redshift : float, optional
        Redshift that overrides that of the file.

    Returns
    -------
    PreparedSpectrum

    Raises
    ------
    SpectrumError
        As `normalise`.
    ParameterError
        If ``redshift`` is not finite or not above -1.
    """
    if redshift is None and isinstance(spectrum, KeptSpectrum) and spectrum.prepared is not None:
        return spectrum.prepared
    notes = list(spectrum.notes)
    error = None
    if redshift is not None:
        if not (np.isfinite(redshift) and redshift > -1):
            raise ParameterError(f"A redshift is a finite number above -1; got {redshift}.", value=redshift)
        source = "given"
    elif spectrum.redshift is not None and spectrum.redshift > -1:
        redshift, source = spectrum.redshift, "file"
    else:
        redshift, error, source, note = _measure(spectrum, templates)
        notes.append(note)
    try:
        rest = spectrum.wavelength / (1.0 + redshift)
        flux, coverage, ivar = normalise(rest, spectrum.flux, spectrum.ivar)
    except SpectrumError as error:
        if abs(redshift) < MAX_STAR_REDSHIFT:
            raise
        raise SpectrumError(f"{error} A redshift of {redshift:.4g} is too large for a star.", value=redshift) from None
    return PreparedSpectrum(
        flux, coverage, float(redshift), source, spectrum.snr, tuple(notes), error, ivar, spectrum.flux_calibration
    )


def _measure(spectrum: Spectrum, templates: np.ndarray | None) -> tuple[float, float | None, str, str]:
    """Redshift, its error, its source and a note, for a file without a redshift."""
    if templates is None:
        return 0.0, None, "assumed", "The file gives no redshift; the spectrum is assumed to be at rest."
    try:
        found = measure_velocity(spectrum.wavelength, spectrum.flux, spectrum.ivar, templates)
    except SpectrumError as error:
        return 0.0, None, "assumed", f"{error} The spectrum is assumed to be at rest."
    if not found.reliable:
        note = (
            "The file gives no redshift and no velocity could be measured by cross-correlation "
            f"(peak {found.peak:.2f}); the spectrum is assumed to be at rest."
        )
        return 0.0, None, "assumed", note
    velocity, sigma = found.redshift * SPEED_OF_LIGHT, found.error * SPEED_OF_LIGHT
    note = (
        "The file gives no redshift; the velocity was measured by cross-correlation with model spectra: "
        f"{velocity:+.0f} ± {sigma:.0f} km/s (peak {found.peak:.2f})."
    )
    return found.redshift, found.error, "cross-correlation", note
