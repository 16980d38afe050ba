"""From pixels in the rest frame to the normalised spectrum on `GRID` (paper, section 3.2.4 ii to iv).

The paper leaves gaps open. Here a coverage mask accompanies the flux; points without good pixels nearby are exactly
`FILLER` and never influence a covered point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.preprocessing.grid import GRID, MAX_GAP
from stellar_core.preprocessing.smoothing import SMOOTH_WINDOW, smooth, smooth_variance

#: Smallest total coverage of the grid, Angstrom.
MIN_COVERED = 1000
#: Standard deviation of the normalised flux below which a spectrum is flat (paper, section 3.2.4).
MIN_STD = 0.01
#: Largest inverse variance of the normalised flux: calibration does not allow an S/N above 1000 after smoothing.
MAX_IVAR = 1e6
#: Value of grid points without coverage: the median of a normalised spectrum.
FILLER = 1.0


def _runs(wavelength: np.ndarray) -> list[slice]:
    """Stretches of `GRID` without a gap above `MAX_GAP` between the good ``wavelength``."""
    breaks = np.flatnonzero(np.diff(wavelength) > MAX_GAP)
    firsts = wavelength[np.concatenate([[0], breaks + 1])]
    lasts = wavelength[np.concatenate([breaks, [wavelength.size - 1]])]
    start = np.searchsorted(GRID, firsts, side="left")
    stop = np.searchsorted(GRID, lasts, side="right")
    return [slice(a, b) for a, b in zip(start, stop) if b - a >= SMOOTH_WINDOW]


def normalise(
    wavelength_rest: np.ndarray, flux: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Resample, smooth and normalise a spectrum: steps ii to iv of the paper's section 3.2.4.

    Parameters
    ----------
    wavelength_rest : (n_pixel,) float64
        Vacuum wavelength in the rest frame, Angstrom, strictly increasing.
    flux : (n_pixel,) float
        Flux per Angstrom in any linear unit.
    ivar : (n_pixel,) float
        Inverse variance; pixels where it is not positive and finite are ignored.

    Returns
    -------
    flux : (6800,) float32
        Smoothed flux on `GRID` over its median over the covered points; `FILLER` elsewhere.
    coverage : (6800,) bool
        True between good pixels at most `MAX_GAP` apart.
    ivar : (6800,) float32
        Inverse variance of ``flux`` for pixels with independent errors: the variance times the distance
        between good pixels, propagated through the filter. 0 without coverage.

    Raises
    ------
    SpectrumError
        Too little coverage, a median that is not positive, or a flat spectrum.
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
        raise SpectrumError("The normalised flux is not finite: single values are too large compared with its median.")
    if spread < MIN_STD:
        raise SpectrumError(
            f"The spectrum is flat: its normalised flux has a standard deviation of {spread:.2g}, less than {MIN_STD}.",
            value=spread,
        )
    # Variance per Angstrom: independent of the pixel size for the same information.
    density = np.gradient(wavelength) / ivar[good]
    out = np.full(GRID.size, FILLER, dtype=np.float32)
    coverage = np.zeros(GRID.size, dtype=bool)
    known = np.zeros(GRID.size, dtype=np.float32)
    done = 0
    for run in runs:
        length = run.stop - run.start
        out[run] = together[done : done + length]
        coverage[run] = True
        variance = smooth_variance(np.interp(GRID[run], wavelength, density))
        known[run] = np.minimum(median**2 / variance, MAX_IVAR)
        done += length
    return out, coverage, known


def normalise_batch(
    wavelength_rest: np.ndarray | Sequence[np.ndarray],
    flux: np.ndarray | Sequence[np.ndarray],
    ivar: np.ndarray | Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Normalise many spectra; failures are marked instead of raised.

    Parameters
    ----------
    wavelength_rest : (n_pixel,) float64, or n of them
    flux, ivar : (n, n_pixel) float, or n arrays of the lengths of the wavelengths

    Returns
    -------
    flux : (n, 6800) float32
    coverage : (n, 6800) bool
    ivar : (n, 6800) float32
        0 where not covered.
    usable : (n,) bool
        False where `normalise` would raise; such rows are `FILLER` without coverage.
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
            out[row], coverage[row], known[row] = normalise(wavelength, flux[row], ivar[row])
            usable[row] = True
        except SpectrumError:
            continue
    return out, coverage, known, usable
