"""Realism features: summary numbers of a spectrum that may distinguish mock from real ones.

They are computed from flux and ``ivar`` as in the file, in the observer's frame. Noise is measured by second
differences, x(k) - (x(k-2) + x(k+2)) / 2, over their expected error, which cancel the smooth spectrum of the star.
"""

from __future__ import annotations

import numpy as np

from stellar_core.constants import TELLURIC_BANDS
from stellar_core.spectrum import Spectrum

#: Cells for noise and ivar, Angstrom.
CELLS = (3820, 4100, 4500, 5000, 5500, 6100, 6700, 7300, 8000, 8600, 9150)
#: Bands for the slope of the continuum, Angstrom.
BANDS = (
    3850,
    4000,
    4250,
    4500,
    4800,
    5100,
    5400,
    5700,
    5850,
    6000,
    6150,
    6400,
    6800,
    7100,
    7500,
    8000,
    8500,
    8850,
    9150,
)
#: Interstellar lines: Ca K and H, Na D.
INTERSTELLAR = {"Ca K": 3934.78, "Ca H": 3969.59, "Na D2": 5891.58, "Na D1": 5897.56}


def realism_features(spectrum: Spectrum) -> dict[str, np.ndarray]:
    """Compute the features of one spectrum by group.

    Parameters
    ----------
    spectrum : Spectrum
        Pixels of 1e-4 dex, as in SDSS files.

    Returns
    -------
    dict of str to (n_feature,) float64
        The groups: noise scale, noise correlation, outliers, sky lines, telluric bands,
        continuum, join of the arms, shape of ivar, bad pixels, interstellar lines.
    """
    wavelength, good = spectrum.wavelength, spectrum.good
    index = np.arange(wavelength.size)
    flux = np.interp(index, index[good], spectrum.flux[good])
    sigma = np.where(good, 1 / np.sqrt(np.where(good, spectrum.ivar, 1.0)), np.nan)
    middle = float(np.median(spectrum.flux[good]))
    chi = {lag: _difference(flux, sigma, lag) for lag in (1, 2, 3, 4)}
    cells = [(wavelength >= a) & (wavelength < b) for a, b in zip(CELLS[:-1], CELLS[1:])]
    return {
        "noise scale": np.log([_spread(chi[2][cell]) for cell in cells]),
        "noise correlation": np.concatenate(
            [np.log([_spread(chi[lag][cell]) / _spread(chi[2][cell]) for cell in cells]) for lag in (1, 3, 4)]
        ),
        "outliers": _outliers(wavelength, chi[2], cells),
        "sky lines": _sky_lines(wavelength, chi[2]),
        "telluric bands": _telluric(wavelength, flux),
        "continuum": _bands(wavelength, flux, middle),
        "join of the arms": _join(wavelength, flux),
        "shape of ivar": _ivar_shape(sigma, middle, cells),
        "bad pixels": _bad_pixels(wavelength, good),
        "interstellar lines": _interstellar(wavelength, flux),
    }


def _difference(flux: np.ndarray, sigma: np.ndarray, lag: int) -> np.ndarray:
    """Second differences over their expected error for independent pixels; NaN at bad ones."""
    out = np.full(flux.shape, np.nan)
    here = slice(lag, -lag)
    error = np.sqrt(sigma[here] ** 2 + (sigma[: -2 * lag] ** 2 + sigma[2 * lag :] ** 2) / 4)
    out[here] = (flux[here] - (flux[: -2 * lag] + flux[2 * lag :]) / 2) / error
    return out


