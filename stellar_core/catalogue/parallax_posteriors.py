"""Isochrone posteriors of catalogue stars with a parallax, in chunks: an interrupted run continues.

Beside the parameters of the SSPP they use the parallax, Gaia's magnitudes and SDSS's PSF magnitudes. A star far above
the dust has the extinction of the map; that of a nearer one is unknown and is marginalised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.dust_map import SFD_COEFFICIENTS, galactic
from stellar_core.errors import StorageError
from stellar_core.export import write_frame
from stellar_core.gaia.magnitudes import SATURATION
from stellar_core.inference.parallax_term import AV_OF_SFD
from stellar_core.isochrones.photometric_likelihood import DUST_HEIGHT, MAP_ERROR, MAP_FLOOR
from stellar_core.photometry import BANDS
from stellar_core.progress import Progress
from stellar_core.run_folder import RunFolder, unfinished
from stellar_core.survey.parallaxes import BANDS as GAIA_BANDS

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a star with a parallax beside those of every star.
COLUMNS = (
    *(f"{name}_{part}" for name in ("distance_pc", "av_mag") for part in ("mean", "std", "p16", "p84")),
    *("wrong_parallax_probability", "companion_probability", "light_used", "flag"),
)
#: Stars of a chunk: some 10 s of work.
CHUNK = 1000
#: Height above which a star has the extinction of the whole column, pc: 95 % of the dust is below.
ABOVE_DUST = 3.0 * DUST_HEIGHT


def has_parallax(survey: pd.DataFrame) -> np.ndarray:
    """(n_star,) bool: stars with a parallax and a magnitude of Gaia."""
    return (survey["gaia_parallax_mas"].notna() & survey["gaia_G_mag"].notna()).to_numpy()


def observations(survey: pd.DataFrame) -> pd.DataFrame:
    """Convert rows of a survey to a table for `stellar_core.isochrones.label.label_table`.

    Parameters
    ----------
    survey : DataFrame
        SDSS's columns, and those of `stellar_core.survey.parallaxes.COLUMNS`; NaN where unknown. SDSS's magnitudes near
        saturation are left out.
    """
    import pandas as pd

    columns: dict[str, object] = {}
    for name, given, error in zip(("teff_K", "logg_dex", "feh_dex"), ("teff", "logg", "feh"), SSPP_ERRORS):
        quantity, unit = name.split("_")
        columns |= {name: survey[f"{given}adop"], f"{quantity}_err_{unit}": error}
    columns |= {name: survey[f"gaia_{name}"] for name in ("parallax_mas", "parallax_err_mas")}
    for band in GAIA_BANDS:
        columns |= {f"{band}{part}_mag": survey[f"gaia_{band}{part}_mag"] for part in ("", "_err")}
    for band in BANDS:
        magnitude = survey[f"psfMag_{band}"]
        columns |= {f"{band}_mag": magnitude.where(magnitude > SATURATION)}
        columns |= {f"{band}_err_mag": survey[f"psfMagErr_{band}"]}
    columns |= dict(zip(("av_mag", "av_err_mag"), _extinction(survey)))
    return pd.DataFrame(columns, index=survey.index).astype(float)


def _extinction(survey: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A_V and its error (n_star,), mag; NaN unless the star is far above the dust at its least likely distance."""
    column = np.mean([survey[f"extinction_{band}"] / k for band, k in zip(BANDS, SFD_COEFFICIENTS)], axis=0) * AV_OF_SFD
    _, latitude = galactic(survey["ra"], survey["dec"])
    largest = survey["gaia_parallax_mas"] + 2.0 * survey["gaia_parallax_err_mas"]
    nearest = 1000.0 / np.maximum(largest.to_numpy(float), 1e-3)
    above = nearest * np.abs(np.sin(np.radians(latitude))) > ABOVE_DUST
    return np.where(above, column, np.nan), np.where(above, MAP_ERROR * column + MAP_FLOOR, np.nan)


def infer_in_chunks(
    observed: pd.DataFrame, out: Path, facts: Mapping[str, object], names: tuple[str, ...], progress: Progress
) -> pd.DataFrame:
    """Infer the posteriors of `observations`; finished chunks are kept in ``OUT.parts``, which the caller removes.

    Parameters
    ----------
    observed : DataFrame
    out : Path
        The catalogue.
    facts : mapping
        What distinguishes this catalogue from any other, beside the observations.
    names : tuple of str
        Columns of `label_table` to return, beside `COLUMNS`.
    progress : callable
        Called with "ages with parallaxes", the number of stars and their total, both without those of an earlier run.

    Returns
    -------
    DataFrame
        A row for each star, in order.

    Raises
    ------
    RunError
        If ``OUT.parts`` belongs to another catalogue, or another process makes it.
    StorageError
        If it cannot be written, or a chunk is damaged.
    """
    import pandas as pd

    from stellar_core.isochrones.label import label_table

    digest = hashlib.sha256(pd.util.hash_pandas_object(observed, index=False).to_numpy().tobytes()).hexdigest()
    run = parts_folder(out, {**facts, "observations": digest})
    chunks = [observed.iloc[start : start + CHUNK] for start in range(0, len(observed), CHUNK)]
    paths = [run.folder / f"ages-{number:05d}.parquet" for number in range(len(chunks))]
    with run.working():
        run.claim()
        missing = unfinished(paths)
        done, total = 0, sum(len(chunks[number]) for number in missing)
        for number in missing:
            report = lambda what, part, most, before=done: progress("ages with parallaxes", before + part, total)
            found = label_table(chunks[number].reset_index(drop=True), progress=report)
            write_frame(paths[number], found[[*names, *COLUMNS]])
            done += len(found)
        return pd.concat([_read(path) for path in paths], ignore_index=True)


def parts_folder(out: Path, facts: Mapping[str, object]) -> RunFolder:
    """Return the folder ``OUT.parts`` of the catalogue ``out``."""
    folder = out.with_name(f"{out.name}.parts")
    remedy = f"Give another --out or the options that it was begun with, or remove {folder}."
    return RunFolder(folder, facts, shown=str(out), remedy=remedy, words={"observations": "the stars' values"})


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path} cannot be read ({type(error).__name__}).", value=str(path), remedy="Remove it and try again."
        ) from None
