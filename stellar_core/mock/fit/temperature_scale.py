"""Bring the effective temperatures of the library onto the colour scale of the isochrones.

The temperatures of MILES and STELIB are literature means (Cenarro et al. 2007), on a scale
cooler than that of the infrared flux method, by some 100 K for metal-poor dwarfs (Casagrande
et al. 2010), which the SSPP and the colours of MIST follow. Ages are derived from MIST, so its
scale is the relevant one. The synthetic g-r of the flux-calibrated, dereddened MILES
spectra gives a temperature through the bolometric corrections of MIST, and a smooth function
of (Teff, log g, [Fe/H]) is fitted to the difference from the published temperature. No SDSS
star enters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.bolometric_corrections import BolometricTable, load_bolometric
from stellar_core.errors import ParameterError
from stellar_core.preprocessing.grid import GRID

#: Stars that the correction is fitted to, K; it is held constant beyond and fades out over `FADE`.
FITTED = (4300.0, 7300.0)
#: Width (K) over which the correction falls to zero outside `FITTED`.
FADE = 1000.0
#: Solar twins that keep their published temperatures: 16 Cyg A and B.
ANCHORS = ("HD186408", "HD186427")


@dataclass(frozen=True)
class TemperatureScale:
    """Correction to published effective temperatures, K.

    Attributes
    ----------
    coefficients : (6,) float64
        Of 1, t, [Fe/H], g, t [Fe/H] and g [Fe/H], with t = 5040 K / Teff - 0.9 and g = log g - 4.
    scatter : float
        1.4826 MAD of colour minus corrected temperature of the stars it was fitted to, K.
    stars : int
        Their number.
    """

    coefficients: np.ndarray
    scatter: float
    stars: int

    def __post_init__(self) -> None:
        if np.shape(self.coefficients) != (6,):
            raise ParameterError(f"A temperature scale has 6 coefficients; got {np.shape(self.coefficients)}.")

    def __call__(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """(n,) K to add to ``teff`` (n,) K at ``logg`` (n,) and ``feh`` (n,), dex."""
        fade = np.clip(1.0 - (np.maximum(FITTED[0] - teff, 0) + np.maximum(teff - FITTED[1], 0)) / FADE, 0.0, 1.0)
        return fade * (_terms(teff, logg, feh) @ self.coefficients)


def _terms(teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
    t = 5040.0 / np.clip(teff, *FITTED) - 0.9
    g, f = np.clip(logg, 0.5, 5.0) - 4.0, np.clip(feh, -2.5, 0.4)
    return np.stack([np.ones_like(t), t, f, g, t * f, g * f], axis=-1)


def colour_g_r(flux: np.ndarray) -> np.ndarray:
    """(n,) synthetic g-r, AB mag, of (n, 6800) spectra on `GRID` through the filters of Doi et al. (2010)."""
    from speclite.filters import load_filter

    magnitudes = []
    for band in "gr":
        curve = load_filter(f"sdss2010-{band}")
        response = np.interp(GRID, curve.wavelength, curve.response, left=0.0, right=0.0)
        magnitudes.append(-2.5 * np.log10((flux * response * GRID).sum(axis=1) / (response / GRID).sum()))
    return magnitudes[0] - magnitudes[1]


def colour_temperature(
    g_r: np.ndarray, logg: np.ndarray, feh: np.ndarray, table: BolometricTable | None = None
) -> np.ndarray:
    """Effective temperature (n,) K at which MIST's colours give ``g_r`` (n,) mag, between 3800 and 8500 K."""
    table = load_bolometric() if table is None else table
    grid = np.arange(3800.0, 8501.0, 20.0)
    out = np.empty(len(g_r))
    for row, (colour, gravity, metals) in enumerate(zip(g_r, logg, feh)):
        correction, _ = table.at(grid, np.full(grid.size, gravity), np.full(grid.size, metals))
        model = correction[:, 2] - correction[:, 1]
        out[row] = np.interp(-colour, -model, grid)
    return out


def fit_scale(name: np.ndarray, labels: np.ndarray, flux: np.ndarray) -> TemperatureScale:
    """Fit the correction to MILES.

    Parameters
    ----------
    name : (n,) str
        Stars, among them `ANCHORS`.
    labels : (n, 3) float
        Published Teff [K], log g [dex], [Fe/H] [dex].
    flux : (n, 6800) float
        Complete over 3800-7000 A, flux calibrated, free of reddening.

    Raises
    ------
    ParameterError
        If neither anchor is there, or fewer than 100 stars can be used.
    """
    from scipy.optimize import least_squares

    teff, logg, feh = labels.T
    added = colour_temperature(colour_g_r(flux), logg, feh) - teff
    anchor = np.isin(name, ANCHORS)
    use = (teff > FITTED[0]) & (teff < FITTED[1]) & (feh > -2.7) & (logg > 0.5) & (np.abs(added) < 500)
    if not anchor.any() or use.sum() < 100:
        raise ParameterError(
            f"The temperature scale needs 16 Cyg A or B and at least 100 stars between {FITTED[0]:.0f} and "
            f"{FITTED[1]:.0f} K; got {int(anchor.sum())} and {int(use.sum())}.",
            value=int(use.sum()),
        )
    added = added - added[anchor].mean()
    terms = _terms(teff, logg, feh)[use]
    fit = least_squares(lambda c: terms @ c - added[use], np.zeros(terms.shape[1]), loss="soft_l1", f_scale=60.0)
    left = added[use] - terms @ fit.x
    scatter = 1.4826 * float(np.median(np.abs(left - np.median(left))))
    return TemperatureScale(fit.x, scatter, int(use.sum()))
