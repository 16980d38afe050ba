"""Make a catalogue: the SSPP parameters of every star and the isochrone posterior from them, or with parallaxes too."""

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
    *(
        f"{name}_{part}"
        for name in ("log_age", "log_lifetime", "mass")
        for part in ("mean", "std", "p16", "median", "p84")
    ),
    "stage",
    "stage_probability",
)
#: Column of Gaia that the catalogue leaves out.
NOTES = "gaia_notes"
#: Stars labelled at a time, which limits the memory.
CHUNK = 10_000
#: Step of `make_catalogue` -> share of the processor time before it, and of its own, without parallaxes.
STEPS = {"MOCK stars": (0.0, 0.1), "ages": (0.1, 0.9)}


def default_path() -> Path:
    """Return ``stars.parquet`` in the catalogue folder."""
    return catalogue_folder() / "stars.parquet"


def finished_share(step: str, share: float) -> float:
    """Return the finished share of the whole catalogue, from the step at work and its finished share."""
    before, own = STEPS.get(step, (0.0, 0.0 if step == "starting" else 1.0))
    return before + own * share


def make_catalogue(
    path: Path | None = None,
    stars: int = N_STARS,
    progress: Callable[[str, int, int], None] | None = None,
    store: Path | None = None,
    gaia: bool = False,
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
    gaia : bool
        Use the parallaxes and magnitudes of Gaia, where stars have them: some 50 stars a second and core. The same
        call continues after an interruption.

    Returns
    -------
    Path
        A Parquet file with a row for each star: identifiers, position, S/N, dereddened r magnitude and colours, Teff
        [K], log g and [Fe/H] of the SSPP or its mock, mean, standard deviation, median and 68 % interval of log age,
        log lifetime and mass, stage. With ``gaia`` also Gaia's values,
        `stellar_core.catalogue.parallax_posteriors.COLUMNS`, and ``parallax_used``.

    Raises
    ------
    RunError
        If another catalogue with parallaxes was begun at ``path``.
    StorageError
        If the folder cannot be written, the store cannot be read, or no star has a parallax.
    """
    import shutil
    import tempfile

    import pandas as pd

    from stellar_core.catalogue.parallax_posteriors import parts_folder
    from stellar_core.mock.catalogue_writer import write_release

    path = default_path() if path is None else Path(path)
    report = progress or (lambda step, done, total: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if store is not None:
            survey = _read_store(store, gaia)
        else:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                write_release(stars, folder, spectra=False, progress=report)
                survey = pd.read_parquet(Path(folder) / "catalogue.parquet")
        found = _select_columns(survey, gaia)
        if gaia:
            facts = {"stars": len(survey), "store": None if store is None else str(store)}
            write_frame(path, _add_posterior_with_parallaxes(found, survey, path, facts, report))
            shutil.rmtree(parts_folder(path, facts).folder, ignore_errors=True)
        else:
            write_frame(path, _join(found, _posterior(found, report)))
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(
            f"The catalogue cannot be written to {path}: {error.strerror or error}.", value=str(path)
        ) from None
    return path


def _read_store(store: Path, gaia: bool) -> pd.DataFrame:
    """Return the catalogue of a store, ordered by specObjID; NaN where SDSS has -9999; with Gaia's columns."""
    import numpy as np
    import pandas as pd

    from stellar_core.survey.parallaxes import COLUMNS, read_parallaxes

    try:
        survey = pd.read_parquet(store / "catalogue.parquet")
        specobjid = survey["specObjID"].to_numpy()
        survey["specObjID"] = survey["specObjID"].astype(str)
        numbers = survey.select_dtypes("floating").columns
        survey[numbers] = survey[numbers].where(survey[numbers] > -9998.0, np.nan)
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"The store {store} cannot be read ({type(error).__name__}).", value=str(store), remedy="Fetch it again."
        ) from None
    if not gaia:
        return survey
    known = read_parallaxes(store).reindex(specobjid)
    known["gaia_non_single_star"] = known["gaia_non_single_star"].fillna(0).astype(np.int32)
    return survey.assign(**{name: known[name].to_numpy() for name in COLUMNS})


def _select_columns(survey: pd.DataFrame, gaia: bool) -> pd.DataFrame:
    """Return the columns of `SURVEY`, with dereddened photometry, and Gaia's."""
    import numpy as np

    from stellar_core.survey.parallaxes import COLUMNS

    found = survey[list(SURVEY)].rename(columns=SURVEY)
    magnitude = {band: survey[f"psfMag_{band}"] - survey[f"extinction_{band}"] for band in "ugri"}
    found["r0"] = magnitude["r"].astype(np.float32)
    for blue, red in ("ug", "gr", "ri"):
        found[f"{blue}_{red}"] = (magnitude[blue] - magnitude[red]).astype(np.float32)
    if gaia:
        found = found.assign(**{name: survey[name] for name in COLUMNS if name in survey and name != NOTES})
    return found.reset_index(drop=True)


def _posterior(stars: pd.DataFrame, report: Callable[[str, int, int], None]) -> pd.DataFrame:
    """Return the columns `POSTERIOR` from the parameters of the SSPP alone."""
    import pandas as pd

    from stellar_core.isochrones.label import label_table

    parts = []
    for start in range(0, len(stars), CHUNK):
        part = stars.iloc[start : start + CHUNK]
        observed = part[["teff", "logg", "feh"]].astype(float)
        observed.columns = ["teff_K", "logg_dex", "feh_dex"]
        step = lambda what, done, total, start=start: report("ages", start + done, len(stars))
        parts.append(label_table(observed.assign(**ERRORS), progress=step)[list(POSTERIOR)])
        report("ages", start + len(part), len(stars))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(POSTERIOR))


def _add_posterior_with_parallaxes(
    stars: pd.DataFrame,
    survey: pd.DataFrame,
    path: Path,
    facts: dict[str, object],
    report: Callable[[str, int, int], None],
) -> pd.DataFrame:
    """Return ``stars`` with the posterior, that of those with a parallax from it and from all magnitudes."""
    import pandas as pd

    from stellar_core.catalogue.parallax_posteriors import has_parallax, infer_in_chunks, observations

    has = has_parallax(survey)
    if not has.any():
        raise StorageError(
            f"None of the {len(survey)} stars has a parallax.", value=str(path), remedy="Leave out --gaia."
        )
    observed = observations(survey[has])
    found = infer_in_chunks(observed, path, facts, POSTERIOR, report).set_index(stars.index[has])
    others = _posterior(stars[~has], report).set_index(stars.index[~has])
    whole = pd.concat([found, others]).sort_index() if len(others) else found
    whole["parallax_used"] = has & whole["log_age_mean"].notna().to_numpy()
    return _join(stars, whole.assign(**{name: whole[name].fillna("") for name in ("light_used", "flag")}))


def _join(stars: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of both, numbers of the posterior as float32."""
    import numpy as np
    import pandas as pd

    numbers = found.select_dtypes("number").columns
    found[numbers] = found[numbers].astype(np.float32)
    return pd.concat([stars, found], axis=1)
