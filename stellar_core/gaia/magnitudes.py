"""Gaia's magnitudes with errors, and the G magnitude that SDSS's magnitudes predict."""

from __future__ import annotations

import math

import numpy as np

from stellar_core.constants import POGSON
from stellar_core.gaia.source import GaiaSource

#: Errors of the photometric zero points, mag (Riello et al. 2021, A&A 649, A3, section 6): the least errors.
ZERO_POINT_ERRORS = {"G": 0.0028, "BP": 0.0028, "RP": 0.0038}
#: Error of a magnitude whose flux has no error in the table, mag.
UNKNOWN_ERROR = 0.02
#: Faintest BP that is used, mag: fainter ones are biased (Riello et al. 2021, section 8.1).
FAINTEST_BP = 20.3
#: Excess of the fluxes in BP and RP above which they are not used, in units of its scatter.
MAX_EXCESS = 5.0
#: Brightest SDSS magnitude that is not saturated, with a margin: SDSS saturates at about 14.
SATURATION = 14.5


def magnitudes(source: GaiaSource) -> tuple[dict[str, tuple[float, float]], tuple[str, ...]]:
    """Return the magnitudes that a likelihood can use.

    Returns
    -------
    dict
        G, BP and RP, where present and usable, to magnitude and error, mag (Vega). The error is that of the flux and
        of the zero point.
    tuple of str
        Sentences on bands left out.
    """
    found: dict[str, tuple[float, float]] = {}
    for band, name in (("G", "g"), ("BP", "bp"), ("RP", "rp")):
        value = getattr(source, f"phot_{name}_mean_mag")
        ratio = getattr(source, f"phot_{name}_mean_flux_over_error")
        if math.isfinite(value) and not ratio <= 0:
            error = POGSON / ratio if math.isfinite(ratio) else UNKNOWN_ERROR
            found[band] = (value, math.hypot(error, ZERO_POINT_ERRORS[band]))
    excess = colour_excess(source)
    if abs(excess) > MAX_EXCESS:
        found.pop("BP", None)
        found.pop("RP", None)
        return found, (
            "Gaia's BP and RP are not used: their flux does not agree with that in G, as where another star is near.",
        )
    if "BP" in found and found["BP"][0] > FAINTEST_BP:
        del found["BP"]
    return found, ()


def colour_excess(source: GaiaSource) -> float:
    """Return the corrected excess of the fluxes in BP and RP over that in G, in units of its scatter; NaN if unknown.

    Riello et al. (2021), eqs. 6 and 18 and table 2. It is near 0 for an isolated star.
    """
    colour = source.phot_bp_mean_mag - source.phot_rp_mean_mag
    if colour < 0.5:
        expected = np.polyval([0.032277, 0.033772, 1.154360], colour)
    elif colour < 4.0:
        expected = np.polyval([-0.005879, 0.049255, 0.011464, 1.162004], colour)
    else:
        expected = np.polyval([0.140537, 1.057572], colour)
    scatter = 0.0059898 + 8.817481e-12 * max(source.phot_g_mean_mag, 0.0) ** 7.618399
    return float((source.phot_bp_rp_excess_factor - expected) / scatter)


def predicted_g(g: float = math.nan, r: float = math.nan, i: float = math.nan) -> float:
    """Return the G magnitude of a star with these SDSS magnitudes; NaN where they do not suffice.

    From g and i, or r and i, by the relations of Gaia EDR3 with SDSS12 (Riello et al. 2021, table C.2; scatter 0.09
    and 0.05 mag). From g and r by a polynomial through the MIST magnitudes of stars of 3500 to 9000 K, with a scatter
    of 0.03 mag (up to 0.5 for M dwarfs, whose g - r does not change). From r alone G = r, within about 0.3 mag for
    stars hotter than 4000 K.

    Parameters
    ----------
    g, r, i : float
        PSF magnitudes, not corrected for extinction; NaN where missing.
    """
    if -1.0 < g - i < 9.0:
        return g + float(np.polyval([0.004444, -0.09339, -0.4964, -0.1064], g - i))
    if -0.5 < r - i < 2.0:
        return r + float(np.polyval([0.08227, -0.649, 0.2662, -0.01664], r - i))
    if -0.6 < g - r < 2.2:
        return r + float(np.polyval([-0.04128, -0.09705, 0.20131, -0.05795], g - r))
    return r
