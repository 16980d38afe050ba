"""Fit the mock spectrographs to a folder of real SDSS files.

Measured per instrument, on the fixed SDSS pixels (log10 lambda = 3.55 + k 1e-4):

- the error model  var = a [c(lambda) (star + sky) + r d(lambda)],  photon noise of star and sky
  plus read-out, from the files' ``ivar``, ``flux`` and ``sky``;
- variation of the shape of the variance between files (three smooth components);
- ratio of the scatter about the model of the pipeline to that implied by ``ivar``;
- line spread (``wdisp``), first and last pixel, gaps;
- residuals of calibration, sky, atmosphere and detector (`stellar_core.mock.fit.residuals`).
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.mock.fit.residuals import fit_residuals
from stellar_core.mock.spectrograph import BOSS_PIXELS, LOGLAM_STEP, LOGLAM_ZERO, N_NODE, N_PIXEL, NODES


def read_frames(folder: Path) -> dict[str, list[dict[str, np.ndarray]]]:
    """Read the coadds of every ``spec-*.fits`` in ``folder`` onto the common pixels.

    Returns
    -------
    dict
        ``"SDSS"`` and ``"BOSS"``: a list of mappings with ``flux``, ``ivar``, ``wdisp``,
        ``sky``, ``model``, each (N_PIXEL,) float64 with NaN outside the file, and
        ``first``, ``length`` (pixels).

    Raises
    ------
    SpectrumError
        If no file of one of the two instruments is found.
    """
    from astropy.io import fits

    frames: dict[str, list[dict[str, np.ndarray]]] = {"SDSS": [], "BOSS": []}
    for path in sorted(Path(folder).glob("spec-*.fits")):
        with fits.open(path) as hdus:
            table = hdus[1].data
            columns = {name.lower(): table[name] for name in table.names}
        first = int(round((float(columns["loglam"][0]) - LOGLAM_ZERO) / LOGLAM_STEP))
        length = len(columns["loglam"])
        frame = {"first": first, "length": length}
        for name in ("flux", "ivar", "wdisp", "sky", "model"):
            values = np.full(N_PIXEL, np.nan)
            values[first : first + length] = columns[name]
            frame[name] = values
        frame["ivar"][first : first + length] = np.nan_to_num(frame["ivar"][first : first + length])
        frames["BOSS" if length > BOSS_PIXELS else "SDSS"].append(frame)
    for name, found in frames.items():
        if len(found) < 5:
            raise SpectrumError(f"Only {len(found)} {name} files in {Path(folder).name}; at least five are needed.")
    return frames


def fit_instrument(frames: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Measure the tables of one instrument; `stellar_core.mock.instrument.Instrument` describes them."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    stack = {name: np.array([frame[name] for frame in frames]) for name in ("flux", "ivar", "wdisp", "sky", "model")}
    good = stack["ivar"] > 0
    variance = np.where(good, 1.0 / np.where(good, stack["ivar"], 1.0), np.nan)
    level = np.array([np.median(f[g]) for f, g in zip(stack["flux"], good)])
    smooth = np.array([_smooth(f, g) for f, g in zip(stack["flux"], good)])
    sky_level = np.array([np.median(row[g]) for row, g in zip(stack["sky"], good)])
    sky = _bridge(np.nanmedian(np.where(good, stack["sky"], np.nan) / sky_level[:, None], axis=0))
    light = smooth + np.maximum(np.nan_to_num(stack["sky"]), 0)
    photon, readout, scale, ratio = _fit_variance(variance, light)

    predicted = scale[:, None] * (photon * light + ratio[:, None] * readout)
    residual = np.array([_to_nodes(row) for row in np.log(variance / predicted)])
    components, spread = _principal(residual, 3)

    lines = sky - median_filter(sky, 101)
    shape = lines[None, :] * sky_level[:, None]
    residual = stack["flux"] - stack["model"]
    residual -= _sky_gains(residual, stack["ivar"], good, shape)[:, None] * shape
    chi = np.where(good, residual * np.sqrt(np.where(good, stack["ivar"], 0)), np.nan)
    noise_scale = gaussian_filter1d(_scatter(chi), 1.0)
    wdisp = np.array([_to_nodes(np.where(row > 0, row, np.nan)) for row in stack["wdisp"]])
    wdisp_mean = _bridge(np.nanmedian(wdisp, axis=0))
    wdisp_components, wdisp_spread = _principal(wdisp - wdisp_mean, 2)

    snr = np.array([np.median((f * np.sqrt(i))[g]) for f, i, g in zip(stack["flux"], stack["ivar"], good)])
    background = photon * np.maximum(sky, 0) + readout * np.median(ratio / sky_level)
    exposure = snr**2 * (level + sky_level) / level**2
    gaps = _gaps(frames)
    edges = np.linspace(0, N_PIXEL, N_NODE + 1).astype(int)
    cells = [slice(low, high) for low, high in zip(edges[:-1], edges[1:])]
    wavelength = 10 ** (LOGLAM_ZERO + LOGLAM_STEP * np.arange(N_PIXEL))
    excess = 0.5 * np.log(variance / predicted)
    residuals = fit_residuals(stack, good, noise_scale, lines, sky_level, excess, wavelength, cells)
    return {
        "photon": photon.astype(np.float32),
        "background": background.astype(np.float32),
        "variance_components": (components * spread[:, None]).astype(np.float32),
        "noise_scale": noise_scale.astype(np.float32),
        "wdisp": wdisp_mean.astype(np.float32),
        "wdisp_components": (wdisp_components * wdisp_spread[:, None]).astype(np.float32),
        "sky": sky.astype(np.float32),
        "sky_lines": lines.astype(np.float32),
        "log_sky": np.array(_location(np.log(sky_level)), np.float32),
        "log_exposure": np.array(_location(np.log(exposure)), np.float32),
        "extent": np.array([(frame["first"], frame["length"]) for frame in frames], np.int32),
        "gaps": gaps,
        **{f"residuals.{name}": table for name, table in residuals.items()},
    }


def _location(values: np.ndarray) -> tuple[float, float]:
    """Median and 1.4826 MAD."""
    middle = np.median(values)
    return float(middle), float(1.4826 * np.median(np.abs(values - middle)))


def _smooth(flux: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Flux smoothed over about five pixels, gaps interpolated, at least a hundredth of its median."""
    from scipy.ndimage import gaussian_filter1d

    pixels = np.arange(flux.size)
    filled = np.interp(pixels, pixels[good], flux[good])
    return np.maximum(gaussian_filter1d(filled, 4.0), 0.01 * np.median(flux[good]))


