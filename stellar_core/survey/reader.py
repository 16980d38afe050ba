"""Read a store a few stars at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import StorageError
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.preprocessing.grid import GRID
from stellar_core.survey.store import read_summary

if TYPE_CHECKING:
    import pyarrow.parquet as pq

#: Row groups kept in memory, about 1.2 MB each: those of one batch, whose columns are read in turn.
GROUPS_KEPT = 96
#: Array columns: type and length for one star.
ARRAYS: dict[str, tuple[type, int]] = {
    "flux": (np.float16, GRID.size),
    "root_ivar": (np.float16, GRID.size),
    "coverage": (np.bool_, GRID.size),
    "features": (np.float32, len(FEATURE_NAMES)),
}


class StoreReader:
    """Reader of a finished store.

    Parameters
    ----------
    folder : Path
        With ``store.json``.
    groups_kept : int
        Row groups kept in memory.
    mapped : bool
        Map the files into memory, which is faster for a few stars; a reader of the whole store does without, as the
        mapped part of the files counts as memory of the process.

    Raises
    ------
    StorageError
        If the folder has no finished store, or a file of it is missing or damaged.
    """

    def __init__(self, folder: Path, groups_kept: int = GROUPS_KEPT, mapped: bool = True) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.summary = read_summary(folder)
        names = [name for name in sorted(self.summary["files"]) if name.startswith("stars-")]
        try:
            self._files: list[pq.ParquetFile] = [pq.ParquetFile(folder / name, memory_map=mapped) for name in names]
        except (OSError, pa.ArrowInvalid) as error:
            raise StorageError(
                f"The store {folder} is damaged: {error}", value=str(folder), remedy="Fetch it again."
            ) from None
        places = [
            (number, group, file.metadata.row_group(group).num_rows)
            for number, file in enumerate(self._files)
            for group in range(file.num_row_groups)
        ]
        self._places = [place[:2] for place in places if place[2]]
        self._starts = np.concatenate([[0], np.cumsum([place[2] for place in places if place[2]])]).astype(np.int64)
        self._kept: OrderedDict[int, dict[str, np.ndarray]] = OrderedDict()
        self._limit = groups_kept
        self._mutex = threading.Lock()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def column(self, name: str) -> np.ndarray:
        """Read a scalar column of all stars, in the order of their ids."""
        import pyarrow as pa

        parts = [file.read([name], use_threads=False).column(0) for file in self._files]
        whole = pa.chunked_array([chunk for part in parts for chunk in part.chunks], type=parts[0].type)
        return whole.to_numpy()

    def scalars(self, names: Sequence[str], rows: range) -> dict[str, np.ndarray]:
        """Read scalar columns of consecutive stars.

        Parameters
        ----------
        names : sequence of str
        rows : range
            Of step 1.

        Returns
        -------
        dict of str to (n,) ndarray
        """
        import pyarrow as pa

        first, last = np.searchsorted(self._starts, [rows.start, rows.stop - 1], side="right") - 1
        places = self._places[first : last + 1]
        parts = [self._files[file].read_row_group(group, list(names), use_threads=False) for file, group in places]
        table = pa.concat_tables(parts).slice(rows.start - int(self._starts[first]), len(rows))
        return {name: table.column(name).to_numpy() for name in names}

    def rows(self, name: str, index: np.ndarray) -> np.ndarray:
        """Read an array column of some stars.

        Parameters
        ----------
        name : str
            One of `ARRAYS`.
        index : (n,) int
            Rows, in any order.

        Returns
        -------
        (n, length)
        """
        kind, length = ARRAYS[name]
        out = np.empty((len(index), length), dtype=kind)
        groups = np.searchsorted(self._starts, index, side="right") - 1
        for group in np.unique(groups):
            at = np.flatnonzero(groups == group)
            out[at] = self._group(int(group))[name][index[at] - self._starts[group]]
        return out

    def _group(self, group: int) -> dict[str, np.ndarray]:
        """Return all arrays of a row group; the most recently used groups are cached."""
        with self._mutex:
            if group in self._kept:
                self._kept.move_to_end(group)
                return self._kept[group]
        file, place = self._places[group]
        table = self._files[file].read_row_group(place, list(ARRAYS), use_threads=False)
        found = {name: _array(table.column(name).combine_chunks(), *ARRAYS[name]) for name in ARRAYS}
        with self._mutex:
            self._kept[group] = found
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return found


class StoredArray:
    """Array-like view of one of `ARRAYS` of a whole store, read on indexing.

    Parameters
    ----------
    reader : StoreReader
    name : str
    """

    def __init__(self, reader: StoreReader, name: str) -> None:
        self.reader, self.name = reader, name
        kind, length = ARRAYS[name]
        self.dtype, self.shape = np.dtype(kind), (len(reader), length)

    @property
    def nbytes(self) -> int:
        """Size of the whole array, bytes."""
        return self.dtype.itemsize * self.shape[0] * self.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        """Read some stars, (n, length), or one, (length,)."""
        rows = np.arange(len(self))[index]
        return self.reader.rows(self.name, np.atleast_1d(rows))[() if np.ndim(rows) else 0]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """Read the whole array into memory."""
        return np.asarray(self[:], dtype=dtype)


def _array(column: object, kind: type, length: int) -> np.ndarray:
    """Convert a binary column of fixed width or a list of fixed length to (n, length)."""
    n = len(column)
    if kind is np.float32:
        return np.asarray(column.flatten()).reshape(n, length)
    width = length // 8 if kind is np.bool_ else 2 * length
    data = np.frombuffer(column.buffers()[1], dtype=np.uint8, count=n * width, offset=column.offset * width).reshape(
        n, width
    )
    if kind is np.bool_:
        return np.unpackbits(data, axis=1).astype(bool)
    return data.view("<f2")
