"""A spectrum on its own pixels -> the 6800 numbers a network sees.

The four steps of the paper's section 3.2.4: rest frame, linear interpolation to
3600..10399 Angstrom at 1 Angstrom, Savitzky-Golay smoothing, division by the median
flux; flat spectra are refused. What the paper leaves open is settled here: a coverage
mask goes beside the flux, and what no good pixel supports is exactly `FILLER` and
never touches a covered point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.spectrum import Spectrum

#: (6800,) float64, rest-frame vacuum wavelength in Angstrom (paper, section 3.2.4 ii).
GRID = np.arange(3600.0, 10400.0)
GRID.flags.writeable = False

#: Savitzky-Golay window in grid points; the paper gives none. With a cubic it takes the noise
#: down to 0.46 and keeps 60 / 74 / 84 % of the depth of a line of 3 / 4 / 5 Angstrom FWHM
#: (SDSS resolves 2-5). The networks are taught on spectra through the same filter.
SMOOTH_WINDOW = 11
#: Order of the Savitzky-Golay polynomial: 3 keeps the position and curvature of line cores.
SMOOTH_ORDER = 3
#: Longest gap between good pixels that is interpolated across, Angstrom: a cosmic ray, a sky
#: line or a dead column is shorter, a lost stretch of spectrum longer.
MAX_GAP = 20.0
#: Least total covered length inside the grid, Angstrom.
MIN_COVERED = 1000
#: Standard deviation of the normalised flux under which a spectrum is flat (section 3.2.4).
MIN_STD = 0.01
#: Redshift no star of the Galaxy reaches: 1500 km/s.
MAX_STAR_REDSHIFT = 0.005
#: Largest inverse variance of the normalised flux: a S/N of 1000 after smoothing is more than calibration allows.
MAX_IVAR = 1e6
#: Value of every grid point without coverage: the median of a normalised spectrum.
FILLER = 1.0


def _projection() -> np.ndarray:
    """(window, window) matrix that maps a window of flux to its polynomial fit at each point."""
    half = SMOOTH_WINDOW // 2
    powers = np.vander(np.arange(-half, half + 1) / half, SMOOTH_ORDER + 1)
    return powers @ np.linalg.pinv(powers)


_FIT = _projection()
#: Share of the variance of each point of a window in that of the smoothed middle, for white noise.
_SHARES = _FIT[SMOOTH_WINDOW // 2] ** 2


def smooth(flux: np.ndarray) -> np.ndarray:
    """Savitzky-Golay filter of one unbroken stretch (Savitzky & Golay 1964).

    The same as ``scipy.signal.savgol_filter(..., mode="interp")``: the ends take the
    value of the polynomial fitted to the first and last window.

    Parameters
    ----------
    flux : (n,) float64
        Equally spaced, ``n >= SMOOTH_WINDOW``.

    Returns
    -------
    (n,) float64
    """
    half = SMOOTH_WINDOW // 2
    out = np.empty_like(flux)
    out[half:-half] = np.convolve(flux, _FIT[half], mode="valid")
    out[:half] = _FIT[:half] @ flux[:SMOOTH_WINDOW]
    out[-half:] = _FIT[-half:] @ flux[-SMOOTH_WINDOW:]
    return out


def _runs(wavelength: np.ndarray) -> list[slice]:
    """Stretches of `GRID` without a gap above `MAX_GAP` between the good ``wavelength``."""
    breaks = np.flatnonzero(np.diff(wavelength) > MAX_GAP)
    firsts = wavelength[np.concatenate([[0], breaks + 1])]
    lasts = wavelength[np.concatenate([breaks, [wavelength.size - 1]])]
    start = np.searchsorted(GRID, firsts, side="left")
    stop = np.searchsorted(GRID, lasts, side="right")
    return [slice(a, b) for a, b in zip(start, stop) if b - a >= SMOOTH_WINDOW]


def normalise(wavelength_rest: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps ii to iv of the paper's section 3.2.4, and its flat check.

    Parameters
    ----------
    wavelength_rest : (n_pixel,) float64
        Vacuum wavelength in the rest frame, Angstrom, strictly increasing.
    flux : (n_pixel,) float
        Flux per Angstrom in any linear unit.
    ivar : (n_pixel,) float
        Inverse variance; pixels that are not positive and finite are not used.

    Returns
    -------
    flux : (6800,) float32
        Smoothed flux on `GRID` over its median over the covered points; `FILLER` elsewhere.
    coverage : (6800,) bool
        Where good pixels, at most `MAX_GAP` apart, support the flux.

    Raises
    ------
    SpectrumError
        Too little coverage, a median that is not positive, or a flat spectrum.
    """
    return normalise_with_ivar(wavelength_rest, flux, ivar)[:2]


