"""The sources of the stand-in's Gaia archive."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stellar_core.constants import POGSON
from stellar_core.gaia.magnitudes import ZERO_POINT_ERRORS, predicted_g
from stellar_core.gaia.source import FIVE, TWO, GaiaSource
from stellar_core.gaia.zero_point import MEAN_ZERO_POINT, SYSTEMATIC, error_factor, zero_points
from stellar_core.mock.gaia import GaiaBatch


def sources_at(stars: pd.DataFrame, gaia: GaiaBatch, seed: int = 0) -> pd.DataFrame:
    """Put the values of Gaia's stars into the form of the archive: before the zero point and with formal errors.

    Parameters
    ----------
    stars : DataFrame
        ra, dec, bestObjID.
    gaia : GaiaBatch
        The same stars.
    seed : int
        Of the proper motions, which have a scatter of 10 mas/yr; the positions are moved by them for the 12 years
        from SDSS to Gaia.
    """
    rng = np.random.default_rng(seed)
    n = len(stars)
    pmra, pmdec = np.where(gaia.has_parallax, rng.normal(0.0, 10.0, (2, n)), np.nan)
    dec = stars["dec"].to_numpy(float) + np.nan_to_num(pmdec) * 12.0 / 3.6e6
    east = np.nan_to_num(pmra) * 12.0 / 3.6e6 / np.cos(np.radians(dec))
    g, bp, rp = gaia.magnitudes.T
    least = np.array(list(ZERO_POINT_ERRORS.values()))
    ratios = POGSON / np.sqrt(np.maximum(gaia.magnitude_errors**2 - least**2, 1e-8)).T
    factor = [error_factor(*row) for row in zip(g.tolist(), gaia.ruwe.tolist(), gaia.parallax.tolist())]
    table = pd.DataFrame(
        {
            "source_id": 128 * (np.arange(n, dtype=np.int64) + 1) + (np.int64(seed % 1000 + 1) << 45),
            **{"ra": (stars["ra"].to_numpy(float) + east) % 360.0, "dec": dec},
            **{"pm": np.hypot(pmra, pmdec), "pmra": pmra, "pmdec": pmdec, "parallax": gaia.parallax},
            "parallax_error": np.sqrt(np.maximum(gaia.parallax_error**2 - SYSTEMATIC**2, 1e-6)) / factor,
            **{"ruwe": gaia.ruwe, "phot_g_mean_mag": g, "phot_bp_mean_mag": bp, "phot_rp_mean_mag": rp},
            **{f"phot_{band}_mean_flux_over_error": ratio for band, ratio in zip(("g", "bp", "rp"), ratios)},
            "phot_bp_rp_excess_factor": np.polyval([-0.005879, 0.049255, 0.011464, 1.162004], bp - rp),
            "nu_eff_used_in_astrometry": np.clip(1.76 - 0.29 * (bp - rp), 1.2, 1.7),
            **{"pseudocolour": np.nan, "ecl_lat": np.clip(dec, -80.0, 80.0)},
            "astrometric_params_solved": np.where(gaia.has_parallax, FIVE, TWO),
            **{"non_single_star": gaia.non_single_star, "ipd_frac_multi_peak": 0},
            "sdss_objid": [str(value) if str(value).isdecimal() else "0" for value in stars["bestObjID"]],
        }
    )
    columns = [name for name in table if name not in ("pm", "sdss_objid")]
    rows = [dict(zip(columns, row)) for row in table[columns].itertuples(index=False)]
    zero = zero_points([GaiaSource(**row | {"source_id": int(row["source_id"])}) for row in rows])
    table["parallax"] += np.where(np.isnan(zero), MEAN_ZERO_POINT, zero)
    return table


def invented(stars: pd.DataFrame, seed: int = 0) -> GaiaBatch:
    """Invent Gaia's values for stars of a catalogue: their brightness, and the distance of dwarfs of 5 kpc at G 20.

    Parameters
    ----------
    stars : DataFrame
        psfMag_g, psfMag_r, psfMag_i.
    """
    rng = np.random.default_rng(seed)
    n = len(stars)
    g = np.array([predicted_g(*row) for row in zip(*(stars[f"psfMag_{band}"].to_numpy(float) for band in "gri"))])
    colour = np.clip(stars["psfMag_g"].to_numpy(float) - stars["psfMag_i"].to_numpy(float), 0.2, 3.0)
    error = 0.02 * 10 ** (0.2 * np.maximum(g - 14.5, 0.0))
    parallax = 0.2 * 10 ** (0.2 * (20.0 - g)) + error * rng.standard_normal(n)
    return GaiaBatch(
        parallax,
        np.hypot(1.2 * error, SYSTEMATIC),
        np.stack([g, g + 0.43 * colour, g - 0.57 * colour], axis=1),
        np.tile([0.004, 0.02, 0.02], (n, 1)),
        np.ones(n),
        np.zeros(n, np.int64),
    )
