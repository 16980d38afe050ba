"""Parallaxes corrected for Gaia's zero point, with errors that hold.

parallax = parallax of the archive - zero point; error^2 = (factor * error of the archive)^2 + `SYSTEMATIC`^2.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.astrometry import MAX_RUWE
from stellar_core.gaia.source import FIVE, SIX, GaiaSource

#: Mean zero point where that of Lindegren et al. (2021b) is not defined, from quasars (Lindegren et al. 2021a, A&A 649,
#: A2), and its error for a single star, which is the scatter of the zero points, mas.
MEAN_ZERO_POINT, MEAN_ZERO_POINT_ERROR = -0.017, 0.020
#: Error of the zero point that many stars share, mas (Maiz Apellaniz et al. 2021, A&A 649, A13).
SYSTEMATIC = 0.0103
#: Least factor on the archive's errors (Vasiliev & Baumgardt 2021, MNRAS 505, 5978: 10 to 20 % too small).
LEAST_FACTOR = 1.10


@dataclass(frozen=True)
class CorrectedParallax:
    """A parallax as it enters a likelihood.

    Attributes
    ----------
    value, error : float, mas
    zero_point : float
        What was subtracted, mas.
    notes : tuple of str
    """

    value: float
    error: float
    zero_point: float
    notes: tuple[str, ...] = ()


def zero_points(sources: Sequence[GaiaSource]) -> np.ndarray:
    """Return the zero points of the parallaxes (Lindegren et al. 2021b, A&A 649, A4), by ``gaiadr3-zeropoint``.

    Parameters
    ----------
    sources : sequence of GaiaSource

    Returns
    -------
    (n,) float64
        mas; NaN where the formula is not defined: outside G 6 to 21, 1.1 to 1.9 (five parameters) or 1.24 to 1.72
        (six) per micron, and without a parallax.
    """
    found = np.full(len(sources), np.nan)
    solved = np.array([source.astrometric_params_solved for source in sources], dtype=int)
    chosen = np.flatnonzero(np.isin(solved, (FIVE, SIX)))
    if chosen.size:
        names = ("phot_g_mean_mag", "nu_eff_used_in_astrometry", "pseudocolour", "ecl_lat")
        columns = [np.array([getattr(sources[k], name) for k in chosen], dtype=float) for name in names]
        # Arrays, also of one star: with NumPy 2 the package does not take single numbers.
        found[chosen] = _package().get_zpt(*columns, solved[chosen], _warnings=False)
    return found


@functools.cache
def _package() -> object:
    from zero_point import zpt

    zpt.load_tables()
    return zpt


def error_factor(g: float, ruwe: float = math.nan, parallax: float = math.nan) -> float:
    """Return the factor by which the archive's error of a parallax is too small.

    Up to RUWE 1.4 it is that of isolated stars of the same G, El-Badry, Rix & Heintz (2021, MNRAS 506, 2269, eq. 16,
    for G 7 to 21), and at least `LEAST_FACTOR`. Above, it is 2 to 4 and grows with RUWE: El-Badry (2025,
    arXiv:2504.11528, eqs. 3 and 4, fitted to simulated binaries), with the error of one image in microarcseconds
    approximated by 150 * 10^(0.2 max(G - 13, 0)); it enters with the power -0.056 only.

    Parameters
    ----------
    g : float
        G magnitude; NaN counts as 15.
    ruwe : float
        NaN counts as 1.
    parallax : float
        mas; NaN and values below 0.1 count as 0.1.
    """
    g = min(max(g, 7.0), 21.0) if math.isfinite(g) else 15.0
    isolated = 0.21 * math.exp(-(((g - 12.65) / 0.90) ** 2)) + 1.141 + 0.0040 * g - 0.00062 * g**2
    factor = max(isolated, LEAST_FACTOR)
    if not ruwe > MAX_RUWE:
        return factor
    image = 0.150 * 10.0 ** (0.2 * max(g - 13.0, 0.0))  # mas
    most = 3.73 * (max(parallax if parallax == parallax else 0.1, 0.1) / 10.0) ** 0.065 * (image / 0.1) ** -0.056
    return max(factor, 1.0 + (most - 1.0) * (1.0 - math.exp(-2.77 * (ruwe - 1.0))))


def correct_parallaxes(sources: Sequence[GaiaSource]) -> list[CorrectedParallax | None]:
    """Return the corrected parallax of each source; None where the archive has no parallax with an error."""
    return [
        _corrected(source, float(zero)) if source.has_parallax else None
        for source, zero in zip(sources, zero_points(sources))
    ]


def _corrected(source: GaiaSource, zero: float) -> CorrectedParallax:
    notes, shared = [], SYSTEMATIC
    if math.isnan(zero):
        zero, shared = MEAN_ZERO_POINT, math.hypot(SYSTEMATIC, MEAN_ZERO_POINT_ERROR)
        notes.append(
            "Gaia's zero point is not known for a star of this brightness or colour; the mean of "
            f"{MEAN_ZERO_POINT:.3f} mas was subtracted."
        )
    value = source.parallax - zero
    factor = error_factor(source.phot_g_mean_mag, source.ruwe, value)
    if source.ruwe > MAX_RUWE:
        notes.append(
            f"The error of the parallax was multiplied by {factor:.1f}, because a single star does not fit its images "
            f"(RUWE {source.ruwe:.1f})."
        )
    return CorrectedParallax(value, math.hypot(factor * source.parallax_error, shared), zero, tuple(notes))
