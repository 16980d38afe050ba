"""What a batch is asked about, as a list that can be cut into portions anywhere."""

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

#: How files of spectra end, where a folder is searched for them.
ENDINGS = (".fits", ".fits.gz", ".fit")
_LINES = 10_000


class Inputs(Protocol):
    """Inputs of a batch."""

    def __len__(self) -> int: ...

    def chunk(self, rows: range) -> Chunk:
        """Some of them, for a worker."""


@dataclass(frozen=True)
class Request:
    """What was asked for, as it was given.

    Attributes
    ----------
    inputs : tuple of str
        Spectrum files, folders of them, identifiers; or one store of ``fetch survey``, alone.
    listed : str
        A list of `stellar_core.batch.input_lists`; or empty.
    mock : int
        That many MOCK stars instead.
    seed : int
        Of the MOCK survey.
    served, photometry : bool
        As of `IdentifierChunk`.

    Raises
    ------
    ParameterError
        If nothing, or two things that do not go together, are asked for.
    """

    inputs: tuple[str, ...] = ()
    listed: str = ""
    mock: int = 0
    seed: int = SEED
    served: bool = False
    photometry: bool = False

    def __post_init__(self) -> None:
        if self.mock < 0:
            raise ParameterError(f"The number of MOCK stars is not negative; got {self.mock}.", value=self.mock)
        kinds = bool(self.mock) + bool(self.inputs or self.listed)
        if kinds != 1:
            raise ParameterError(
                "Give spectra (files, folders, identifiers, a list of them, a store) or a number of MOCK stars."
            )
        stores = [text for text in self.inputs if store_of(text)]
        if stores and (len(self.inputs) > 1 or self.listed):
            raise ParameterError(f"The store {stores[0]} can only be a batch of its own.", value=stores[0])

    def open(self, folder: Path) -> Inputs:
        """The inputs; names are listed in ``folder`` once, and that list stays, whatever becomes of the folders.

        Raises
        ------
        ParameterError
            If there is nothing, or a list cannot be read.
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
    """Files and identifiers, one per row of an Arrow file that is not loaded whole.

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
    """All stars of a store, in the order of their ids."""

    folder: str
    stars: int

    def __len__(self) -> int:
        return self.stars

    def chunk(self, rows: range) -> StoreChunk:
        return StoreChunk(self.folder, rows)


@dataclass(frozen=True)
class MockInputs:
    """MOCK stars."""

    stars: int
    seed: int

    def __len__(self) -> int:
        return self.stars

    def chunk(self, rows: range) -> MockChunk:
        return MockChunk(self.stars, self.seed, rows)


def store_of(text: str) -> str:
    """The folder with ``store.json`` that ``text`` is or holds; empty if there is none."""
    places = (os.path.abspath(text), os.path.join(os.path.abspath(text), "store"))
    return next((place for place in places if os.path.isfile(os.path.join(place, "store.json"))), "")


def _absolute(text: str) -> str:
    """The name of a file from the root, so that it is found from wherever the batch goes on; other texts as they are."""
    return os.path.abspath(text) if is_file(text) else text


def _files_in(folder: str) -> Iterator[str]:
    """Spectrum files below a folder, folder by folder, in the order of their names."""
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
    """Write the names whole or not at all, a few at a time; as bytes, since a file's name need not be text."""
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
            raise ParameterError("There is no spectrum among what was given.")
