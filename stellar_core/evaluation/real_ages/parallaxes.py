"""REAL stars with asteroseismic ages and a parallax: what the parallax adds, log g not given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.evaluation.real_ages.accuracy import age_accuracy
from stellar_core.evaluation.real_ages.tables import TABLES, read_table
from stellar_core.isochrones.label import label_table
from stellar_core.isochrones.observation_table import BANDS, PARALLAX_COLUMNS
from stellar_core.progress import Progress

if TYPE_CHECKING:
    import pandas

#: File without ``.csv``, and title, of each sample.
SAMPLES = MappingProxyType(
    {
        "chaplin2014_tgas_2mass": "Chaplin et al. 2014: TGAS parallaxes, Gaia DR1 G, 2MASS",
        "vansaders2016_gaia_dr2": "van Saders et al. 2016: Gaia DR2 parallaxes and photometry, 2MASS",
    }
)
#: Columns of the files, and those of `label_table`.
NAMES = MappingProxyType(
    {
        **{"gaia_dr1_G_mag": "G_mag", "phot_g_mean_mag": "G_mag", "phot_bp_mean_mag": "BP_mag"},
        **{"phot_rp_mean_mag": "RP_mag", "K_mag": "Ks_mag", "K_err_mag": "Ks_err_mag"},
    }
)
#: Inputs: what is known without the parallax, and with it.
INPUTS = ("without", "with")


def measure_parallaxes(
    folder: Path | None = None, progress: Progress = lambda name, done, total: None
) -> dict[str, object]:
    """Fit the stars of `SAMPLES` from Teff, [Fe/H] and magnitudes, without and with their parallax.

    Parameters
    ----------
    folder : Path, optional
        The shipped tables by default; samples that it lacks are left out.
    progress : Progress

    Returns
    -------
    dict
        By sample: ``title``, ``stars``, for each of `INPUTS` the results of `age_accuracy` and the share of
        ``flagged`` stars, and ``improvement``: by how much the parallax lowers the RMSE, as a fraction.
    """
    found: dict[str, object] = {}
    home = TABLES if folder is None else Path(folder)
    for number, (name, title) in enumerate(SAMPLES.items(), 1):
        path = home / f"{name}.csv"
        if path.exists():
            stars = read_stars(path)
            bare = stars.drop(columns=list(PARALLAX_COLUMNS))
            measured = {kind: _measured(label_table(part)) for kind, part in zip(INPUTS, (bare, stars))}
            rmse = [measured[kind]["rmse"] for kind in INPUTS]
            found[name] = {"title": title, "stars": len(stars), **measured, "improvement": 1.0 - rmse[1] / rmse[0]}
        progress("tables with parallaxes", number, len(SAMPLES))
    return found


def read_stars(path: Path) -> pandas.DataFrame:
    """Read a table in the columns of `label_table`, without log g, and of `age_accuracy`."""
    stars, table = read_table(path)
    table = table.rename(columns=dict(NAMES))
    light = [*PARALLAX_COLUMNS, *(f"{band}{part}" for band in BANDS for part in ("_mag", "_err_mag"))]
    return stars.drop(columns=["logg_dex", "logg_err_dex", "stage"]).assign(
        **{name: table[name].to_numpy() for name in light if name in table.columns}
    )


def _measured(table: pandas.DataFrame) -> Mapping[str, object]:
    used = table[table["inside_models"] & table["true_log_age"].notna()]
    return {**age_accuracy(used), "flagged": float(np.mean(used["flag"] != ""))}
