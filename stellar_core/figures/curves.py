"""Arrays for plotting a spectrum: running means, error bands and combs of lines."""

from __future__ import annotations

import base64

import numpy as np


def smooth(flux: np.ndarray, ivar: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Running mean weighted by inverse variance.

    Parameters
    ----------
    flux, ivar : (n_pixel,) float64
        Flux density and its inverse variance; pixels with ``ivar`` 0 carry no weight.
    width : int
        Pixels averaged, 1 or more; even numbers count as the next odd one.

    Returns
    -------
    flux, error : (n_pixel,) float32
        NaN where the pixel itself has ``ivar`` 0, so that a gap stays a gap.
    """
    window = np.ones(width if width % 2 else width + 1)
    weight = np.convolve(ivar, window, mode="same")
    total = np.convolve(flux * ivar, window, mode="same")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, error = total / weight, 1.0 / np.sqrt(weight)
    gap = ivar <= 0
    mean[gap] = error[gap] = np.nan
    return mean.astype(np.float32), error.astype(np.float32)


def robust_range(flux: np.ndarray) -> tuple[float, float]:
    """Limits of the y axis, robust against outliers; NaN is ignored."""
    low, middle, high = np.nanquantile(flux, [0.003, 0.5, 0.997])
    room = 0.12 * max(high - low, 0.2 * abs(middle), 1e-6)
    if 0 < low < 0.5 * high:  # show the zero level
        return -0.02 * float(high), float(high + room)
    return float(low - room), float(high + room)


def ribbon(x: np.ndarray, middle: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outline of ``middle`` ± ``half``: one closed polygon for each run without NaN, NaN between them.

    Filling between two lines would close the gaps.

    Parameters
    ----------
    x, middle, half : (n,) float

    Returns
    -------
    x, y : float32
    """
    present = np.concatenate([[False], np.isfinite(middle) & np.isfinite(half), [False]])
    starts = np.flatnonzero(present[1:] & ~present[:-1])
    stops = np.flatnonzero(~present[1:] & present[:-1])
    gap = np.array([np.nan], np.float32)
    parts_x, parts_y = [gap[:0]], [gap[:0]]
    for start, stop in zip(starts, stops):
        run = slice(start, stop)
        parts_x += [x[run], x[run][::-1], gap]
        parts_y += [(middle + half)[run], (middle - half)[run][::-1], gap]
    return np.concatenate(parts_x).astype(np.float32), np.concatenate(parts_y).astype(np.float32)


def paired(x: np.ndarray, middle: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Combine every two pixels into one whose ``middle`` ± ``half`` encloses both, for a `ribbon` of half the size.

    Parameters are (n,) float, results ((n + 1) // 2,) float; NaN where both pixels are NaN.
    """
    odd = len(x) % 2
    pairs = [np.append(a, [np.nan] * odd).reshape(-1, 2) for a in (np.asarray(x, float), middle + half, middle - half)]
    place = np.where(np.isnan(pairs[0][:, 1]), pairs[0][:, 0], pairs[0].mean(axis=1))
    top, bottom = np.fmax(*pairs[1].T), np.fmin(*pairs[2].T)
    return place, (top + bottom) / 2, (top - bottom) / 2


def combs(wavelengths: np.ndarray, low: float, high: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """x and y (float32) of vertical strokes from ``low`` to ``high``, separated by NaN, for a single trace."""
    count = len(wavelengths)
    x = np.repeat(np.asarray(wavelengths, np.float32), 3)
    y = np.column_stack([np.full(count, low), np.broadcast_to(high, count), np.full(count, np.nan)])
    return x, y.astype(np.float32).ravel()


def packed(array: np.ndarray) -> dict[str, str]:
    """Encode ``array`` as Plotly's base64 form of float32, a third of the size of decimal numbers.

    Plotly encodes the arrays of traces itself, but not those of sliders and menus.
    """
    return {"dtype": "f4", "bdata": base64.b64encode(np.asarray(array, "<f4").tobytes()).decode("ascii")}
