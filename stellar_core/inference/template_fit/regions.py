"""Wavelength regions of the fit, and the light that may fill in the lines of each.

Additive light (scattered, sky, a wrong zero level) and a smooth multiplicative error leave, after division by the
running mean, the lines of a region times one factor: (F - mean F) / (mean F + additive). The factor is marginalised
in each region with a Gaussian prior around 1 that widens towards the blue, where calibration is worst.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Edges of the regions, rest frame, Angstrom. Ca II H and K and all bluewards are left out: at the blue end of other
#: surveys more than half of a line's depth can be filled in.
EDGES = np.array([4000.0, 4150.0, 4300.0, 4500.0, 4700.0, 4950.0, 5250.0, 5500.0, 5800.0, 6100.0, 6450.0, 6800.0])
#: Names of the regions.
REGIONS = tuple(f"{low:.0f}-{high:.0f} A" for low, high in zip(EDGES[:-1], EDGES[1:]))
#: Wavelengths (A), there the prior scatter of the factor on lines, and the error of the emulated lines as a fraction
#: of the continuum (held-out stars of the emulator's card).
_AT = (3800.0, 4300.0, 5000.0, 6800.0)
_SCATTER, _MODEL = (0.6, 0.3, 0.1, 0.05), (0.035, 0.025, 0.018, 0.013)
FACTOR_SCATTER = np.interp(0.5 * (EDGES[:-1] + EDGES[1:]), _AT, _SCATTER)
#: Fraction of a region that must be measured.
LEAST = 0.4


def model_error(wavelength: np.ndarray) -> np.ndarray:
    """Error of emulated lines at ``wavelength`` (n,), as a fraction of the continuum."""
    return np.interp(wavelength, _AT, _MODEL)


class RegionFit(NamedTuple):
    """Misfit of many templates over all regions.

    Attributes
    ----------
    chi2 : (n,) float64
        -2 ln likelihood, marginalised over the factors, up to a constant.
    factor : (n_region, n) float64
        Most probable factor on the lines of each template; NaN in regions that are not measured.
    error : (n_region, n) float64
        Standard deviation of the factor.
    """

    chi2: np.ndarray
    factor: np.ndarray
    error: np.ndarray


def fit_regions(templates: np.ndarray, lines: np.ndarray, weight: np.ndarray, region: np.ndarray) -> RegionFit:
    """Fit the factors of all regions to the lines of a star, for every template.

    Parameters
    ----------
    templates : (n, n_bin) float32
        Flux over running mean, minus 1.
    lines : (n_bin,) float
        The same of the star.
    weight : (n_bin,) float
        Inverse variance; 0 where not measured.
    region : (n_bin,) int
        Region of each bin, ascending.
    """
    chi2 = np.zeros(len(templates))
    factor, error = np.full((2, len(REGIONS), len(templates)), np.nan)
    for number, scatter in enumerate(FACTOR_SCATTER):
        inside = slice(*np.searchsorted(region, (number, number + 1)))
        own = weight[inside].astype(np.float32)
        if (own > 0).mean() < LEAST:
            continue
        shapes, star, prior = templates[:, inside], lines[inside].astype(np.float32), scatter**-2
        power = (shapes**2 @ own).astype(float)
        cross = (shapes @ (own * star)).astype(float)
        best = (cross + prior) / (power + prior)
        chi2 += (
            float(own @ star**2)
            - 2 * best * cross
            + best**2 * power
            + (best - 1) ** 2 * prior
            + np.log1p(power / prior)
        )
        factor[number], error[number] = best, (power + prior) ** -0.5
    return RegionFit(chi2, factor, error)
