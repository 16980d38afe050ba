"""Radial velocity by cross-correlation, for files without a redshift.

Star and templates are divided by a running mean, resampled to a grid in log
wavelength, where a velocity is a shift, and correlated with the inverse variance
of the star as weight (Tonry & Davis 1979, AJ 84, 1511, with weights and masks).
The peak over all templates, refined by a parabola, is the velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.preprocessing.grid import GRID, MAX_GAP

#: Step of the correlation grid, dex: half an SDSS pixel, 34.5 km/s.
STEP = 5e-5
#: Range of the correlation grid, Angstrom: the SDSS calibration is uncertain bluewards, sky residuals
#: dominate redwards.
RANGE = (3850.0, 8900.0)
#: Highest velocity searched, km/s; no bound star of the Galaxy is faster.
MAX_VELOCITY = 800.0
#: Width of the running mean used as the continuum, dex: 240 Angstrom at 5500,
#: wider than a Balmer line.
CONTINUUM_WIDTH = 0.019
#: S/N per grid point above which the weight stops growing: there the error is template mismatch.
SNR_CEILING = 40.0
#: Largest inverse variance accepted, in units of the median flux: an S/N of a million.
MAX_PRECISION = 1e12
#: Smallest correlation that counts as a measured velocity: noise reaches 0.11, galaxies and
#: quasars 0.20, stars of S/N 3 have 0.25 and more.
MIN_PEAK = 0.22
#: Error added in quadrature for wavelength calibration and template mismatch, km/s.
SYSTEMATIC = 5.0
#: Observer-frame intervals without weight, Angstrom: [O I] sky lines, the O2 and H2O bands, Na D sky.
MASKED = ((5565, 5592), (5886, 5902), (6296, 6308), (6865, 6965), (7160, 7340), (7590, 7710), (8120, 8350))

_LOG_GRID = np.arange(np.log10(RANGE[0]), np.log10(RANGE[1]), STEP)
_MAX_LAG = int(np.ceil(MAX_VELOCITY / SPEED_OF_LIGHT / np.log(10) / STEP))


@dataclass(frozen=True)
class VelocityMeasurement:
    """Result of the cross-correlation.

    Attributes
    ----------
    redshift, error : float
        Redshift and its one-sigma error: scatter of the residuals and `SYSTEMATIC`;
        infinite if the peak is at the end of the search range.
    peak : float
        Correlation coefficient at the peak, at most 1.
    template : int
        Row of the best template.
    """

    redshift: float
    error: float
    peak: float
    template: int

    @property
    def reliable(self) -> bool:
        """True if the peak is at least `MIN_PEAK` and inside the search range."""
        return bool(self.peak >= MIN_PEAK and np.isfinite(self.error))


def _running_mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted running mean over `CONTINUUM_WIDTH`, twice, along the last axis; 0 where no weight is near."""
    half = int(CONTINUUM_WIDTH / STEP / 2)
    size = values.shape[-1]
    low = np.maximum(np.arange(size) - half, 0)
    high = np.minimum(np.arange(size) + half + 1, size)

    def window_sum(array: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros((*array.shape[:-1], 1)), np.cumsum(array, axis=-1)], axis=-1)
        return total[..., high] - total[..., low]

    for _ in range(2):
        norm = window_sum(weight)
        enough = norm > 0.05 * half
        values = np.where(enough, window_sum(values * weight) / np.where(enough, norm, 1.0), 0.0)
    return values


