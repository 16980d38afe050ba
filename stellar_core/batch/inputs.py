"""The inputs of a batch, as a sequence that can be cut into chunks anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stellar_core.batch.chunks import Chunk, MockChunk, StoreChunk
from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.batch.input_lists import read_list
from stellar_core.errors import ParameterError, StorageError
from stellar_core.files import atomic_path
from stellar_core.inference.predict import is_file
from stellar_core.mock.survey import SEED
from stellar_core.survey.reader import StoreReader

if TYPE_CHECKING:
    import pyarrow as pa

#: Endings of spectrum files when a folder is searched.
ENDINGS = (".fits", ".fits.gz", ".fit")
_LINES = 10_000


class Inputs(Protocol):
    """The inputs of a batch."""

    def __len__(self) -> int: ...

    def chunk(self, rows: range) -> Chunk:
        """Return the inputs of these rows, for a worker."""


@dataclass(frozen=True)
class Request:
    """The inputs as the user gave them.

    Attributes
    ----------
    inputs : tuple of str
        Spectrum files, folders of them, identifiers; or a single store of ``fetch survey``.
    listed : str
        Path of a list of `stellar_core.batch.input_lists`; empty for none.
    mock : int
        Number of MOCK stars, instead of other inputs.
    seed : int
        Seed of the MOCK survey.
    served, photometry : bool
        As in `IdentifierChunk`.

    Raises
    ------
    ParameterError
        If there are no inputs, or two kinds that cannot be combined.
    """

    inputs: tuple[str, ...] = ()
    listed: str = ""
    mock: int = 0
    seed: int = SEED
    served: bool = False
    photometry: bool = False

    def __post_init__(self) -> None:
        if self.mock < 0:
            raise ParameterError(f"The number of MOCK stars must not be negative; got {self.mock}.", value=self.mock)
        kinds = bool(self.mock) + bool(self.inputs or self.listed)
        if kinds != 1:
            raise ParameterError(
                "Give either spectra (files, folders, identifiers, a list of them, a store) or a number of MOCK stars."
            )
        stores = [text for text in self.inputs if store_of(text)]
        if stores and (len(self.inputs) > 1 or self.listed):
            raise ParameterError(f"The store {stores[0]} cannot be combined with other inputs.", value=stores[0])

    def open(self, folder: Path) -> Inputs:
        """Return the inputs; files and identifiers are listed in ``folder`` once, and later calls read that list.

        Raises
        ------
        ParameterError
            If there are no inputs, or a list cannot be read.
        StorageError
            If a store is damaged.
        """
        if self.mock:
            return MockInputs(self.mock, self.seed)
        store = store_of(self.inputs[0]) if self.inputs else ""
        if store:
            return StoreInputs(store, len(StoreReader(Path(store))))
        path = folder / "inputs.arrow"
        if not path.exists():
            _write_names(path, self._names())
        return IdentifierInputs(path, self.served, self.photometry)

    def _names(self) -> Iterator[str]:
        for text in self.inputs:
            if os.path.isdir(text):
                yield from _files_in(os.path.abspath(text))
            else:
                yield _absolute(text)
        if self.listed:
            yield from map(_absolute, _read_path(Path(self.listed)))


class IdentifierInputs:
    """Files and identifiers, one for each row of an Arrow file that is mapped into memory.

    Raises
    ------
    StorageError
        If that file is damaged.
    """

    def __init__(self, path: Path, served: bool = False, photometry: bool = False) -> None:
        import pyarrow as pa

        self._served, self._photometry = served, photometry
        try:
            self._table: pa.Table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except (pa.ArrowException, OSError):
            raise StorageError(
                f"The list {path} is damaged.", value=str(path), remedy="Remove its folder, or give another --out."
            ) from None

    def __len__(self) -> int:
        return self._table.num_rows

    def chunk(self, rows: range) -> IdentifierChunk:
        names = self._table["input"].slice(rows.start, len(rows)).to_pylist()
        return IdentifierChunk(
            tuple(name.decode("utf-8", "surrogatepass") for name in names), self._served, self._photometry
        )


@dataclass(frozen=True)
class StoreInputs:
    """All stars of a store, ordered by specObjID."""

    folder: str
    stars: int

    def __len__(self) -> int:
        return self.stars

    def chunk(self, rows: range) -> StoreChunk:
        return StoreChunk(self.folder, rows)


@dataclass(frozen=True)
class MockInputs:
    """Stars of the MOCK survey."""

    stars: int
    seed: int

    def __len__(self) -> int:
        return self.stars

    def chunk(self, rows: range) -> MockChunk:
        return MockChunk(self.stars, self.seed, rows)


def store_of(text: str) -> str:
    """Return ``text`` or its folder ``store``, whichever holds ``store.json``; empty if neither does."""
    places = (os.path.abspath(text), os.path.join(os.path.abspath(text), "store"))
    return next((place for place in places if os.path.isfile(os.path.join(place, "store.json"))), "")


def _absolute(text: str) -> str:
    """Return the absolute path of a file, so that a batch can resume in any folder; other texts are unchanged."""
    return os.path.abspath(text) if is_file(text) else text


def _files_in(folder: str) -> Iterator[str]:
    """Yield the spectrum files below a folder, folder by folder, sorted by name."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.join(place, name) for name in sorted(names) if name.lower().endswith(ENDINGS))


def _read_path(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            yield from read_list(file, str(path))
    except OSError as error:
        raise ParameterError(f"The list {path} cannot be read: {error.strerror or error}.") from None


def _write_names(path: Path, names: Iterator[str]) -> None:
    """Write the names atomically, some at a time; as bytes, since the name of a file need not be Unicode."""
    import pyarrow as pa

    schema = pa.schema([("input", pa.binary())])
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with atomic_path(path) as draft:
        with pa.OSFile(str(draft), "wb") as out, pa.ipc.new_file(out, schema) as file:
            while part := list(islice(names, _LINES)):
                cells = pa.array([name.encode("utf-8", "surrogatepass") for name in part], pa.binary())
                file.write_batch(pa.record_batch([cells], schema=schema))
                written += len(part)
        if not written:
            raise ParameterError("The inputs hold no spectrum.")
