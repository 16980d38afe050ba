"""Releases of the mock survey: a catalogue with SDSS column names, the truth apart, and FITS files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError, StellarError, StorageError
from stellar_core.files import atomic_path
from stellar_core.mock.database import write_database
from stellar_core.mock.plates import N_STARS, Plate, make_plate, object_id, stars_on
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import SEED, MockSurvey, spectral_type, zwarning
from stellar_core.mock.truth import true_columns
from stellar_core.photometry import BANDS
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star_id import MOCK_PLATES, StarId

if TYPE_CHECKING:
    import pandas as pd

#: Scatter of the mock parameter pipeline, added in quadrature: (fixed, times 1 / S/N) in K, dex, dex;
#: fixed parts as the SSPP's internal comparison (Lee et al. 2008), the whole like its external errors.
PIPELINE_ERRORS = {"teff": (75.0, 900.0), "logg": (0.20, 2.5), "feh": (0.10, 1.5)}
#: Quoted errors over true ones.
QUOTED = 0.5


def catalogue_columns(plate: Plate, seed: int) -> dict[str, np.ndarray]:
    """Rows of one plate, first night: SpecObj, sppParams and PhotoObj columns under their SDSS names.

    Measurements are float32, as SDSS's REAL. Object ids are text: as numbers they get rounded on
    the way to people.
    """
    n, mjd = len(plate.fibers), plate.mjds[0]
    rng = np.random.default_rng([seed, plate.number, 4])
    stars, snr = plate.stars, plate.snr[0]
    first = np.uint64(StarId(plate.number, mjd, 1, BOSS_RUN2D).specobjid)
    columns: dict[str, np.ndarray] = {
        "specObjID": (first + ((plate.fibers - 1).astype(np.uint64) << np.uint64(38))).astype(str),
        "bestObjID": np.array([str(object_id(plate.number, int(fiber))) for fiber in plate.fibers]),
        "programname": np.full(n, "MOCK"),
        "plate": np.full(n, plate.number, np.int32),
        "mjd": np.full(n, mjd, np.int32),
        "fiberID": plate.fibers.astype(np.int32),
        "run2d": np.full(n, BOSS_RUN2D),
        "instrument": np.full(n, plate.instrument),
        "ra": plate.ra,
        "dec": plate.dec,
        "class": np.full(n, "STAR"),
        "subClass": np.array([spectral_type(teff) for teff in stars.teff]),
        "z": plate.redshift[0].astype(np.float32),
        "zErr": plate.redshift_err[0].astype(np.float32),
        "zWarning": np.array([zwarning(value) for value in snr], np.int32),
        "snMedian": snr.astype(np.float32),
    }
    for name, values in (("teff", stars.teff), ("logg", stars.logg), ("feh", stars.feh)):
        fixed, growing = PIPELINE_ERRORS[name]
        error = np.hypot(fixed, growing / snr)
        columns[f"{name}adop"] = (values + error * rng.standard_normal(n)).astype(np.float32)
        columns[f"{name}adopunc"] = (QUOTED * error * np.exp(0.2 * rng.standard_normal(n))).astype(np.float32)
    columns["flag"] = np.full(n, "nnnnn")
    names = {"psfMag": "psf_mag", "psfMagErr": "psf_mag_err", "extinction": "extinction", "modelMag": "model_mag"}
    for sdss, name in names.items():
        values = getattr(plate.photometry, name).astype(np.float32)
        columns.update({f"{sdss}_{band}": values[:, index] for index, band in enumerate(BANDS)})
    return columns


def choose(stars: int) -> dict[int, np.ndarray]:
    """Rows to take from each plate so that ``stars`` stars are spread evenly over the survey.

    Raises
    ------
    ParameterError
        If there are not that many.
    """
    if not 1 <= stars <= N_STARS:
        raise ParameterError(f"The MOCK survey has 1 to {N_STARS} stars to give; got {stars}.", value=stars)
    index = (np.arange(stars) * N_STARS) // stars
    numbers = np.arange(MOCK_PLATES[0], MOCK_PLATES[1] + 1)
    ends = np.cumsum([stars_on(int(number)) for number in numbers])
    place = np.searchsorted(ends, index, side="right")
    starts = np.concatenate([[0], ends[:-1]])
    return {int(numbers[k]): index[place == k] - starts[k] for k in np.unique(place)}


def write_release(
    stars: int,
    out: str | os.PathLike,
    seed: int = SEED,
    *,
    spectra: bool = True,
    cuts: QualityCuts | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, object]:
    """Write a release to ``out``: ``catalogue.duckdb`` and the same flat as ``catalogue.parquet``,
    ``truth.parquet`` apart, and ``spectra/PLATE/spec-*.fits``.

    Parameters
    ----------
    stars : int
        1 to 166,625, spread evenly over the plates; each has a file of about 140 kB.
    out : path-like
        Made if absent. Each file is written whole or not at all.
    seed : int
    spectra : bool
        False leaves out the FITS files.
    cuts : QualityCuts, optional
        Only those of the stars that pass are written.
    progress : callable, optional
        Called with what is being made ("MOCK stars" or "MOCK spectra"), how many are done and of how many.

    Returns
    -------
    dict
        What was written: ``stars``, ``seed``, ``catalogue``, ``database``, ``truth``, ``spectra``,
        ``plates``, ``mock``; ``cuts``, what each cut took, where they were asked for.

    Raises
    ------
    ParameterError
        If the survey has not that many stars, or none passes the cuts.
    StorageError
        If the folder cannot be written.
    """
    say = progress or (lambda what, done, total: None)
    catalogue, true = _tables(stars, seed, say)
    counts = []
    if cuts is not None:
        counts, passed = cuts.report(catalogue), cuts.mask(catalogue)
        catalogue, true = catalogue[passed], true[passed]
        if not len(catalogue):
            raise ParameterError(
                f"None of the {stars} MOCK stars passes the quality cuts.", value=stars, remedy="Ask for more."
            )
    folder = Path(out)
    paths = {name: folder / f"{name}.parquet" for name in ("catalogue", "truth")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table, path in ((catalogue, paths["catalogue"]), (true, paths["truth"])):
            with atomic_path(path) as draft:
                table.to_parquet(draft, index=False)
        database = write_database(catalogue, folder / "catalogue.duckdb", seed)
        if spectra:
            _write_spectra(catalogue, seed, folder / "spectra", say)
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(f"The MOCK survey cannot be written to {folder}: {error}.", value=str(folder)) from None
    return {
        "mock": True,
        "stars": len(catalogue),
        "plates": int(catalogue["plate"].nunique()),
        "seed": seed,
        "catalogue": str(paths["catalogue"]),
        "database": str(database),
        "truth": str(paths["truth"]),
        "spectra": str(folder / "spectra") if spectra else None,
        **({"cuts": [asdict(count) for count in counts]} if cuts is not None else {}),
    }


def _tables(stars: int, seed: int, say: Callable[[str, int, int], None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The flat catalogue and the truth of ``stars`` stars, row by row."""
    import pandas as pd

    seen, true, done = [], [], 0
    for number, take in choose(stars).items():
        say("MOCK stars", done, stars)
        plate = make_plate(seed, number)
        seen.append({name: values[take] for name, values in catalogue_columns(plate, seed).items()})
        names = {name: seen[-1][name] for name in ("specObjID", "plate", "mjd", "fiberID")}
        true.append(names | {name: values[take] for name, values in true_columns(plate).items()})
        done += len(take)
    say("MOCK stars", done, stars)
    joined = [
        pd.DataFrame({key: np.concatenate([part[key] for part in parts]) for key in parts[0]}) for parts in (seen, true)
    ]
    return joined[0], joined[1]


def _write_spectra(catalogue: pd.DataFrame, seed: int, folder: Path, say: Callable[[str, int, int], None]) -> None:
    rows = zip(catalogue["plate"], catalogue["mjd"], catalogue["fiberID"])
    stars = [StarId(int(plate), int(mjd), int(fiber), BOSS_RUN2D) for plate, mjd, fiber in rows]
    for plate in catalogue["plate"].unique():
        (folder / f"{plate:04d}").mkdir(parents=True, exist_ok=True)
    for done, (star, frame) in enumerate(zip(stars, MockSurvey(seed).frames(stars))):
        say("MOCK spectra", done, len(stars))
        path = folder / f"{star.plate:04d}" / f"spec-{star.name}.fits"
        write_spec_lite(frame.spectrum, path, frame.wdisp, frame.sky)
    say("MOCK spectra", len(stars), len(stars))
