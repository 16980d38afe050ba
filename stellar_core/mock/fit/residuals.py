"""Measure the residuals of calibration, sky, atmosphere and detector in real SDSS spectra.

The residual is flux minus the model of the pipeline in the same file, in the observed frame; no label of a star
enters. Spikes in strong stellar lines, where the model itself is wrong, are ignored.
"""

from __future__ import annotations

import numpy as np

from stellar_core.constants import TELLURIC_BANDS
from stellar_core.mock.spectrograph import SKY_RANGES, SPIKE_HALF

#: Telluric bands, Angstrom in vacuum; the last one is 10 A wider than where depths are measured.
TELLURIC = (*list(TELLURIC_BANDS.values())[:-1], (8930, 9190))
#: Strong stellar lines (vacuum, Angstrom); spikes within `LINE_HALF` of them are ignored.
STRONG_LINES = (
    3934.8,
    3969.6,
    4102.9,
    4227.9,
    4305.6,
    4341.7,
    4862.7,
    5168.8,
    5174.1,
    5185.0,
    5270.0,
    5891.6,
    5897.6,
    6564.6,
    8500.4,
    8544.4,
    8664.5,
)
LINE_HALF = 10.0
#: Smallest difference of a spike from the pixels two steps away, in units of the scatter.
SPIKE = 4.25
#: Smallest height of a bump of ln(sigma); largest sky line over the median sky of a quiet pixel.
BUMP, QUIET_SKY = 0.08, 0.15
#: Components of calibration, of each telluric band, and of the noise scale.
N_CALIBRATION, N_TELLURIC, N_SCALE = 4, 2, 2
#: Pixels over which a spectrum's noise is correlated, itself included.
N_TAP = 4


def fit_residuals(
    stack: dict[str, np.ndarray],
    good: np.ndarray,
    noise_scale: np.ndarray,
    sky_shape: np.ndarray,
    sky_level: np.ndarray,
    excess: np.ndarray,
    wavelength: np.ndarray,
    cells: list[slice],
) -> dict[str, np.ndarray]:
    """Measure the tables of `stellar_core.mock.residuals.Residuals` for one instrument.

    Parameters
    ----------
    stack : dict of str to (n_file, n_pixel) arrays
        ``flux``, ``ivar`` and ``model``.
    good : (n_file, n_pixel) bool
    noise_scale : (n_pixel,)
        Scatter over that of ``ivar``.
    sky_shape : (n_pixel,)
        Sky lines over the median sky.
    sky_level : (n_file,)
        Median sky of each file.
    excess : (n_file, n_pixel)
        ln of sigma over that of the fitted error model; NaN where bad.
    wavelength : (n_pixel,)
        Angstrom.
    cells : list of slice
        Pixels about each node of smooth curves.
    """
    sigma = np.where(good, 1 / np.sqrt(np.where(good, stack["ivar"], 1.0)), np.nan)
    residual = np.where(good, stack["flux"] - stack["model"], np.nan)
    continuum = np.array([_continuum(row, known) for row, known in zip(stack["model"], good)])
    relative, error = residual / continuum, sigma / continuum
    gains = sky_gains(residual, sigma, sky_shape[None, :] * sky_level[:, None], wavelength)
    chi = residual / sigma / noise_scale
    scale, local = _scale_components(chi, cells)
    counts, spikes = _spikes(chi / local, wavelength)
    ripple, spread, bump_counts, bumps = _ripple(excess, np.abs(sky_shape) < QUIET_SKY, wavelength, cells)
    level, components = _telluric(relative, error, wavelength)
    return {
        "calibration": _calibration(relative, error, cells),
        "telluric": level,
        "telluric_components": components,
        "scale_components": scale,
        "filter": _filter(chi / local, cells),
        "ripple": ripple,
        "ripple_spread": spread,
        "sky_gains": gains,
        "spike_counts": counts,
        "spikes": spikes,
        "bump_counts": bump_counts,
        "bumps": bumps,
    }


