"""REAL stars with independent ages or masses, from a folder of tables.

Each table is a sample. Its ages come from asteroseismology, its masses from asteroseismology or from the orbits of
eclipsing binaries; neither uses Teff, log g and [Fe/H] in the way of an isochrone fit. Sources: README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.isochrones.observation_table import INPUT_COLUMNS
from stellar_core.stages import STAGES, classify

if TYPE_CHECKING:
    import pandas

#: Folder of the shipped tables.
TABLES = Path(__file__).with_name("tables")


@dataclass(frozen=True)
class Sample:
    """A table of stars with one kind of truth.

    Attributes
    ----------
    name : str
        Name of the sample, and of its file unless ``file`` is given.
    title, reference : str
        As shown.
    file : str
        Name of the file without ``.csv``.
    floor : (float, float, float)
        Smallest errors of Teff, log g and [Fe/H] that are used, K, dex, dex; also where the table has none.
    ages : bool
        True if the ages belong to the headline metrics.
    """

    name: str
    title: str
    reference: str
    file: str = ""
    floor: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ages: bool = True


#: Known samples, the best truth first; of a star in several, the first row counts where each star is used once.
SAMPLES = (
    Sample("kepler_legacy", "Kepler LEGACY", "Silva Aguirre et al. 2017"),
    Sample("kages", "KAGES", "Silva Aguirre et al. 2015"),
    Sample("chaplin2014_spectroscopic", "Chaplin (spectroscopy)", "Chaplin et al. 2014; Bruntt et al. 2012"),
    Sample("chaplin2014_photometric", "Chaplin (photometry)", "Chaplin et al. 2014"),
    Sample("apokasc2", "APOKASC-2 giants", "Pinsonneault et al. 2018", "apokasc2_giants_tgas", ages=False),
    Sample("debcat", "DEBCat binaries", "Southworth 2015", floor=(75.0, 0.03, 0.08), ages=False),
)
#: Stages of the benchmark, for each of `STAGES`.
GROUPS = ("dwarf", "dwarf", "dwarf", "subgiant", "giant")
#: Numbers of the frame that may be absent from a table; NaN there.
_TRUTH = ("true_age_gyr", "true_age_err_hi_gyr", "true_age_err_lo_gyr", "true_mass_msun", "true_mass_err_msun")
_OPTIONAL = ("kic", *_TRUTH, "age_pipelines_std_dex", "evol_state")


def read_stars(folder: Path | None = None) -> pandas.DataFrame:
    """Read all tables of a folder into one frame.

    Known tables (`SAMPLES`) may be missing. Any other CSV file with the columns `INPUT_COLUMNS` and an age or mass
    is a sample of its own, named after the file.

    Parameters
    ----------
    folder : Path, optional
        The shipped tables by default.

    Returns
    -------
    DataFrame
        A row for each row of the tables, in the order of `SAMPLES`, with

        - ``star``, ``sample``, ``system`` (of a binary, else empty), ``kic`` (NaN if none),
        - ``teff_K``, ``logg_dex``, ``feh_dex``, ``teff_err_K``, ``logg_err_dex``, ``feh_err_dex``; NaN if unreadable,
        - ``true_age_gyr`` with ``true_age_err_gyr`` (mean of both sides), ``true_age_err_hi_gyr`` and ``_lo_gyr``;
          the same as ``true_log_age`` [log10 yr], ``true_log_age_err``, ``_hi`` and ``_lo`` [dex],
        - ``true_mass_msun``, ``true_mass_err_msun``,
        - ``age_pipelines_std_dex`` (LEGACY: scatter of seven pipelines), ``evol_state`` (APOKASC: 1 RGB, 2 clump),
        - ``stage``: dwarf, subgiant or giant by the observed Teff and log g, empty where unknown,
        - ``repeated``: True if an earlier row is of the same star.

    Raises
    ------
    ParameterError
        If the folder has no usable table.
    """
    import pandas as pd

    folder = TABLES if folder is None else Path(folder)
    known = {sample.file or sample.name: sample for sample in SAMPLES}
    order = list(known)
    paths = sorted(folder.glob("*.csv"), key=lambda path: (_rank(path.stem, order), path.stem))
    parts = []
    for path in paths:
        try:
            table = pd.read_csv(path)
        except (OSError, ValueError):
            if path.stem in known:
                raise ParameterError(f"{path.name} cannot be read as a table.", value=str(path)) from None
            continue
        if set(INPUT_COLUMNS) <= set(table.columns) and {"true_age_gyr", "true_mass_msun"} & set(table.columns):
            parts.append(_standard(table, known.get(path.stem) or Sample(path.stem, path.stem, "")))
    if not parts:
        names = ", ".join(f"{name}.csv" for name in order)
        raise ParameterError(
            f"There is no table of stars with ages or masses in {folder}.",
            value=str(folder),
            remedy=f"It needs one of {names}.",
        )
    stars = pd.concat(parts, ignore_index=True)
    named = stars["kic"].notna() | (stars["star"] != "")
    identity = stars["kic"].map(lambda kic: f"KIC {kic:.0f}").where(stars["kic"].notna(), stars["star"])
    stars["repeated"] = named & identity.duplicated()
    return stars


def read_table(path: Path) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Read one file: in the columns of `read_stars`, and in its own.

    Raises
    ------
    ParameterError
        If it cannot be read.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError):
        raise ParameterError(f"{path.name} cannot be read as a table.", value=str(path)) from None
    return _standard(table, Sample(path.stem, path.stem, "")), table


def title(sample: str) -> str:
    """Title of a sample by its name."""
    return next((known.title for known in SAMPLES if known.name == sample), sample)


def _rank(stem: str, order: list[str]) -> int:
    return order.index(stem) if stem in order else len(order)


def _standard(table: pandas.DataFrame, sample: Sample) -> pandas.DataFrame:
    """One table in the columns of `read_stars`."""
    import pandas as pd

    def number(name: str) -> np.ndarray:
        if name not in table.columns:
            return np.full(len(table), np.nan)
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
        return np.where(np.isfinite(values), values, np.nan)

    def text(name: str, otherwise: str) -> list[str]:
        if name not in table.columns:
            return [otherwise] * len(table)
        return table[name].fillna(otherwise).astype(str).tolist()

    values = {name: number(name) for name in (*INPUT_COLUMNS, *_OPTIONAL)}
    for name, floor in zip(INPUT_COLUMNS[3:], sample.floor):
        values[name] = np.where(values[name] > 0, values[name], np.nan)
        if floor > 0:
            values[name] = np.fmax(values[name], floor)  # fmax: the floor also where there is no error
    for name in _TRUTH:
        values[name] = np.where(values[name] > 0, values[name], np.nan)
    high, low = values["true_age_err_hi_gyr"], values["true_age_err_lo_gyr"]
    if "true_age_err_gyr" in table.columns:
        high, low = (np.where(np.isnan(side), number("true_age_err_gyr"), side) for side in (high, low))
    high, low = np.where(np.isnan(high), low, high), np.where(np.isnan(low), high, low)
    age = values["true_age_gyr"]
    high_dex = np.log10(1.0 + high / age)
    with np.errstate(invalid="ignore", divide="ignore"):
        low_dex = np.where(low < 0.9 * age, -np.log10(1.0 - low / age), np.minimum(low / age, 1.0))
    stage = classify(values["teff_K"], values["logg_dex"])
    assert len(STAGES) == len(GROUPS)
    return pd.DataFrame(
        {
            "star": [
                name or (f"KIC {kic:.0f}" if kic > 0 else "") for name, kic in zip(text("star", ""), values["kic"])
            ],
            "sample": sample.name,
            "system": text("system", ""),
            **values,
            "true_age_err_hi_gyr": high,
            "true_age_err_lo_gyr": low,
            "true_age_err_gyr": (high + low) / 2,
            "true_log_age": np.log10(age) + 9.0,
            "true_log_age_err": (high_dex + low_dex) / 2,
            "true_log_age_err_hi": high_dex,
            "true_log_age_err_lo": low_dex,
            "stage": [GROUPS[k] if k >= 0 else "" for k in stage],
        }
    )