def _fit_variance(variance: np.ndarray, light: np.ndarray) -> tuple[np.ndarray, ...]:
    """Alternate between curves and amplitudes of var = a [c light + r d], in relative errors.

    Parameters
    ----------
    variance, light : (n_file, N_PIXEL)
        Variance (NaN where bad) and light of star and sky together, in flux units.

    Returns
    -------
    photon, readout : (N_PIXEL,)
        c, with median 1, and d, with median(d / c) = 1, so that r is a flux.
    scale, ratio : (n_file,)
        a and r.
    """
    from scipy.ndimage import median_filter

    known = np.isfinite(variance)
    weight = np.where(known, 1.0 / np.where(known, variance, 1.0), 0.0)
    filled = np.where(known, variance, 0.0)
    covered = known.sum(axis=0) >= max(3, 0.1 * len(variance))
    scale = np.array([np.median((row / flux)[ok]) for row, flux, ok in zip(variance, light, known)])
    ratio = np.full(len(variance), 0.1)
    photon = readout = np.ones(variance.shape[1])
    for _ in range(30):
        x, y = scale[:, None] * light * weight, (scale * ratio)[:, None] * weight
        photon = _pairs(x, y, filled * weight, axis=0)[0]
        photon = median_filter(_bridge(np.where(covered & (photon > 0), photon, np.nan)), 15)
        # The sensitivity is smooth, so the remainder keeps every sky line.
        rest = np.where(known, filled / scale[:, None] - photon * light, 0.0) / ratio[:, None]
        trust = ((scale * ratio)[:, None] * weight) ** 2
        readout = (rest * trust).sum(axis=0) / np.maximum(trust.sum(axis=0), 1e-30)
        readout = np.maximum(_bridge(np.where(covered, readout, np.nan)), 0.0)
        photon /= np.median(photon[covered])
        readout /= max(np.median((readout / photon)[covered]), 1e-6)
        # One file: two amplitudes.
        scale, second = _pairs(photon * light * weight, readout * weight, filled * weight, axis=1)
        scale = np.maximum(scale, 1e-3 * np.median(scale))
        ratio = np.maximum(second / scale, 1e-3)
    return photon, readout, scale, ratio


