"""The mock catalogue as a DuckDB file with the tables, columns and join keys of SDSS, and a table of Gaia's values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import StorageError
from stellar_core.files import atomic_path
from stellar_core.mock.gaia import COLUMNS as GAIA_COLUMNS
from stellar_core.mock.survey import EDITION
from stellar_core.photometry import BANDS

if TYPE_CHECKING:
    import pandas as pd

_SPECTRUM = {"plate": "INTEGER", "mjd": "INTEGER", "fiberID": "INTEGER", "run2d": "VARCHAR"}
_PLACE = {"ra": "DOUBLE", "dec": "DOUBLE"}
#: Columns of each table with their types. specObjID is NUMERIC(20) in SkyServer; UBIGINT holds
#: the same numbers and stays an integer in pandas, where NUMERIC becomes floating-point and loses digits.
TABLES: dict[str, dict[str, str]] = {
    "SpecObj": {
        **{"specObjID": "UBIGINT", "bestObjID": "BIGINT", "programname": "VARCHAR", "instrument": "VARCHAR"},
        **_SPECTRUM,
        **_PLACE,
        **{
            "class": "VARCHAR",
            "subClass": "VARCHAR",
            "z": "REAL",
            "zErr": "REAL",
            "zWarning": "INTEGER",
            "snMedian": "REAL",
        },
    },
    "sppParams": {
        **{"specObjID": "UBIGINT", "bestObjID": "BIGINT"},
        **_SPECTRUM,
        **{f"{name}adop{unc}": "REAL" for name in ("teff", "logg", "feh") for unc in ("", "unc")},
        "flag": "VARCHAR",
    },
    "PhotoObj": {
        "objID": "BIGINT",
        **_PLACE,
        **{f"{name}_{band}": "REAL" for name in ("psfMag", "psfMagErr", "extinction", "modelMag") for band in BANDS},
    },
    "GaiaSource": {"objID": "BIGINT", **dict.fromkeys(GAIA_COLUMNS, "REAL"), "gaia_non_single_star": "INTEGER"},
}
#: Text of the table ``about``.
ABOUT = "MOCK: made by an emulator, not observed"
#: Columns of tables with another name in the flat catalogue.
_FLAT_NAMES = {"objID": "bestObjID"}


def write_database(catalogue: pd.DataFrame, path: Path, seed: int) -> Path:
    """Write ``catalogue`` as SpecObj, sppParams, PhotoObj and GaiaSource, whole or not at all.

    The objID of PhotoObj and GaiaSource is SpecObj.bestObjID, specObjID joins SpecObj and sppParams. The view
    ``catalogue`` has one row per star with all columns and the ids as text; the table ``about``
    states that the stars are MOCK, and of which seed and edition. True values are not included.

    Parameters
    ----------
    catalogue : pandas.DataFrame
        Of `stellar_core.mock.catalogue_writer.catalogue_columns`.
    path : Path
    seed : int
        Of the survey, for ``about``.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    import duckdb

    try:
        with atomic_path(path) as draft, duckdb.connect(str(draft)) as connection:
            connection.register("flat", catalogue)
            for table, columns in TABLES.items():
                listed = ", ".join(
                    f'CAST("{_FLAT_NAMES.get(name, name)}" AS {kind}) AS "{name}"' for name, kind in columns.items()
                )
                connection.execute(f"CREATE TABLE {table} AS SELECT {listed} FROM flat")
            about = "CREATE TABLE about AS SELECT ? AS what, ? AS seed, ? AS edition"
            connection.execute(about, [ABOUT, seed, EDITION])
            connection.execute(_view())
            connection.unregister("flat")
    except duckdb.Error as error:
        raise StorageError(f"The MOCK catalogue cannot be written to {path}: {error}.", value=str(path)) from None
    return path


def _view() -> str:
    """SQL statement that creates the view ``catalogue``."""
    aliases = {"GaiaSource": "g", "PhotoObj": "p", "sppParams": "t", "SpecObj": "s"}
    sources = {name: alias for table, alias in aliases.items() for name in TABLES[table]}
    ids = [f"CAST(s.{name} AS VARCHAR) AS {name}" for name in ("specObjID", "bestObjID")]
    rest = [f'{alias}."{name}"' for name, alias in sources.items() if not name.lower().endswith("objid")]
    return (
        f"CREATE VIEW catalogue AS SELECT {', '.join(ids + rest)} FROM SpecObj s "
        "JOIN sppParams t ON t.specObjID = s.specObjID JOIN PhotoObj p ON p.objID = s.bestObjID "
        "JOIN GaiaSource g ON g.objID = s.bestObjID"
    )
