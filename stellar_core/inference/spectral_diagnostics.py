"""Compare a spectrum with the emulated spectrum of its inferred atmosphere.

Each diagnostic is one number that is large for one kind of corruption or of foreign object; `DomainCheck` holds its
distribution over good stars.
"""

from __future__ import annotations

import numpy as np

from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.smoothing import SMOOTH_WINDOW

#: Columns of `diagnose`: five diagnostics, then the slope and colours from which `DomainCheck` makes two scores.
DIAGNOSTICS = ("misfit", "spikes", "telluric", "velocity", "lost", "slope", "blue", "red", "g-r", "r-i")
#: Width of the running mean that is taken as the continuum, Angstrom.
_WINDOW = 301
#: Range in which lines are compared, Angstrom; error of the emulated lines as a fraction of the continuum.
_RANGE, _MODEL = (3850.0, 8800.0), 0.03
#: Telluric oxygen bands, observed frame, Angstrom; stellar velocities shift them by less than their widths.
_TELLURIC = ((6868.0, 6925.0), (7595.0, 7680.0))
#: Step in ln(wavelength) of 69 km/s: largest offset tried, and largest that counts as zero, in steps.
_STEP, _FAR, _NEAR = 1e-4, 9, 1
#: Three broad bands within the spectrum, near the wavelengths of g, r and i.
_BANDS = ((4000.0, 5300.0), (5650.0, 6900.0), (7000.0, 8150.0))
#: Fraction of the grid that the SDSS spectrograph covers.
USUAL_COVERAGE = 0.79
_LOG_GRID = 10.0 ** np.arange(np.log10(_RANGE[0]), np.log10(_RANGE[1]), _STEP)


