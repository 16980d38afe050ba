"""Releases of the MOCK survey: a catalogue with SDSS column names, a separate table of true values, FITS files."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError, StellarError, StorageError
from stellar_core.export import write_frame
from stellar_core.mock.database import write_database
from stellar_core.mock.plates import N_STARS, Plate, gaia_of_plate, make_plate, object_id, stars_on
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import EDITION, SEED, MockSurvey, spectral_type, zwarning
from stellar_core.mock.truth import true_columns
from stellar_core.photometry import BANDS
from stellar_core.progress import Progress
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star_id import MOCK_PLATES, StarId

if TYPE_CHECKING:
    import pandas as pd

#: Scatter of the mock parameter pipeline in K, dex, dex: a constant and a term divided by the S/N, added in quadrature.
#: The constants match the internal comparison of the SSPP (Lee et al. 2008), the sum its external errors.
PIPELINE_ERRORS = {"teff": (75.0, 900.0), "logg": (0.20, 2.5), "feh": (0.10, 1.5)}
#: Ratio of quoted to true errors.
QUOTED = 0.5


def catalogue_columns(plate: Plate, seed: int) -> dict[str, np.ndarray]:
    """Rows of one plate, first night: SpecObj, sppParams and PhotoObj columns under their SDSS names, and Gaia's.

    The parameters of the mock pipeline scatter about those of the primary where a star has a companion.

    Measurements are float32, as REAL in SDSS. Object ids are text, because many programs round
    such large numbers.
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
    return columns | gaia_of_plate(seed, plate.number).columns()


def rows_by_plate(stars: int) -> dict[int, np.ndarray]:
    """Choose ``stars`` stars spread evenly over the survey: rows of each plate, by plate number.

    Raises
    ------
    ParameterError
        If the survey has fewer stars.
    """
    if not 1 <= stars <= N_STARS:
        raise ParameterError(f"The number of MOCK stars is 1 to {N_STARS}; got {stars}.", value=stars)
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
    progress: Progress | None = None,
) -> dict[str, object]:
    """Write a release to ``out``: ``catalogue.duckdb``, the same as one flat table in ``catalogue.parquet``,
    the true values in ``truth.parquet``, and the spectra in ``spectra/PLATE/spec-*.fits``.

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
        Write only the stars that pass.
    progress : callable, optional
        Called with "MOCK stars" or "MOCK spectra", the number done and the total.

    Returns
    -------
    dict
        Summary: ``stars``, ``seed``, ``edition``, ``catalogue``, ``database``, ``truth``, ``spectra``,
        ``plates``, ``mock``; with cuts, ``cuts``: the stars that each removed.

    Raises
    ------
    ParameterError
        If the survey has fewer stars, or none passes the cuts.
    StorageError
        If the folder cannot be written.
    """
    report = progress or (lambda step, done, total: None)
    catalogue, true = _tables(stars, seed, report)
    counts = []
    if cuts is not None:
        counts, passed = cuts.report(catalogue), cuts.mask(catalogue)
        catalogue, true = catalogue[passed], true[passed]
        if not len(catalogue):
            raise ParameterError(
                f"None of the {stars} MOCK stars passes the quality cuts.", value=stars, remedy="Request more stars."
            )
    folder = Path(out)
    paths = {name: folder / f"{name}.parquet" for name in ("catalogue", "truth")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table, path in ((catalogue, paths["catalogue"]), (true, paths["truth"])):
            table.attrs = {"mock_edition": EDITION, "seed": seed}
            write_frame(path, table)
        database = write_database(catalogue, folder / "catalogue.duckdb", seed)
        if spectra:
            _write_spectra(catalogue, seed, folder / "spectra", report)
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(f"The MOCK survey cannot be written to {folder}: {error}.", value=str(folder)) from None
    return {
        "mock": True,
        "stars": len(catalogue),
        "plates": int(catalogue["plate"].nunique()),
        "seed": seed,
        "edition": EDITION,
        "catalogue": str(paths["catalogue"]),
        "database": str(database),
        "truth": str(paths["truth"]),
        "spectra": str(folder / "spectra") if spectra else None,
        **({"cuts": [asdict(count) for count in counts]} if cuts is not None else {}),
    }


def _tables(stars: int, seed: int, report: Progress) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The flat catalogue and the true values of ``stars`` stars."""
    import pandas as pd

    seen, true, done = [], [], 0
    for number, take in rows_by_plate(stars).items():
        report("MOCK stars", done, stars)
        plate = make_plate(seed, number)
        seen.append({name: values[take] for name, values in catalogue_columns(plate, seed).items()})
        names = {name: seen[-1][name] for name in ("specObjID", "plate", "mjd", "fiberID")}
        true.append(names | {name: values[take] for name, values in true_columns(plate).items()})
        done += len(take)
    report("MOCK stars", done, stars)
    joined = [
        pd.DataFrame({key: np.concatenate([part[key] for part in parts]) for key in parts[0]}) for parts in (seen, true)
    ]
    return joined[0], joined[1]


def _write_spectra(catalogue: pd.DataFrame, seed: int, folder: Path, report: Progress) -> None:
    rows = zip(catalogue["plate"], catalogue["mjd"], catalogue["fiberID"])
    stars = [StarId(int(plate), int(mjd), int(fiber), BOSS_RUN2D) for plate, mjd, fiber in rows]
    for plate in catalogue["plate"].unique():
        (folder / f"{plate:04d}").mkdir(parents=True, exist_ok=True)
    for done, (star, frame) in enumerate(zip(stars, MockSurvey(seed).frames(stars))):
        report("MOCK spectra", done, len(stars))
        path = folder / f"{star.plate:04d}" / f"spec-{star.name}.fits"
        write_spec_lite(frame.spectrum, path, frame.wdisp, frame.sky)
    report("MOCK spectra", len(stars), len(stars))
