"""Making a catalogue: every star's pipeline parameters, and the isochrones' posterior from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import StellarError, StorageError
from stellar_core.files import atomic_path
from stellar_core.mock.plates import N_STARS
from stellar_core.paths import catalogue_folder

if TYPE_CHECKING:
    import pandas as pd

#: Errors of the pipeline that the isochrones are given, K, dex, dex: as the ``label`` command's.
ERRORS = {"teff_err_K": 75.0, "logg_err_dex": 0.20, "feh_err_dex": 0.10}
#: Column of the survey -> column here; the ids stay text.
SURVEY = {
    "specObjID": "specObjID",
    "plate": "plate",
    "mjd": "mjd",
    "fiberID": "fiberID",
    "ra": "ra",
    "dec": "dec",
    "subClass": "subClass",
    "z": "z",
    "snMedian": "snMedian",
    "teffadop": "teff",
    "loggadop": "logg",
    "fehadop": "feh",
}
#: Columns of the isochrones' answer.
ANSWER = (
    *(f"{name}_{part}" for name in ("log_age", "log_lifetime", "mass") for part in ("mean", "std", "p16", "p84")),
    "stage",
    "stage_probability",
)
#: Stars labelled at a time: bounds the memory and sets the grain of the progress.
CHUNK = 10_000


def default_path() -> Path:
    """``stars.parquet`` in the catalogue folder."""
    return catalogue_folder() / "stars.parquet"


def make_catalogue(
    path: Path | None = None,
    stars: int = N_STARS,
    progress: Callable[[str, int, int], None] | None = None,
    store: Path | None = None,
) -> Path:
    """Make the catalogue of the MOCK survey, or of stars that were fetched, whole or not at all.

    Parameters
    ----------
    path : Path, optional
        `default_path` by default.
    stars : int
        Spread evenly over the survey; all 166,625 by default.
    progress : callable, optional
        Told what is being done, how many stars of how many.
    store : Path, optional
        A store of ``fetch survey``: all stars of its catalogue, in the place of MOCK ones.

    Returns
    -------
    Path
        A Parquet file with a row a star: ids, position, S/N, dereddened magnitudes r and colours, Teff [K], log g, [Fe/H]
        of the pipeline (SSPP or its mock), mean, standard deviation and 68 % interval of log age, log lifetime and mass, stage.

    Raises
    ------
    StorageError
        If the folder cannot be written, or the store cannot be read.
    """
    import tempfile

    import pandas as pd

    from stellar_core.mock.catalogue_writer import write_release

    path, say = default_path() if path is None else Path(path), progress or (lambda what, done, total: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if store is not None:
            survey = _stored(store)
        else:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                write_release(stars, folder, spectra=False, progress=say)
                survey = pd.read_parquet(Path(folder) / "catalogue.parquet")
        with atomic_path(path) as draft:
            _labelled(_flat(survey), say).to_parquet(draft, index=False)
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(
            f"The catalogue cannot be written to {path}: {error.strerror or error}.", value=str(path)
        ) from None
    return path


def _stored(store: Path) -> pd.DataFrame:
    """The catalogue of a store, in the order of its ids; NaN where SDSS has -9999."""
    import numpy as np
    import pandas as pd

    try:
        survey = pd.read_parquet(store / "catalogue.parquet")
        survey["specObjID"] = survey["specObjID"].astype(str)
        numbers = survey.select_dtypes("floating").columns
        survey[numbers] = survey[numbers].where(survey[numbers] > -9998.0, np.nan)
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"The store {store} cannot be read ({type(error).__name__}).", value=str(store), remedy="Fetch it again."
        ) from None
    return survey


def _flat(survey: pd.DataFrame) -> pd.DataFrame:
    """The columns wanted, with dereddened photometry."""
    import numpy as np

    found = survey[list(SURVEY)].rename(columns=SURVEY)
    magnitude = {band: survey[f"psfMag_{band}"] - survey[f"extinction_{band}"] for band in "ugri"}
    found["r0"] = magnitude["r"].astype(np.float32)
    for blue, red in ("ug", "gr", "ri"):
        found[f"{blue}_{red}"] = (magnitude[blue] - magnitude[red]).astype(np.float32)
    return found


def _labelled(stars: pd.DataFrame, say: Callable[[str, int, int], None]) -> pd.DataFrame:
    """``stars`` with the columns `ANSWER`."""
    import numpy as np
    import pandas as pd

    from stellar_core.isochrones.label import label_table

    parts = []
    for start in range(0, len(stars), CHUNK):
        part = stars.iloc[start : start + CHUNK]
        asked = part[["teff", "logg", "feh"]].astype(float)
        asked.columns = ["teff_K", "logg_dex", "feh_dex"]
        parts.append(label_table(asked.assign(**ERRORS))[list(ANSWER)])
        say("ages", start + len(part), len(stars))
    answer = pd.concat(parts, ignore_index=True)
    numbers = answer.select_dtypes("number").columns
    answer[numbers] = answer[numbers].astype(np.float32)
    return pd.concat([stars.reset_index(drop=True), answer], axis=1)
