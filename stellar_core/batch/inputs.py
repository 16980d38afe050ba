"""What a batch is asked about, as a list that can be cut into portions anywhere."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from stellar_core.acquisition.reader import StoreReader
from stellar_core.batch.portions import MockPortion, NamedPortion, Portion, StorePortion
from stellar_core.errors import ParameterError
from stellar_core.mock.survey import SEED

if TYPE_CHECKING:
    import pyarrow as pa

#: How files of spectra end, where a folder is searched for them.
ENDINGS = (".fits", ".fits.gz", ".fit")
#: Names of the column of identifiers in a table, in small letters.
COLUMNS = ("specobjid", "specobj_id")
_LINES = 10_000


class Inputs(Protocol):
    """Inputs of a batch."""

    def __len__(self) -> int: ...

    def portion(self, rows: range) -> Portion:
        """Some of them, for a worker."""


@dataclass(frozen=True)
class Request:
    """What was asked for, as it was given.

    Attributes
    ----------
    inputs : tuple of str
        Spectrum files, folders of them, identifiers; or one store of ``fetch survey``, alone.
    listed : str
        A file with an input on each line, or a CSV or Parquet table with a column specObjID; or empty.
    mock : int
        That many MOCK stars instead.
    seed : int
        Of the MOCK survey.
    served : bool
        As `NamedPortion.served`.

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

    def __post_init__(self) -> None:
        if self.mock < 0:
            raise ParameterError(f"The number of MOCK stars is not negative; got {self.mock}.", value=self.mock)
        kinds = bool(self.mock) + bool(self.inputs or self.listed)
        if kinds != 1:
            raise ParameterError("Give spectra (files, folders, identifiers, a list of them, a store) or a number of MOCK stars.")
        stores = [text for text in self.inputs if store_of(text)]
        if stores and (len(self.inputs) > 1 or self.listed):
            raise ParameterError(f"The store {stores[0]} can only be a batch of its own.", value=stores[0])

    def open(self, folder: Path) -> Inputs:
        """The inputs; names are listed in ``folder`` once, and that list stays, whatever becomes of the folders.

        Raises
        ------
        ParameterError
            If there is nothing, or a list cannot be read.
        ArchiveError
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
        return NamedInputs(path, self.served)

    def _names(self) -> Iterator[str]:
        for text in self.inputs:
            if os.path.isdir(text):
                yield from _files_in(os.path.abspath(text))
            else:
                yield os.path.abspath(text) if os.path.isfile(text) else text
        if self.listed:
            yield from _read_path(Path(self.listed))


class NamedInputs:
    """Files and identifiers, one per row of an Arrow file that is not loaded whole."""

    def __init__(self, path: Path, served: bool = False) -> None:
        import pyarrow as pa

        self._served = served
        self._table: pa.Table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()

    def __len__(self) -> int:
        return self._table.num_rows

    def portion(self, rows: range) -> NamedPortion:
        return NamedPortion(tuple(self._table["input"].slice(rows.start, len(rows)).to_pylist()), self._served)


@dataclass(frozen=True)
class StoreInputs:
    """All stars of a store, in the order of their ids."""

    folder: str
    stars: int

    def __len__(self) -> int:
        return self.stars

    def portion(self, rows: range) -> StorePortion:
        return StorePortion(self.folder, rows)


@dataclass(frozen=True)
class MockInputs:
    """MOCK stars."""

    stars: int
    seed: int

    def __len__(self) -> int:
        return self.stars

    def portion(self, rows: range) -> MockPortion:
        return MockPortion(self.stars, self.seed, rows)


def store_of(text: str) -> str:
    """The folder with ``store.json`` that ``text`` is or holds; empty if there is none."""
    places = (os.path.abspath(text), os.path.join(os.path.abspath(text), "store"))
    return next((place for place in places if os.path.isfile(os.path.join(place, "store.json"))), "")


def _files_in(folder: str) -> Iterator[str]:
    """Spectrum files below a folder, folder by folder, in the order of their names."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.join(place, name) for name in sorted(names) if name.lower().endswith(ENDINGS))


def read_list(file: BinaryIO, name: str, parquet: bool = False) -> Iterator[str]:
    """The inputs in a list: lines, or the identifiers of a table with a column specObjID.

    Parameters
    ----------
    file : binary file
    name : str
        For messages.
    parquet : bool
        Otherwise it is text, CSV where its first line has that column.

    Raises
    ------
    ParameterError
        If it cannot be read.
    """
    if parquet:
        yield from _read_column(file, name)
        return
    lines = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        first = next(lines, "")
        titles = [title.strip().strip('"').lower() for title in first.split(",")]
        column = next((name for name in COLUMNS if name in titles), "")
        if column:
            at = titles.index(column)
            yield from (row[at].strip() for row in csv.reader(lines) if len(row) > at and row[at].strip())
            return
        for line in chain([first], lines):
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"The list {name} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
    finally:
        lines.detach()


def _read_path(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            yield from read_list(file, str(path), parquet=path.suffix.lower() == ".parquet")
    except OSError as error:
        raise ParameterError(f"The list {path} cannot be read: {error.strerror or error}.") from None


def _read_column(file: BinaryIO, name: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        column = next((title for title in table.schema_arrow.names if title.lower() in COLUMNS), "")
        if not column:
            raise ParameterError(f"The table {name} has no column specObjID.", value=name)
        for batch in table.iter_batches(_LINES, columns=[column]):
            yield from (str(value) for value in batch.column(0).to_pylist() if value is not None)
    except (pa.ArrowException, OSError):
        raise ParameterError(f"The list {name} is no Parquet file, or a damaged one.", value=name) from None


def _write_names(path: Path, names: Iterator[str]) -> None:
    """Write the names whole or not at all, a few at a time."""
    import pyarrow as pa

    schema = pa.schema([("input", pa.string())])
    draft = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with pa.OSFile(str(draft), "wb") as out, pa.ipc.new_file(out, schema) as file:
            while part := list(islice(names, _LINES)):
                file.write_batch(pa.record_batch([pa.array(part, pa.string())], schema=schema))
                written += len(part)
        if not written:
            raise ParameterError("There is no spectrum among what was given.")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