def _pairs(x: np.ndarray, y: np.ndarray, z: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative least squares of z = p x + q y along ``axis``, one pair per line."""
    xx, yy, xy = (x * x).sum(axis), (y * y).sum(axis), (x * y).sum(axis)
    xz, yz = (x * z).sum(axis), (y * z).sum(axis)
    determinant = xx * yy - xy**2
    safe = determinant > 1e-9 * xx * yy
    p = np.where(safe, (xz * yy - yz * xy) / np.where(safe, determinant, 1), 0.5 * xz / np.maximum(xx, 1e-30))
    q = np.where(safe, (yz * xx - xz * xy) / np.where(safe, determinant, 1), 0.5 * yz / np.maximum(yy, 1e-30))
    only_p, only_q = xz / np.maximum(xx, 1e-30), yz / np.maximum(yy, 1e-30)
    p, q = np.where(q < 0, only_p, p), np.where(q < 0, 0.0, q)
    return np.where(p < 0, 0.0, p), np.where(p < 0, only_q, q)


def _bridge(values: np.ndarray) -> np.ndarray:
    """Fill NaN by the nearest values on either side."""
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(values.size), known, values[known])


def _to_nodes(values: np.ndarray) -> np.ndarray:
    """Median in a cell about each node; NaN where fewer than ten pixels are known."""
    edges = np.linspace(0, N_PIXEL, N_NODE + 1).astype(int)
    cells = [values[low:high] for low, high in zip(edges[:-1], edges[1:])]
    return np.array([np.nanmedian(c) if np.isfinite(c).sum() >= 10 else np.nan for c in cells])


def _principal(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading components (count, n) of ``rows``, with NaN as the mean and outliers clipped, and their spread."""
    centred = rows - np.nanmedian(rows, axis=0)
    width = 1.4826 * np.nanmedian(np.abs(centred), axis=0)
    centred = np.nan_to_num(np.clip(centred, -3 * width, 3 * width))
    _, singular, components = np.linalg.svd(centred, full_matrices=False)
    return components[:count], singular[:count] / np.sqrt(len(rows))


def _scatter(chi: np.ndarray) -> np.ndarray:
    """Scatter of chi about the pixels two steps away, where noise is nearly independent, per pixel."""
    far = np.full(chi.shape, np.nan)
    far[:, 2:-2] = chi[:, 2:-2] - 0.5 * (chi[:, :-4] + chi[:, 4:])
    half = 5 if len(chi) > 40 else 15
    scale = np.full(chi.shape[1], np.nan)
    for pixel in range(chi.shape[1]):
        window = far[:, max(0, pixel - half) : pixel + half + 1]
        if np.isfinite(window).sum() >= 30:
            scale[pixel] = 1.4826 * np.nanmedian(np.abs(window)) / np.sqrt(1.5)
    return np.clip(_bridge(scale), 0.5, 3.0)


def _sky_gains(residual: np.ndarray, ivar: np.ndarray, good: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Residual fraction of the sky lines above 7200 A in each spectrum, (n_file,)."""
    red = 10 ** (LOGLAM_ZERO + LOGLAM_STEP * np.arange(N_PIXEL)) > 7200
    use = good & red & np.isfinite(residual)
    weight = np.where(use, ivar, 0.0)
    return (weight * lines * np.where(use, residual, 0.0)).sum(1) / (weight * lines**2).sum(1)


def _gaps(frames: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Runs of bad pixels: (n_run, 3) int32 of file, first pixel on the common grid, length."""
    runs = []
    for index, frame in enumerate(frames):
        inside = slice(frame["first"], frame["first"] + frame["length"])
        bad = np.concatenate([[False], ~(frame["ivar"][inside] > 0), [False]])
        change = np.flatnonzero(bad[1:] != bad[:-1])
        runs += [(index, frame["first"] + a, b - a) for a, b in zip(change[::2], change[1::2])]
    return np.array(runs, np.int32).reshape(-1, 3)


def fit_instruments(folder: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Fit both instruments to a folder of SDSS files.

    Returns
    -------
    arrays : dict of str to ndarray
        Keys ``SDSS.<table>`` and ``BOSS.<table>``; see `stellar_core.mock.instrument.Instrument`.
    card : dict
        Numbers of files and measured scalars.
    """
    frames = read_frames(folder)
    with warnings.catch_warnings():
        # Pixels that no file covers have no median; `_bridge` fills them.
        warnings.filterwarnings("ignore", message="All-NaN slice", category=RuntimeWarning)
        fitted = {name: fit_instrument(found) for name, found in frames.items()}
    # A dozen faint BOSS files do not constrain calibration and telluric bands: those of SDSS are used.
    for key in ("calibration", "telluric", "telluric_components"):
        fitted["BOSS"][f"residuals.{key}"] = fitted["SDSS"][f"residuals.{key}"]
    arrays = {f"{name}.{key}": value for name, tables in fitted.items() for key, value in tables.items()}
    card = {
        "what": "Error model, line-spread, sky and gaps of the mock SDSS and BOSS spectrographs",
        "data": "Real SDSS and BOSS coadds: flux, ivar, wdisp, sky and model columns of spec-*.fits",
        "borrowed": "Calibration errors and telluric bands of BOSS are those of SDSS",
        "command": "python -m stellar_core build instrument DATA",
        "instruments": {
            name: {
                "files": len(frames[name]),
                "median_sky_flux": round(float(np.exp(tables["log_sky"][0])), 3),
                "sky_line_residual_fraction": round(float(np.median(np.abs(tables["residuals.sky_gains"][:, 3:7]))), 4),
                "calibration_error_4000_6500_9000_A": [
                    round(float(np.interp(place, NODES, np.linalg.norm(tables["residuals.calibration"], axis=0))), 4)
                    for place in np.log10([4000, 6500, 9000])
                ],
                "spikes_per_spectrum": round(float(np.mean(tables["residuals.spike_counts"])), 2),
                "ivar_ripple": round(float(np.median(tables["residuals.ripple"])), 4),
                "median_noise_over_ivar": round(float(np.median(tables["noise_scale"])), 3),
            }
            for name, tables in fitted.items()
        },
    }
    return arrays, card
