"""Releases of the mock survey: a catalogue with SDSS column names, the truth apart, and FITS files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import numpy as np

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.mock.files import write_spec_lite
from stellar_core.mock.plates import N_STARS, Plate, make_plate, stars_on
from stellar_core.mock.survey import SEED, MockSurvey, spectral_type, zwarning
from stellar_core.mock.truth import true_columns
from stellar_core.photometry import BANDS
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star import MOCK_PLATES, StarId

#: Scatter of the mock parameter pipeline, added in quadrature: (fixed, times 1 / S/N) in K, dex, dex;
#: fixed parts as the SSPP's internal comparison (Lee et al. 2008), the whole like its external errors.
PIPELINE_ERRORS = {"teff": (75.0, 900.0), "logg": (0.20, 2.5), "feh": (0.10, 1.5)}
#: Quoted errors over true ones.
QUOTED = 0.5


def catalogue_columns(plate: Plate, seed: int) -> dict[str, np.ndarray]:
    """Rows of one plate, first night: SpecObj, sppParams and PhotoObj columns under their SDSS names.

    Object ids are text: as numbers they get rounded on the way to people.
    """
    n, mjd = len(plate.fibers), plate.mjds[0]
    rng = np.random.default_rng([seed, plate.number, 4])
    stars, snr = plate.stars, plate.snr[0]
    ids = [StarId(plate.number, mjd, int(fiber), BOSS_RUN2D).specobjid for fiber in plate.fibers]
    columns: dict[str, np.ndarray] = {
        "specObjID": np.array(ids),
        "plate": np.full(n, plate.number, np.int32),
        "mjd": np.full(n, mjd, np.int32),
        "fiberID": plate.fibers.astype(np.int32),
        "run2d": np.full(n, BOSS_RUN2D),
        "instrument": np.full(n, plate.instrument),
        "ra": plate.ra,
        "dec": plate.dec,
        "class": np.full(n, "STAR"),
        "subClass": np.array([spectral_type(teff) for teff in stars.teff]),
        "z": plate.redshift[0],
        "zErr": plate.redshift_err[0],
        "zWarning": np.array([zwarning(value) for value in snr], np.int32),
        "snMedian": snr,
    }
    for name, values in (("teff", stars.teff), ("logg", stars.logg), ("feh", stars.feh)):
        fixed, growing = PIPELINE_ERRORS[name]
        error = np.hypot(fixed, growing / snr)
        columns[f"{name}adop"] = values + error * rng.standard_normal(n)
        columns[f"{name}adopunc"] = QUOTED * error * np.exp(0.2 * rng.standard_normal(n))
    columns["flag"] = np.full(n, "nnnnn")
    names = {"psfMag": "psf_mag", "psfMagErr": "psf_mag_err", "extinction": "extinction", "modelMag": "model_mag"}
    for sdss, name in names.items():
        values = getattr(plate.photometry, name)
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
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """Write ``catalogue.parquet``, ``truth.parquet`` and ``spectra/PLATE/spec-*.fits`` to ``out``.

    Parameters
    ----------
    stars : int
        1 to 166,625, spread evenly over the plates; each has a file of about 140 kB.
    out : path-like
        Made if absent.
    seed : int
    spectra : bool
        False leaves out the FITS files.
    progress : callable, optional
        Called with the number of stars done and ``stars``.

    Returns
    -------
    dict
        What was written: ``stars``, ``seed``, ``catalogue``, ``truth``, ``spectra``, ``plates``, ``mock``.

    Raises
    ------
    ParameterError
        If the survey has not that many stars.
    ArchiveError
        If the folder cannot be written.
    """
    import pandas as pd

    survey, rows = MockSurvey(seed), choose(stars)
    folder = Path(out)
    seen, true, done = [], [], 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, take in rows.items():
            plate = make_plate(seed, number)
            seen.append({name: values[take] for name, values in catalogue_columns(plate, seed).items()})
            names = {name: seen[-1][name] for name in ("specObjID", "plate", "mjd", "fiberID")}
            true.append(names | {name: values[take] for name, values in true_columns(plate).items()})
            if spectra:
                _write_spectra(survey, plate, take, folder / "spectra")
            done += len(take)
            if progress is not None:
                progress(done, stars)
        for name, tables in (("catalogue", seen), ("truth", true)):
            table = pd.DataFrame({key: np.concatenate([part[key] for part in tables]) for key in tables[0]})
            temporary = folder / f"{name}.parquet.tmp"
            table.to_parquet(temporary, index=False)
            os.replace(temporary, folder / f"{name}.parquet")
    except OSError as error:
        raise ArchiveError(f"The MOCK survey cannot be written to {folder}: {error}.", value=str(folder)) from None
    return {
        "mock": True,
        "stars": stars,
        "plates": len(rows),
        "seed": seed,
        "catalogue": str(folder / "catalogue.parquet"),
        "truth": str(folder / "truth.parquet"),
        "spectra": str(folder / "spectra") if spectra else None,
    }


def _write_spectra(survey: MockSurvey, plate: Plate, take: np.ndarray, folder: Path) -> None:
    home = folder / f"{plate.number:04d}"
    home.mkdir(parents=True, exist_ok=True)
    for fiber in plate.fibers[take]:
        star = StarId(plate.number, plate.mjds[0], int(fiber), BOSS_RUN2D)
        frame = survey.frame(star)
        write_spec_lite(frame.spectrum, home / f"spec-{star.name}.fits", frame.wdisp, frame.sky)