def _continuum(model: np.ndarray, known: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    pixels = np.arange(model.size)
    smooth = gaussian_filter1d(np.interp(pixels, pixels[known], model[known]), 60.0)
    return np.maximum(smooth, 0.05 * np.median(smooth))


def _mad(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return 1.4826 * float(np.median(np.abs(known))) if known.size >= 10 else np.nan


def _components(rows: np.ndarray, noise: float, count: int) -> np.ndarray:
    """(count, n) leading components of centred ``rows``, 1 sigma each, minus the variance of ``noise``."""
    width = np.array([_mad(column) for column in rows.T])
    clipped = np.nan_to_num(np.clip(rows, -4 * width, 4 * width))
    _, singular, vectors = np.linalg.svd(clipped, full_matrices=False)
    variance = np.maximum(singular[:count] ** 2 / len(rows) - noise**2, 0.0)
    return (vectors[:count] * np.sqrt(variance)[:, None]).astype(np.float32)


def _cell_means(values: np.ndarray, cells: list[slice], least: int = 10) -> np.ndarray:
    """(n_file, n_cell) means over finite values."""
    known = np.isfinite(values)
    total = np.array([np.where(known[:, c], values[:, c], 0.0).sum(axis=1) for c in cells]).T
    count = np.array([known[:, c].sum(axis=1) for c in cells]).T
    return np.where(count >= least, total / np.maximum(count, 1), np.nan)


def _calibration(relative: np.ndarray, error: np.ndarray, cells: list[slice]) -> np.ndarray:
    """Smooth errors of flux over model, as components on the nodes."""
    means = _cell_means(np.clip(relative, -0.5, 0.5), cells)
    means -= np.nanmedian(means, axis=0)
    # Neighbouring pixels are correlated: the mean of n has 1.6 / n of the variance.
    noise = np.sqrt(1.6 * _cell_means(error**2, cells) / 110.0)
    trusted = np.nanmedian(noise, axis=1) < np.nanmedian(noise)
    covered = np.flatnonzero(np.isfinite(means).mean(axis=0) > 0.9)
    found = _components(means[np.ix_(trusted, covered)], float(np.sqrt(np.nanmean(noise[trusted] ** 2))), N_CALIBRATION)
    nodes = np.arange(len(cells))
    return np.array([np.interp(nodes, covered, row) for row in found], np.float32)


def _telluric(relative: np.ndarray, error: np.ndarray, wavelength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of flux over model minus 1 in the telluric bands, and its components, (n_pixel,) and (k, n_pixel)."""
    from scipy.ndimage import gaussian_filter1d

    level = np.zeros(wavelength.size, np.float32)
    components = np.zeros((N_TELLURIC * len(TELLURIC), wavelength.size), np.float32)
    for index, (low, high) in enumerate(TELLURIC):
        band = np.flatnonzero((wavelength >= low - 15) & (wavelength < high + 15))
        edge = np.minimum(np.minimum(np.arange(band.size), band.size - 1 - np.arange(band.size)) / 10.0, 1.0)
        part, noise = relative[:, band], np.nanmedian(error[:, band], axis=1)
        use = (np.isfinite(part).mean(axis=1) > 0.9) & (noise < np.nanmedian(noise))
        part = np.nan_to_num(np.clip(part[use] - np.nanmedian(part[use], axis=1, keepdims=True), -0.3, 0.3))
        smooth = gaussian_filter1d(part, 1.5, axis=1)
        level[band] = np.median(smooth, axis=0) * edge
        # The Gaussian reduces the variance of white noise to 0.19, that of correlated noise to 1.5 times as much.
        white = np.sqrt(0.29 * np.mean(noise[use] ** 2) * (1 + np.sqrt(band.size / 5.3 / use.sum())) ** 2)
        found = _components(smooth - np.median(smooth, axis=0), float(white), N_TELLURIC)
        components[N_TELLURIC * index : N_TELLURIC * (index + 1), band] = found * edge
    return level, components


def _differences(chi: np.ndarray, lag: int) -> np.ndarray:
    out = np.full(chi.shape, np.nan)
    out[:, lag:-lag] = chi[:, lag:-lag] - 0.5 * (chi[:, : -2 * lag] + chi[:, 2 * lag :])
    return out


def _scale_components(chi: np.ndarray, cells: list[slice]) -> tuple[np.ndarray, np.ndarray]:
    """Components of ln(scatter / expected) between files, on the nodes; and the scatter of each file per pixel."""
    wide = [slice(max(c.start - 235, 0), c.stop + 235) for c in cells]
    far = _differences(chi, 2) / np.sqrt(1.5)
    log = np.log(np.array([[_mad(row[c]) for c in wide] for row in far]))
    log = np.where(np.isfinite(log), log, np.nan)
    own = np.clip(np.exp(np.nan_to_num(log)), 0.5, 2.5)
    middle = np.array([0.5 * (c.start + c.stop) for c in cells])
    local = np.array([np.interp(np.arange(chi.shape[1]), middle, row) for row in own])
    centred = log - np.nanmedian(log, axis=0)
    # A scatter from 590 correlated pixels has an error of 5 %.
    return _components(centred, 0.05 * np.sqrt(5.0), N_SCALE), local


def _filter(chi: np.ndarray, cells: list[slice]) -> np.ndarray:
    """(N_TAP, n_cell) weights of a moving average with the autocorrelation of the noise.

    var(x0 - (x-L + xL) / 2) = s^2 (1.5 - 2 r_L + r_2L / 2) gives r_1, r_2, r_3 with s from L = 4.
    """
    spread = []
    for lag in range(1, N_TAP + 1):
        difference = _differences(chi, lag)
        spread.append([np.nanmedian([_mad(row[c]) for row in difference]) for c in cells])
    variance = np.array(spread) ** 2
    unit = variance[3] / 1.5
    first = [np.interp(np.arange(len(cells)), *_known(values)) for values in variance / unit]
    r2, r3 = (0.75 - first[1] / 2), (0.75 - first[2] / 2)
    r1 = 0.75 - first[0] / 2 + r2 / 4
    smooth = [np.convolve(np.pad(r, 3, mode="edge"), np.full(7, 1 / 7), mode="valid") for r in (r1, r2, r3)]
    return np.array([_moving_average(*column) for column in np.transpose(smooth)]).T.astype(np.float32)


def _known(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    places = np.flatnonzero(np.isfinite(values))
    return places, values[places]


def _moving_average(*correlation: float) -> np.ndarray:
    """Minimum-phase moving average of unit variance with the given autocorrelation (cepstral factorisation)."""
    size = 64
    frequency = np.arange(size) * 2 * np.pi / size
    power = 1 + 2 * sum(r * np.cos((k + 1) * frequency) for k, r in enumerate(correlation))
    cepstrum = np.fft.ifft(0.5 * np.log(np.maximum(power, 0.02))).real
    half = size // 2
    fold = np.concatenate([cepstrum[:1], 2 * cepstrum[1:half], cepstrum[half : half + 1], np.zeros(half - 1)])
    taps = np.fft.ifft(np.exp(np.fft.fft(fold))).real[:N_TAP]
    return taps / np.sqrt(np.sum(taps**2))


def _ripple(
    excess: np.ndarray, quiet: np.ndarray, wavelength: np.ndarray, cells: list[slice]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ripple of ln(sigma) on the nodes, the scatter of its logarithm between files, and bumps.

    A bump is where a cosmic ray hit one exposure of three: sigma is higher by a fifth over a few pixels.
    Returned are the number of bumps of each file, and first pixel and heights of each bump.
    """
    from scipy.ndimage import maximum_filter1d, median_filter

    quiet = quiet & _away(wavelength)
    above = np.array([row - median_filter(np.nan_to_num(row), 25) for row in excess])
    calm = np.where(quiet, above, np.nan)
    # Neighbours have a correlation of 0.8 (`Residuals`): their differences have 0.4 of the variance.
    steps = np.diff(calm, axis=1, append=np.nan) / np.sqrt(0.4)
    size = np.array([[_mad(row[c]) for c in cells] for row in steps])
    middle = np.nanmedian(size, axis=0)
    own = np.nanmedian(np.log(size / middle), axis=1)
    counts, found = [], []
    for row, scale in zip(calm, np.exp(np.nan_to_num(own)) * np.nanmedian(middle)):
        height = np.nan_to_num(row)
        peak = (height > max(BUMP, 5 * scale)) & (height >= maximum_filter1d(height, 2 * SPIKE_HALF + 1))
        places = np.flatnonzero(peak)
        counts.append(len(places))
        for place in places:
            heights = height[place - SPIKE_HALF : place + SPIKE_HALF + 1]
            found.append([place - SPIKE_HALF, *np.clip(np.where(heights > 2 * scale, heights, 0.0), 0.0, 1.0)])
    return (
        np.interp(np.arange(len(cells)), *_known(middle)).astype(np.float32),
        np.array([_mad(own[np.isfinite(own)])], np.float32),
        np.array(counts, np.int32),
        np.array(found, np.float32).reshape(-1, 2 * SPIKE_HALF + 2),
    )


def _away(wavelength: np.ndarray) -> np.ndarray:
    """(n_pixel,) bool: False in strong stellar lines."""
    return np.all(np.abs(wavelength[:, None] - np.array(STRONG_LINES)) > LINE_HALF, axis=1)


def sky_gains(residual: np.ndarray, sigma: np.ndarray, lines: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
    """(n_file, n_range) residual fraction of the sky lines, corrected for noise."""
    out = np.zeros((len(residual), len(SKY_RANGES)))
    for index, (low, high) in enumerate(SKY_RANGES):
        use = (wavelength >= low) & (wavelength < high)
        known = np.isfinite(residual[:, use])
        weight = np.where(known, 1 / np.where(known, sigma[:, use], 1.0) ** 2, 0.0)
        shape = lines[:, use]
        power = (weight * shape**2).sum(axis=1)
        gain = (weight * shape * np.where(known, residual[:, use], 0.0)).sum(axis=1) / np.maximum(power, 1e-30)
        enough = (known.sum(axis=1) > 15) & (power > 4)
        if enough.sum() < 5:
            continue
        gain -= np.median(gain[enough])
        spread, noise = _mad(gain[enough]), np.sqrt(1.6 * np.median(1 / power[enough]))
        shrink = np.sqrt(max(1 - (noise / max(spread, 1e-9)) ** 2, 0.0))
        out[:, index] = np.where(enough, np.clip(gain * shrink, -0.3, 0.3), 0.0)
    return out.astype(np.float32)


def _spikes(chi: np.ndarray, wavelength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spikes above the noise: (n_file,) numbers, and (n_spike, 1 + 5) first pixel and heights in sigma."""
    from scipy.ndimage import maximum_filter1d, median_filter

    away = _away(wavelength)
    counts, found = [], []
    for row, jump in zip(chi, _differences(chi, 2) / np.sqrt(1.5)):
        size = np.where(np.isfinite(jump), np.abs(jump), 0.0)
        peak = (size > SPIKE) & (size >= maximum_filter1d(size, 2 * SPIKE_HALF + 1)) & away
        above = np.nan_to_num(row) - median_filter(np.nan_to_num(row), 21)
        places = np.flatnonzero(peak)
        places = places[(places > SPIKE_HALF) & (places < row.size - SPIKE_HALF - 1)]
        counts.append(len(places))
        for place in places:
            heights = above[place - SPIKE_HALF : place + SPIKE_HALF + 1]
            found.append([place - SPIKE_HALF, *np.clip(np.where(np.abs(heights) > 2.0, heights, 0.0), -40, 40)])
    return np.array(counts, np.int32), np.array(found, np.float32).reshape(-1, 2 * SPIKE_HALF + 2)
