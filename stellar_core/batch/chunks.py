"""Chunks of inputs that a worker reads by itself: rows of a store, and MOCK stars.

A chunk is small enough to be sent to another process or machine. It yields its inputs one by one: a spectrum, or the
error with which reading it failed. Parameters of the SSPP go into the metadata of the spectrum only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from stellar_core.errors import StellarError
from stellar_core.inference.result_columns import SSPP
from stellar_core.mock.catalogue_writer import catalogue_columns, rows_by_plate
from stellar_core.mock.plates import N_STARS, make_plate
from stellar_core.mock.survey import MockSurvey
from stellar_core.photometry import Photometry
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import KeptSpectrum, PreparedSpectrum
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star_id import StarId
from stellar_core.spectrum import Spectrum
from stellar_core.survey.reader import StoreReader

#: Spectra of a store read at a time.
AHEAD = 32
#: MOCK plates kept from one chunk to the next.
PLATES = 16


class InputSpectrum(NamedTuple):
    """One input: its name as given, and its spectrum or the error of reading it."""

    text: str
    spectrum: Spectrum | StellarError


class Chunk(Protocol):
    """Some consecutive inputs of a batch."""

    def read(self) -> Iterator[InputSpectrum]:
        """Yield the inputs in their order."""


@dataclass(frozen=True)
class StoreChunk:
    """Stars of a store of ``fetch survey``: prepared spectra, features and parameters of the SSPP.

    Attributes
    ----------
    folder : str
    rows : range
    """

    folder: str
    rows: range

    def read(self) -> Iterator[InputSpectrum]:
        store = _open_store(self.folder)
        names = ("specobjid", "plate", "mjd", "fiber", "run2d", "ra", "dec", "redshift", "snr", *SSPP)
        columns = store.scalars(names, self.rows)
        classes = _classes(Path(self.folder), columns["specobjid"])
        for start in range(0, len(self.rows), AHEAD):
            part = range(start, min(start + AHEAD, len(self.rows)))
            index = np.array([self.rows[k] for k in part])
            arrays = {name: store.rows(name, index) for name in ("flux", "root_ivar", "coverage", "features")}
            for at, k in enumerate(part):
                values = {name: column[k] for name, column in columns.items()}
                found = classes.get(int(values["specobjid"]), {})
                star = {name: array[at] for name, array in arrays.items()}
                yield InputSpectrum(str(values["specobjid"]), _stored_spectrum(values, found, star))


@lru_cache(maxsize=2)
def _open_store(folder: str) -> StoreReader:
    return StoreReader(Path(folder), groups_kept=4)


def _classes(folder: Path, specobjids: np.ndarray) -> dict[int, dict[str, object]]:
    """Return class, subclass and ZWARNING of stars from the catalogue of the store, by specObjID."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder / "catalogue.parquet"
    if not path.exists():
        return {}
    lowest, highest = (pa.scalar(int(specobjid), pa.uint64()) for specobjid in (specobjids[0], specobjids[-1]))
    within = (pc.field("specObjID") >= lowest) & (pc.field("specObjID") <= highest)
    found = pq.read_table(path, columns=["specObjID", "class", "subClass", "zWarning"], filters=within)
    return {
        row["specObjID"]: {"class": row["class"], "subclass": row["subClass"], "zwarning": row["zWarning"]}
        for row in found.to_pylist()
    }


def _stored_spectrum(
    values: dict[str, object], classes: dict[str, object], arrays: dict[str, np.ndarray]
) -> Spectrum | StellarError:
    """Return a star of the store; its flux is rounded to float16, as for training."""
    star = StarId(int(values["plate"]), int(values["mjd"]), int(values["fiber"]), str(values["run2d"]))
    coverage, redshift, snr = arrays["coverage"], float(values["redshift"]), float(values["snr"])
    flux, ivar = arrays["flux"].astype(np.float32), arrays["root_ivar"].astype(np.float32) ** 2
    psf, error, extinction, _, rest = np.split(arrays["features"].astype(float), [5, 10, 15, 20])
    try:
        return KeptSpectrum(
            wavelength=GRID[coverage] * (1.0 + redshift),
            flux=flux[coverage],
            ivar=ivar[coverage],
            redshift=redshift,
            photometry=Photometry(psf, error, extinction, rest[4:], source="the store"),
            name=star.name,
            source="mock" if star.is_mock else "sdss",
            meta={
                **{
                    "plate": star.plate,
                    "mjd": star.mjd,
                    "fiber": star.fiber,
                    "run2d": star.run2d,
                    "specobjid": star.specobjid,
                },
                **{"ra": float(values["ra"]), "dec": float(values["dec"]), "sn_median": snr, **classes},
                **{f"sspp_{name}": float(values[name]) for name in SSPP if np.isfinite(values[name])},
            },
            prepared=PreparedSpectrum(flux, coverage, redshift, "file", snr, ivar=ivar),
        )
    except StellarError as error:
        return error


@dataclass(frozen=True)
class MockChunk:
    """MOCK stars spread evenly over the survey; stars beyond its size come from surveys with the next seeds.

    Attributes
    ----------
    stars : int
        Number of stars in the whole batch.
    seed : int
        Seed of the first survey.
    rows : range
    """

    stars: int
    seed: int
    rows: range

    def read(self) -> Iterator[InputSpectrum]:
        for seed in range(self.seed + self.rows.start // N_STARS, self.seed + (self.rows.stop - 1) // N_STARS + 1):
            first = (seed - self.seed) * N_STARS
            size = min(self.stars - first, N_STARS)
            inside = range(max(self.rows.start - first, 0), min(self.rows.stop - first, size))
            plates, rows = _spread(size)
            yield from _mock_stars(seed, plates[inside.start : inside.stop], rows[inside.start : inside.stop])
        if make_plate.cache_info().currsize > PLATES:
            make_plate.cache_clear()  # a batch does not come back to a plate


@lru_cache(maxsize=2)
def _spread(stars: int) -> tuple[np.ndarray, np.ndarray]:
    """Return plate, and row on it, of every star of `stellar_core.mock.catalogue_writer.rows_by_plate`."""
    chosen = rows_by_plate(stars)
    return np.repeat(list(chosen), [len(rows) for rows in chosen.values()]), np.concatenate(list(chosen.values()))


def _mock_stars(seed: int, plates: Sequence[int], rows: Sequence[int]) -> Iterator[InputSpectrum]:
    stars = []
    for number, row in zip(plates, rows, strict=True):
        plate = make_plate(seed, int(number))
        stars.append(StarId(int(number), plate.mjds[0], int(plate.fibers[row]), BOSS_RUN2D))
    for star, row, frame in zip(stars, rows, MockSurvey(seed).frames(stars), strict=True):
        adopted = {f"sspp_{name}": float(column[row]) for name, column in _sspp(seed, star.plate).items()}
        meta = {**frame.spectrum.meta, **adopted, "sspp_flag": "nnnnn", "mock_seed": seed}
        yield InputSpectrum(f"MOCK {seed} {star.name}", replace(frame.spectrum, meta=meta))


@lru_cache(maxsize=4)
def _sspp(seed: int, number: int) -> dict[str, np.ndarray]:
    """Return parameters and errors of the MOCK pipeline for a plate, by `SSPP`."""
    columns = catalogue_columns(make_plate(seed, number), seed)
    return {name: columns[name.partition("_")[0] + "adop" + ("unc" if name.endswith("_err") else "")] for name in SSPP}
