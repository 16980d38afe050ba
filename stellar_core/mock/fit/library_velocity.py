"""Measure and remove remaining radial velocities of library spectra.

MILES is in the rest frame to a few km/s. Many "corrected" spectra of STELIB are not: they are shifted by minus the
velocity of their star, up to 380 km/s, as if corrected twice.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.mock.fit.library import StellarLibrary
from stellar_core.preprocessing.grid import GRID

#: Velocities tried, km/s.
VELOCITIES = np.arange(-500.0, 501.0, 10.0)
#: Range in which velocities are measured, A.
VELOCITY_RANGE = (3950, 6800)
#: Libraries whose spectra are shifted; the others agree with MILES to 12 km/s.
MOVED = ("STELIB",)
#: Stars hotter than this (K) have too few narrow lines.
HOTTEST = 9500.0


def velocity(observed: np.ndarray, emulated: np.ndarray, use: np.ndarray) -> tuple[float, float]:
    """Velocity (km/s) at which the emulated line spectrum fits best over 3950-6800 A, and the RMS there.

    Parameters
    ----------
    observed, emulated : (6800,) float
        Line spectra.
    use : (6800,) bool

    Returns
    -------
    velocity, rms : float
        Positive where the observed lines lie to the red; NaN with fewer than 800 used pixels.
    """
    span = slice(int(VELOCITY_RANGE[0] - GRID[0]), int(VELOCITY_RANGE[1] - GRID[0]))
    wavelength, kept = GRID[span].astype(float), use[span]
    if kept.sum() < 800:
        return float("nan"), float("nan")
    shifted = (np.interp(wavelength / (1.0 + v / SPEED_OF_LIGHT), GRID, emulated) for v in VELOCITIES)
    misfit = np.array([np.mean((observed[span] - one)[kept] ** 2) for one in shifted])
    best = int(np.clip(misfit.argmin(), 1, VELOCITIES.size - 2))
    curve, slope, _ = np.polyfit(VELOCITIES[best - 1 : best + 2], misfit[best - 1 : best + 2], 2)
    vertex = -0.5 * slope / curve if curve > 0 else VELOCITIES[misfit.argmin()]
    return float(np.clip(vertex, VELOCITIES[0], VELOCITIES[-1])), float(np.sqrt(misfit.min()))


def library_velocities(library: StellarLibrary, lines: np.ndarray, emulated: np.ndarray) -> np.ndarray:
    """Measure the velocities of the spectra of `MOVED`.

    Parameters
    ----------
    library : StellarLibrary
    lines, emulated : (n, 6800) float
        Observed line spectra, and their emulation by a fit to the other libraries.

    Returns
    -------
    (n,) float64
        km/s; 0 for other libraries, for stars above `HOTTEST` and where it cannot be measured.
    """
    out = np.zeros(len(library))
    for row in np.flatnonzero(np.isin(library.source, MOVED) & (library.labels[:, 0] < HOTTEST)):
        found, _ = velocity(lines[row], emulated[row], library.weight[row] > 0)
        # A best velocity at the end of the range is not a measurement.
        out[row] = found if np.abs(found) < VELOCITIES[-2] else 0.0
    return out


def in_rest_frame(library: StellarLibrary, velocities: np.ndarray) -> StellarLibrary:
    """Shift each spectrum by minus its velocity (n,), km/s; masks are shifted too and grow."""
    flux, weight = library.flux.copy(), library.weight.copy()
    for row in np.flatnonzero(velocities):
        seen = GRID * (1.0 + velocities[row] / SPEED_OF_LIGHT)
        flux[row] = np.interp(seen, GRID, library.flux[row])
        masked = np.interp(seen, GRID, (library.weight[row] == 0).astype(float)) > 0
        weight[row] = np.where(masked, 0.0, np.interp(seen, GRID, library.weight[row]))
    return replace(library, flux=flux, weight=weight)
