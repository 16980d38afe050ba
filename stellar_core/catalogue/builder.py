"""Make a catalogue: the SSPP parameters of every star and the isochrone posterior from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import StellarError, StorageError
from stellar_core.export import write_frame
from stellar_core.mock.plates import N_STARS
from stellar_core.paths import catalogue_folder

if TYPE_CHECKING:
    import pandas as pd

#: Nominal errors of the SSPP as columns of `label_table`.
ERRORS = dict(zip(("teff_err_K", "logg_err_dex", "feh_err_dex"), SSPP_ERRORS))
#: Column of the survey -> column of the catalogue; identifiers stay text.
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
#: Columns of the isochrone posterior.
POSTERIOR = (
    *(f"{name}_{part}" for name in ("log_age", "log_lifetime", "mass") for part in ("mean", "std", "p16", "p84")),
    "stage",
    "stage_probability",
)
#: Stars labelled at a time, which limits the memory.
CHUNK = 10_000


def default_path() -> Path:
    """Return ``stars.parquet`` in the catalogue folder."""
    return catalogue_folder() / "stars.parquet"


def make_catalogue(
    path: Path | None = None,
    stars: int = N_STARS,
    progress: Callable[[str, int, int], None] | None = None,
    store: Path | None = None,
) -> Path:
    """Write the catalogue of the MOCK survey, or of a fetched survey, atomically.

    Parameters
    ----------
    path : Path, optional
        `default_path` by default.
    stars : int
        Number of MOCK stars, spread evenly over the survey; all 166,625 by default.
    progress : callable, optional
        Called with the step, the number of finished stars and their total.
    store : Path, optional
        A store of ``fetch survey``: use all stars of its catalogue instead of MOCK stars.

    Returns
    -------
    Path
        A Parquet file with a row for each star: identifiers, position, S/N, dereddened r magnitude and colours, Teff
        [K], log g and [Fe/H] of the SSPP or its mock, mean, standard deviation and 68 % interval of log age, log
        lifetime and mass, stage.

    Raises
    ------
    StorageError
        If the folder cannot be written, or the store cannot be read.
    """
    import tempfile

    import pandas as pd

    from stellar_core.mock.catalogue_writer import write_release

    path = default_path() if path is None else Path(path)
    report = progress or (lambda step, done, total: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if store is not None:
            survey = _read_store(store)
        else:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                write_release(stars, folder, spectra=False, progress=report)
                survey = pd.read_parquet(Path(folder) / "catalogue.parquet")
        write_frame(path, _add_posterior(_select_columns(survey), report))
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(
            f"The catalogue cannot be written to {path}: {error.strerror or error}.", value=str(path)
        ) from None
    return path


def _read_store(store: Path) -> pd.DataFrame:
    """Return the catalogue of a store, ordered by specObjID; NaN where SDSS has -9999."""
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


def _select_columns(survey: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `SURVEY`, with dereddened photometry."""
    import numpy as np

    found = survey[list(SURVEY)].rename(columns=SURVEY)
    magnitude = {band: survey[f"psfMag_{band}"] - survey[f"extinction_{band}"] for band in "ugri"}
    found["r0"] = magnitude["r"].astype(np.float32)
    for blue, red in ("ug", "gr", "ri"):
        found[f"{blue}_{red}"] = (magnitude[blue] - magnitude[red]).astype(np.float32)
    return found


def _add_posterior(stars: pd.DataFrame, report: Callable[[str, int, int], None]) -> pd.DataFrame:
    """Return ``stars`` with the columns `POSTERIOR`."""
    import numpy as np
    import pandas as pd

    from stellar_core.isochrones.label import label_table

    parts = []
    for start in range(0, len(stars), CHUNK):
        part = stars.iloc[start : start + CHUNK]
        observed = part[["teff", "logg", "feh"]].astype(float)
        observed.columns = ["teff_K", "logg_dex", "feh_dex"]
        parts.append(label_table(observed.assign(**ERRORS))[list(POSTERIOR)])
        report("ages", start + len(part), len(stars))
    found = pd.concat(parts, ignore_index=True)
    numbers = found.select_dtypes("number").columns
    found[numbers] = found[numbers].astype(np.float32)
    return pd.concat([stars.reset_index(drop=True), found], axis=1)