def _spread(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return max(1.4826 * float(np.median(np.abs(known))), 1e-3) if known.size >= 20 else 1.0


def _outliers(wavelength: np.ndarray, chi: np.ndarray, cells: list[np.ndarray]) -> np.ndarray:
    """Number of outliers beyond 4, 5 and 7 times the local spread, positive and negative, in blue, green, red, and
    the largest."""
    out = []
    scaled = np.full(chi.shape, np.nan)
    for cell in cells:
        scaled[cell] = chi[cell] / _spread(chi[cell])
    for low, high in ((3820, 5000), (5000, 6700), (6700, 9150)):
        part = scaled[(wavelength >= low) & (wavelength < high)]
        part = part[np.isfinite(part)]
        for limit in (4, 5, 7):
            out += [np.log1p((part > limit).sum()), np.log1p((part < -limit).sum())]
        out += [np.log(np.max(part, initial=1.0)), np.log(np.max(-part, initial=1.0))]
    return np.array(out)


def _sky_lines(wavelength: np.ndarray, chi: np.ndarray) -> np.ndarray:
    """Scatter at strong sky lines over that nearby: [O I] 5579, 6302, 6366, Na D, OH bands."""
    out = []
    for low, high in ((5574, 5584), (5886, 5902), (6298, 6306), (7710, 8000), (8270, 8480), (8750, 9050)):
        at = chi[(wavelength >= low) & (wavelength < high)]
        nearby = chi[
            ((wavelength >= low - 90) & (wavelength < low - 10))
            | ((wavelength >= high + 10) & (wavelength < high + 90))
        ]
        at, spread = at[np.isfinite(at)], _spread(nearby)
        if at.size < 3:
            out += [0.0, 0.0, 0.0]
            continue
        out += [0.5 * np.log(np.mean(at**2) + 0.01) - np.log(spread), np.log(np.abs(at).max() / spread + 0.01)]
        # Sign of the strongest residual: sky subtracted too little or too much.
        out.append(np.clip(at[np.argmax(np.abs(at))] / spread, -6, 6))
    return np.array(out)


def _mean(wavelength: np.ndarray, flux: np.ndarray, low: float, high: float) -> float:
    part = flux[(wavelength >= low) & (wavelength < high)]
    return float(np.mean(part)) if part.size else np.nan


def _telluric(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Depth and scatter of each band relative to a line between its sides."""
    out = []
    for low, high in TELLURIC_BANDS.values():
        inside = (wavelength >= low) & (wavelength < high)
        sides = [_mean(wavelength, flux, low - 40, low - 5), _mean(wavelength, flux, high + 5, high + 40)]
        if inside.sum() < 10 or not np.isfinite(sides).all() or min(sides) <= 0:
            out += [0.0] * 5
            continue
        ratio = flux[inside] / np.interp(wavelength[inside], [low - 22, high + 22], sides) - 1
        thirds = [float(np.mean(part)) for part in np.array_split(ratio, 3)]
        out += [float(np.mean(ratio)), *thirds, np.log(np.std(ratio) + 1e-3)]
    return np.clip(out, -4.0, 1.0)


def _bands(wavelength: np.ndarray, flux: np.ndarray, middle: float) -> np.ndarray:
    """Logarithm of the flux in `BANDS` over its median."""
    means = np.array([_mean(wavelength, flux, a, b) for a, b in zip(BANDS[:-1], BANDS[1:])])
    return np.log(np.clip(np.nan_to_num(means / middle, nan=1.0), 0.02, 50.0))


def _join(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Departures of 5650..6350 A, in steps of 50 A, from a straight line."""
    edges = np.arange(5650, 6351, 50)
    means = np.array([_mean(wavelength, flux, a, b) for a, b in zip(edges[:-1], edges[1:])])
    if not np.isfinite(means).all() or np.median(means) <= 0:
        return np.zeros(edges.size - 1)
    place = np.arange(means.size)
    ratio = means / np.median(means)
    return np.clip(ratio - np.polyval(np.polyfit(place, ratio, 1), place), -0.2, 0.2)


def _ivar_shape(sigma: np.ndarray, middle: float, cells: list[np.ndarray]) -> np.ndarray:
    """Logarithm of sigma over its median by cell, and its pixel-to-pixel scatter."""
    log = np.log(np.where(sigma > 0, sigma, np.nan))
    whole = np.nanmedian(log)
    out = []
    for cell in cells:
        part = log[cell]
        part = part[np.isfinite(part)]
        if part.size < 20:
            out += [0.0, 0.0, 0.0]
            continue
        steps = np.abs(np.diff(part))
        out += [np.median(part) - whole, np.log(np.median(steps) + 1e-4), np.log(np.percentile(steps, 98) + 1e-4)]
    return np.array(out)


def _bad_pixels(wavelength: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Number, runs and longest run of bad pixels in blue, green and red; ends of the file."""
    out = [wavelength[0] / 100, wavelength[-1] / 100]
    for low, high in ((0, 4000), (4000, 6700), (6700, 8900), (8900, 11000)):
        bad = ~good[(wavelength >= low) & (wavelength < high)]
        change = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(int)))
        lengths = change[1::2] - change[::2]
        out += [np.log1p(bad.sum()), np.log1p(lengths.size), np.log1p(np.max(lengths, initial=0))]
    return np.array(out)


def _interstellar(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Depth at the rest wavelength in the observer's frame against 8 A on both sides."""
    out = []
    for centre in INTERSTELLAR.values():
        at = _mean(wavelength, flux, centre - 1.5, centre + 1.5)
        nearby = 0.5 * (
            _mean(wavelength, flux, centre - 9, centre - 5) + _mean(wavelength, flux, centre + 5, centre + 9)
        )
        out.append(np.clip(at / nearby, 0.0, 2.0) if np.isfinite(at) and nearby > 0 else 1.0)
    return np.array(out)
