"""Isochrone fits of well-known stars, and the section of the README that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import StorageError
from stellar_core.files import write_text
from stellar_core.isochrones import infer_posterior
from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
from stellar_core.isochrones.observation_table import INPUT_COLUMNS
from stellar_core.paths import REPOSITORY

if TYPE_CHECKING:
    import pandas

#: Published values with their references.
TABLE = Path(__file__).with_name("known_stars.csv")
README = REPOSITORY / "stellar_core" / "isochrones" / "README.md"
HEADING = "## Known stars"
#: Error of [alpha/Fe], which the table has in steps of 0.1, dex.
ALPHA_ERROR = 0.05
_INTRODUCTION = (
    "Fits of published Teff, log g, [Fe/H] and [α/Fe] against ages and masses known in other ways; medians with 68 %\n"
    "intervals. Values and references: `stellar_core/evaluation/real_ages/known_stars.csv`. The table was written by\n"
    "`python -m stellar_core build known-stars`."
)
_HEAD = (
    "| star | Teff, log g, [Fe/H] (errors), [α/Fe] | age, Gyr | fitted age, Gyr | mass, Msun | fitted mass, Msun |\n"
    "|:--|:--|--:|:--|--:|:--|"
)


def read_known_stars() -> pandas.DataFrame:
    """Read the table: ``star``, the columns `INPUT_COLUMNS`, ``alpha_fe_dex``, ``true_age_gyr`` and
    ``true_mass_msun`` with errors, and the references."""
    import pandas as pd

    return pd.read_csv(TABLE, comment="#")


def fit(systematics: bool = True) -> list[dict[str, object]]:
    """Fit every star with its [alpha/Fe].

    Parameters
    ----------
    systematics : bool
        As for `stellar_core.isochrones.infer_posterior`.

    Returns
    -------
    list of dict
        The row of the table, with ``inside_models`` and, where True, the interval objects ``log_age`` (log10 yr) and
        ``mass`` (Msun).
    """
    rows = []
    for row in read_known_stars().to_dict("records"):
        teff, logg, feh, *errors = (row[name] for name in INPUT_COLUMNS)
        alpha = AlphaEnhancement(row["alpha_fe_dex"], ALPHA_ERROR)
        found = infer_posterior(teff, logg, feh, tuple(errors), alpha=alpha, systematics=systematics)
        row["inside_models"] = found.inside_models
        if found.inside_models:
            row |= {name: found.interval(name).to_dict() for name in ("log_age", "mass")}
        rows.append(row)
    return rows


def section(rows: list[dict[str, object]]) -> str:
    """Write the section of the README from the result of `fit`."""
    return "\n".join([HEADING, "", _INTRODUCTION, "", _HEAD, *map(_line, rows)]) + "\n"


def write_section(path: Path = README) -> None:
    """Fit the stars, and replace the section of a README or add it at the end.

    Raises
    ------
    StorageError
        If the file cannot be read or written.
    """
    try:
        text = path.read_text(encoding="utf-8")
        before, heading, after = text.partition(f"{HEADING}\n")
        next_section = after.find("\n## ")
        rest = after[next_section:] if heading and next_section >= 0 else ""
        write_text(path, f"{before.rstrip()}\n\n{section(fit())}{rest}")
    except OSError as error:
        raise StorageError(f"{path.name} cannot be written: {error}", value=str(path)) from None


def _line(row: Mapping[str, object]) -> str:
    errors = f"{row['teff_err_K']:g}, {row['logg_err_dex']:g}, {row['feh_err_dex']:g}"
    values = f"{row['teff_K']:g}, {row['logg_dex']:.2f}, {row['feh_dex']:+.2f} ({errors}), {row['alpha_fe_dex']:.1f}"
    high, low = row["true_age_err_hi_gyr"], row["true_age_err_lo_gyr"]
    error = f"± {high:g}" if high == low else f"+{high:g} −{low:g}"
    known = f"{row['true_age_gyr']:.{1 if high >= 0.2 else 2}f} {error}"
    mass = f"{row['true_mass_msun']:.2f}"
    age, fitted = "outside the models", ""
    if row["inside_models"]:
        low, middle, high = (10.0 ** (row["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
        age = f"{middle:.1f}, {low:.1f}–{high:.1f}"
        low, middle, high = (row["mass"][part] for part in ("p16", "median", "p84"))
        fitted = f"{middle:.2f}, {low:.2f}–{high:.2f}"
    return f"| {row['star']} | {values} | {known} | {age} | {mass} | {fitted} |".replace("-", "−")