def continuum(flux: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """(n, 6800) running mean of the flux within the coverage, at least 0.02."""
    masked = np.where(coverage, flux, 0.0).astype(np.float64)
    half = _WINDOW // 2
    sums = [np.cumsum(np.pad(a, ((0, 0), (half + 1, half))), axis=1) for a in (masked, coverage.astype(float))]
    total, count = (s[:, _WINDOW:] - s[:, :-_WINDOW] for s in sums)
    return np.maximum(total / np.maximum(count, 1.0), 0.02)


def line_profile(flux: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Flux over its running mean within the coverage; NaN elsewhere.

    Parameters
    ----------
    flux : (n, 6800) float
    coverage : (n, 6800) bool

    Returns
    -------
    (n, 6800) float32
    """
    return np.where(coverage, flux / continuum(flux, coverage), np.nan).astype(np.float32)


def diagnose(
    emulator: SpectralEmulator,
    flux: np.ndarray,
    coverage: np.ndarray,
    ivar: np.ndarray,
    features: np.ndarray,
    atmosphere: np.ndarray,
    snr: np.ndarray,
) -> np.ndarray:
    """Compute the `DIAGNOSTICS` of prepared spectra.

    Parameters
    ----------
    flux, coverage, ivar : (n, 6800)
        Prepared spectra.
    features : (n, 29)
        Photometric features, NaN where missing.
    atmosphere : (n, 3)
        Inferred Teff [K], log g, [Fe/H] [dex].
    snr : (n,)
        Median S/N per pixel.

    Returns
    -------
    (n, 10) float64
        ``misfit``: RMS of lines minus emulated lines over the RMS expected from noise and library, spikes clipped.
        ``spikes``: RMS of the excess over five sigma. ``telluric``: depth in the oxygen bands over its
        error. ``velocity``: improvement of the fit, in sigma, at another velocity.
        ``lost``: fraction of the usual coverage that is missing. ``slope``: of ln(flux / emulated) against
        ln(wavelength). Colours, mag: ``blue`` and ``red`` of the spectrum, then those of the photometry; NaN
        if absent.
    """
    from scipy.ndimage import uniform_filter1d

    limits = np.clip(atmosphere, [3500.0, 0.0, -2.8], [12000.0, 5.2, 0.6])
    # Prepared spectra are smoothed by a Savitzky-Golay filter; a short running mean smooths the model nearly alike.
    model = uniform_filter1d(emulator.spectra(*limits.T), SMOOTH_WINDOW // 3, axis=1)
    level = continuum(flux, coverage)
    used = coverage & (GRID >= _RANGE[0]) & (GRID <= _RANGE[1])
    ours, theirs = flux / level, model / continuum(model, coverage)
    difference = np.where(used, ours - theirs, 0.0)
    count = np.maximum(used.sum(axis=1), 1)
    rms = np.sqrt((np.clip(difference, -0.3, 0.3) ** 2).sum(axis=1) / count)
    misfit = rms / np.hypot(0.5 / np.maximum(snr, 0.1), 0.02)
    error = np.hypot(1.0 / np.sqrt(np.maximum(ivar, 1e-6)) / level, _MODEL)
    excess = np.clip(np.abs(difference / error) - 5.0, 0.0, 30.0)
    spikes = np.sqrt((excess**2).sum(axis=1) / count)
    telluric = -_mean_in(difference, used, error, _TELLURIC)
    velocity = np.array(
        [_offset(*star) for star in zip(np.where(used, ours - 1, 0.0), np.where(used, theirs - 1, 0.0), error)]
    )
    lost = np.maximum(1.0 - coverage.mean(axis=1) / USUAL_COVERAGE, 0.0)
    ratio = np.log(np.maximum(np.where(coverage, flux, 1.0), 0.02) / np.maximum(model, 0.02))
    slope = np.array([_slope(*star) for star in zip(ratio, used)])
    bands = np.stack([_band(flux, coverage, *band) for band in _BANDS], axis=1)
    spectral = -2.5 * np.log10(bands[:, :-1] / bands[:, 1:])
    photometric = np.asarray(features, float)[:, 1:3] - np.asarray(features, float)[:, 2:4]
    return np.column_stack([misfit, spikes, telluric, velocity, lost, slope, spectral, photometric])


def _mean_in(
    values: np.ndarray, used: np.ndarray, error: np.ndarray, ranges: tuple[tuple[float, float], ...]
) -> np.ndarray:
    """(n,) mean of ``values`` in ``ranges`` over its error, of the noise (correlated by the filter) and of the
    model."""
    inside = used & np.any([(GRID >= low) & (GRID <= high) for low, high in ranges], axis=0)
    count = np.maximum(inside.sum(axis=1), 1)
    noise = np.sqrt(np.where(inside, np.minimum(error, 10.0) ** 2, 0.0).sum(axis=1) / count * SMOOTH_WINDOW / count)
    return np.where(inside, values, 0.0).sum(axis=1) / count / np.hypot(noise, 0.01)


def _offset(ours: np.ndarray, theirs: np.ndarray, error: np.ndarray) -> float:
    """Improvement, in sigma, of the fit of lines ``ours`` (6800,) to ``theirs`` at offsets of 140 to 620 km/s."""
    weight = np.interp(_LOG_GRID, GRID, 1.0 / error**2)
    a, b = (np.interp(_LOG_GRID, GRID, lines) for lines in (ours, theirs))
    middle = slice(_FAR, -_FAR)
    chi2 = np.array(
        [(weight[middle] * (a[middle] - b[_FAR + k : b.size - _FAR + k]) ** 2).sum() for k in range(-_FAR, _FAR + 1)]
    )
    near = np.abs(np.arange(-_FAR, _FAR + 1)) <= _NEAR
    scale = max(chi2.min() / (a.size - 2 * _FAR), 1.0)
    return float(np.sqrt(max(chi2[near].min() - chi2[~near].min(), 0.0) / scale))


def _slope(ratio: np.ndarray, used: np.ndarray) -> float:
    """Slope of ``ratio`` (6800,) against ln(wavelength) from medians in 20 intervals; 0 if fewer than 5 are covered."""
    x, y = [], []
    for part in np.array_split(np.flatnonzero((GRID >= _RANGE[0]) & (GRID <= _RANGE[1])), 20):
        inside = part[used[part]]
        if inside.size > part.size // 2:
            x.append(np.log(GRID[inside].mean()))
            y.append(np.median(ratio[inside]))
    return float(np.polyfit(x, y, 1)[0]) if len(x) >= 5 else 0.0


def _band(flux: np.ndarray, coverage: np.ndarray, low: float, high: float) -> np.ndarray:
    """(n,) mean flux between two wavelengths; NaN if less than 0.9 of it is covered or the mean is not positive."""
    inside = coverage & (GRID >= low) & (GRID <= high)
    count = inside.sum(axis=1)
    mean = np.where(inside, flux, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where((count > 0.9 * (high - low)) & (mean > 0), np.where(mean > 0, mean, 1.0), np.nan)