def _detail(flux: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux over continuum minus 1 (..., p), the continuum, and a mask of valid points."""
    weight = usable.astype(float)
    continuum = _running_mean(flux, weight)
    scale = np.median(continuum, axis=-1, keepdims=True)
    usable = usable & (continuum > 0.02 * np.abs(scale))
    ratio = np.where(usable, flux / np.where(usable, continuum, 1.0) - 1.0, 0.0)
    # Emission spikes and cosmic rays must not dominate the sums.
    return np.clip(ratio, -1.0, 1.0), continuum, usable


def _template_details(templates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Details (n, p) of the templates on the correlation grid and their masks (n, p)."""
    wavelength = 10**_LOG_GRID
    left = np.clip(np.searchsorted(GRID, wavelength) - 1, 0, GRID.size - 2)
    share = wavelength - GRID[left]
    resampled = templates[:, left] * (1 - share) + templates[:, left + 1] * share
    usable = np.isfinite(resampled)
    detail, _, usable = _detail(np.where(usable, resampled, 0.0), usable)
    return detail, usable


def measure_velocity(
    wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray, templates: np.ndarray
) -> VelocityMeasurement:
    """Measure the redshift of a star by cross-correlation with rest-frame templates.

    Parameters
    ----------
    wavelength : (n_pixel,) float64
        Observed vacuum wavelength, Angstrom, strictly increasing.
    flux, ivar : (n_pixel,) float
        Flux and inverse variance in any linear unit; ``ivar`` 0 marks bad pixels.
    templates : (n, 6800) float
        Rest-frame spectra on `GRID`; NaN where a template has no data.

    Returns
    -------
    VelocityMeasurement
        Check ``reliable`` before use.

    Raises
    ------
    ParameterError
        If ``templates`` has another shape.
    SpectrumError
        If fewer than 500 Angstrom of good pixels lie in `RANGE`.
    """
    templates = np.asarray(templates, dtype=np.float64)
    if templates.ndim != 2 or templates.shape[1] != GRID.size or not len(templates):
        raise ParameterError(f"Templates must have shape (n, {GRID.size}) with n > 0; got {templates.shape}.")
    detail, weight = _observed(np.asarray(wavelength, float), np.asarray(flux, float), np.asarray(ivar, float))
    template, usable = _template_details(templates)

    # Row k of these holds the star shifted by k - _MAX_LAG points: (n_lag, p).
    lags = np.arange(-_MAX_LAG, _MAX_LAG + 1)
    index = np.arange(_LOG_GRID.size)[None, :] + lags[:, None]
    inside = (index >= 0) & (index < _LOG_GRID.size)
    index = np.clip(index, 0, _LOG_GRID.size - 1)
    shifted_weight = weight[index] * inside
    shifted = detail[index]
    cross = (shifted_weight * shifted) @ template.T  # (n_lag, n)
    power = shifted_weight @ (template**2).T
    own = (shifted_weight * shifted**2) @ usable.T.astype(float)
    correlation = cross / np.sqrt(np.maximum(power * own, 1e-30))

    lag, best = np.unravel_index(np.argmax(correlation), correlation.shape)
    curve = correlation[:, best]
    peak = float(curve[lag])
    step = np.log(10) * STEP
    before, here, after = curve[lag - 1 : lag + 2] if 0 < lag < lags.size - 1 else (peak, peak, peak)
    bend = before - 2 * here + after
    if bend >= 0 or peak <= 0:
        return VelocityMeasurement(float(np.expm1(lags[lag] * step)), np.inf, peak, int(best))
    offset = 0.5 * (before - after) / bend
    # chi2 = own (1 - r^2) with the scatter of the residuals as noise: sigma^2 = 2 / chi2''.
    independent = max(float(np.count_nonzero(shifted_weight[lag] * usable[best])) / 2, 2.0)
    reduced = (1 - peak**2) / independent
    statistical = step * np.sqrt(reduced / max(-peak * bend, 1e-30))
    error = float(np.hypot(statistical, SYSTEMATIC / SPEED_OF_LIGHT))
    return VelocityMeasurement(float(np.expm1((lags[lag] + offset) * step)), error, peak, int(best))


def _observed(wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Detail (p,) of the star on the correlation grid and its weight (p,)."""
    good = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
    for low, high in MASKED:
        good &= ~((wavelength > low) & (wavelength < high))
    grid = 10**_LOG_GRID
    if np.count_nonzero(good) < 2:
        raise SpectrumError("The spectrum has no good pixels to measure a velocity from.")
    at = np.searchsorted(wavelength[good], grid)
    padded = np.concatenate([[-np.inf], wavelength[good], [np.inf]])
    usable = padded[at + 1] - padded[at] <= MAX_GAP / 2
    covered = float(np.sum(np.gradient(grid)[usable]))
    if covered < 500:
        raise SpectrumError(
            f"Only {covered:.0f} Angstrom of good pixels lie between {RANGE[0]:.0f} and {RANGE[1]:.0f} Angstrom; "
            "500 are needed to measure a velocity.",
            value=covered,
        )
    scale = np.median(np.abs(flux[good])) or 1.0
    values = np.where(usable, np.interp(grid, wavelength[good], flux[good] / scale), 0.0)
    with np.errstate(over="ignore"):
        precision = np.interp(grid, wavelength[good], np.minimum(ivar[good] * scale**2, MAX_PRECISION))
    detail, continuum, usable = _detail(values, usable)
    snr2 = precision * continuum**2
    return detail, np.where(usable, snr2 / (1 + snr2 / SNR_CEILING**2), 0.0)