def normalise_with_ivar(
    wavelength_rest: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`normalise`, and how well each point is known.

    Parameters and errors as for `normalise`.

    Returns
    -------
    flux, coverage
        As `normalise`.
    ivar : (6800,) float32
        Inverse variance of ``flux`` after interpolation and smoothing, for pixels whose
        errors are independent: the variance times the distance between good pixels, taken
        through the squares of the filter. 0 without coverage.
    """
    flux, ivar = np.asarray(flux, float), np.asarray(ivar, float)
    good = (ivar > 0) & (ivar < np.inf) & np.isfinite(flux)
    wavelength, values = np.asarray(wavelength_rest, float)[good], flux[good]
    runs = _runs(wavelength) if wavelength.size else []
    covered = sum(run.stop - run.start for run in runs)
    if covered < MIN_COVERED:
        raise SpectrumError(
            f"Good pixels cover {covered} Angstrom between 3600 and 10399 Angstrom in the rest frame; "
            f"at least {MIN_COVERED} are needed.",
            value=covered,
        )
    smoothed = [smooth(np.interp(GRID[run], wavelength, values)) for run in runs]
    together = smoothed[0] if len(smoothed) == 1 else np.concatenate(smoothed)
    median = float(np.median(together))
    if not 0 < median < np.inf:
        raise SpectrumError(
            f"The median flux is {median:.3g}; a spectrum can only be normalised by a positive one.", value=median
        )
    with np.errstate(over="ignore", invalid="ignore"):
        together = (together / median).astype(np.float32)
        spread = float(together.std(dtype=np.float64))
    if not np.isfinite(spread):
        raise SpectrumError("The normalised flux is not finite: single values exceed its median beyond all measure.")
    if spread < MIN_STD:
        raise SpectrumError(
            f"The spectrum is flat: its normalised flux has a standard deviation of {spread:.2g}, less than {MIN_STD}.",
            value=spread,
        )
    # Variance per Angstrom: two pixels of 1 A say as much as one of 0.5 A with half its variance.
    density = np.gradient(wavelength) / ivar[good]
    out = np.full(GRID.size, FILLER, dtype=np.float32)
    coverage = np.zeros(GRID.size, dtype=bool)
    known = np.zeros(GRID.size, dtype=np.float32)
    done = 0
    for run in runs:
        length = run.stop - run.start
        out[run] = together[done : done + length]
        coverage[run] = True
        variance = np.pad(np.interp(GRID[run], wavelength, density), SMOOTH_WINDOW // 2, mode="edge")
        known[run] = np.minimum(median**2 / np.convolve(variance, _SHARES, mode="valid"), MAX_IVAR)
        done += length
    return out, coverage, known


def normalise_batch(
    wavelength_rest: np.ndarray | Sequence[np.ndarray],
    flux: np.ndarray | Sequence[np.ndarray],
    ivar: np.ndarray | Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`normalise` for many spectra, bad ones marked rather than raised.

    Parameters
    ----------
    wavelength_rest : (n_pixel,) or (n, n_pixel) float64, or a sequence of n arrays
        One rest-frame wavelength scale for all, or one for each, Angstrom.
    flux, ivar : (n, n_pixel) float, or sequences of n arrays
        As for `normalise`; lengths may differ between spectra when given as sequences.

    Returns
    -------
    flux : (n, 6800) float32
    coverage : (n, 6800) bool
    usable : (n,) bool
        False where `normalise` would raise; such rows are all `FILLER`, without coverage.
    """
    out, coverage, _, usable = normalise_batch_with_ivar(wavelength_rest, flux, ivar)
    return out, coverage, usable


def normalise_batch_with_ivar(
    wavelength_rest: np.ndarray | Sequence[np.ndarray],
    flux: np.ndarray | Sequence[np.ndarray],
    ivar: np.ndarray | Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`normalise_batch` with the inverse variance of `normalise_with_ivar`.

    Returns
    -------
    flux : (n, 6800) float32
    coverage : (n, 6800) bool
    ivar : (n, 6800) float32
        0 where not covered.
    usable : (n,) bool
    """
    count = len(flux)
    shared = isinstance(wavelength_rest, np.ndarray) and wavelength_rest.ndim == 1
    out = np.full((count, GRID.size), FILLER, dtype=np.float32)
    coverage = np.zeros((count, GRID.size), dtype=bool)
    known = np.zeros((count, GRID.size), dtype=np.float32)
    usable = np.zeros(count, dtype=bool)
    for row in range(count):
        wavelength = wavelength_rest if shared else wavelength_rest[row]
        try:
            out[row], coverage[row], known[row] = normalise_with_ivar(wavelength, flux[row], ivar[row])
            usable[row] = True
        except SpectrumError:
            continue
    return out, coverage, known, usable


@dataclass(frozen=True)
class PreparedSpectrum:
    """A spectrum as a network takes it.

    Attributes
    ----------
    flux : (6800,) float32
        Rest frame, on `GRID`, smoothed, median 1; `FILLER` where not covered.
    coverage : (6800,) bool
        Where the flux is measured.
    redshift : float
        The redshift that was taken out.
    redshift_source : {"file", "cross-correlation", "given", "assumed"}
        Where it came from; "assumed" is zero for want of anything better.
    snr : float
        Median signal-to-noise ratio per pixel of the spectrum as read.
    notes : tuple of str
        What was assumed or repaired, in words for the user; those of the spectrum first.
    redshift_error : float or None
        One-sigma error of a cross-correlation redshift.
    ivar : (6800,) float32 or None
        Inverse variance of ``flux``, 0 where not covered; None where it was not asked for.
    """

    flux: np.ndarray
    coverage: np.ndarray
    redshift: float
    redshift_source: str
    snr: float
    notes: tuple[str, ...] = ()
    redshift_error: float | None = None
    ivar: np.ndarray | None = None

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
        """Share of `GRID` that is measured."""
        return float(self.coverage.mean())


@dataclass(frozen=True)
class KeptSpectrum(Spectrum):
    """A spectrum that was prepared before: `prepare` gives back what was kept, so that nothing is filtered twice.

    Attributes
    ----------
    prepared : PreparedSpectrum
        The other attributes are those of the spectrum that it was made of, as far as they are known.
    """

    prepared: PreparedSpectrum | None = None


def prepare(spectrum: Spectrum, templates: np.ndarray | None = None, redshift: float | None = None) -> PreparedSpectrum:
    """All four steps of the paper's section 3.2.4.

    Parameters
    ----------
    spectrum : Spectrum
        A `KeptSpectrum` is taken as it was prepared.
    templates : (n, 6800) float, optional
        Rest-frame spectra on `GRID`, used to measure the velocity when neither the
        caller nor the file gives a redshift; NaN marks what a template lacks.
    redshift : float, optional
        Redshift to use in place of the file's.

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
        flux, coverage, ivar = normalise_with_ivar(rest, spectrum.flux, spectrum.ivar)
    except SpectrumError as error:
        if abs(redshift) < MAX_STAR_REDSHIFT:
            raise
        raise SpectrumError(f"{error} A redshift of {redshift:.4g} is not that of a star.", value=redshift) from None
    return PreparedSpectrum(flux, coverage, float(redshift), source, spectrum.snr, tuple(notes), error, ivar)


def _measure(spectrum: Spectrum, templates: np.ndarray | None) -> tuple[float, float | None, str, str]:
    """Redshift, its error, its source and the sentence about it, for a file without one."""
    if templates is None:
        return 0.0, None, "assumed", "The file gives no redshift; the spectrum was taken to be at rest."
    from stellar_core.preprocessing.velocity import measure_velocity

    try:
        found = measure_velocity(spectrum.wavelength, spectrum.flux, spectrum.ivar, templates)
    except SpectrumError as error:
        return 0.0, None, "assumed", f"{error} The spectrum was taken to be at rest."
    if not found.reliable:
        return (
            0.0,
            None,
            "assumed",
            (
                "The file gives no redshift and no velocity could be measured by cross-correlation "
                f"(peak {found.peak:.2f}); the spectrum was taken to be at rest."
            ),
        )
    velocity, sigma = found.redshift * SPEED_OF_LIGHT, found.error * SPEED_OF_LIGHT
    return (
        found.redshift,
        found.error,
        "cross-correlation",
        (
            "The file gives no redshift; the velocity was found by cross-correlation with model spectra: "
            f"{velocity:+.0f} +- {sigma:.0f} km/s (peak {found.peak:.2f})."
        ),
    )
