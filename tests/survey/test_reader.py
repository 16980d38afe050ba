"""Reading a store a few stars at a time."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pyarrow.parquet as pq
import pytest

from stellar_core.errors import StorageError
from stellar_core.sdss.catalogue_rows import CatalogueRow
from stellar_core.sdss.specobjid import encode
from stellar_core.survey.reader import ARRAYS, StoredArray, StoreReader
from stellar_core.survey.store import ROW_GROUP, ManifestLine, read_manifest, summarise, verify, write_chunk
from stellar_core.survey.stored_star import StoredStar
from tests.sdss.test_catalogue_rows import cells

#: Stars of each chunk; one chunk is empty.
CHUNKS = (70, 0, 33)


def star(number: int) -> StoredStar:
    """A star whose arrays tell its number."""
    fiber = str(number % 600 + 1)
    row = CatalogueRow.read(cells(fiberID=fiber, specObjID=str(encode(266, 51602, int(fiber), "26"))))
    ramp = np.arange(6800) % 7 == number % 7
    return StoredStar(
        row=row,
        redshift=0.0,
        snr=number,
        flux=np.full(6800, number, np.float16),
        root_ivar=np.linspace(0, number, 6800).astype(np.float16),
        coverage=ramp,
        features=np.full(29, number, np.float32),
        log_age=9.0 + number / 1000,
        log_lifetime=10.0,
        mass=1.0,
        stage=number % 5,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("store")
    first = 0
    for number, count in enumerate(CHUNKS):
        stars = [star(index) for index in range(first, first + count)]
        lines = [
            ManifestLine(int(one.row.star.specobjid), one.row.star.name, "p", 1, "s", "stored", "") for one in stars
        ]
        write_chunk(path, number, stars, lines or [ManifestLine(7, "", "", 0, "", "refused", "why")])
        first += count
    summarise(path, {"mock": False})
    return path


def test_any_rows_in_any_order(folder):
    reader = StoreReader(folder, groups_kept=2)
    assert len(reader) == 103
    index = np.random.default_rng(1).permutation(np.tile(np.arange(103), 2))
    np.testing.assert_array_equal(reader.rows("flux", index)[:, 5], index)
    np.testing.assert_array_equal(reader.rows("features", index)[:, 28], index)
    for name, (kind, length) in ARRAYS.items():
        found = reader.rows(name, index[:9])
        assert found.dtype == kind and found.shape == (9, length)
        np.testing.assert_array_equal(found, [getattr(star(int(number)), name) for number in index[:9]])
    np.testing.assert_allclose(reader.column("log_age"), 9.0 + np.arange(103) / 1000, atol=1e-6)
    assert reader.column("specobjid").dtype == np.uint64


def test_arrays_are_indexed_as_in_numpy(folder):
    array = StoredArray(StoreReader(folder), "flux")
    assert array.shape == (103, 6800) and len(array) == 103 and array.dtype == np.float16
    assert array.nbytes == 103 * 6800 * 2
    assert array[3].shape == (6800,) and array[-1][0] == 102
    np.testing.assert_array_equal(array[68:72][:, 0], [68, 69, 70, 71])
    np.testing.assert_array_equal(array[np.array([102, 0])][:, 0], [102, 0])
    np.testing.assert_array_equal(np.asarray(array)[:, 1], np.arange(103))
    with pytest.raises(IndexError):
        array[np.array([103])]


def test_memory_is_limited_to_the_cached_groups(folder):
    reader = StoreReader(folder, groups_kept=1)
    reader.rows("flux", np.array([0]))
    tracemalloc.start()
    for number in range(103):
        reader.rows("flux", np.array([number]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * ROW_GROUP * 6800 * (1 + 2 + 2), "one or two groups, not the store"


def test_row_groups_are_small(folder):
    file = pq.ParquetFile(folder / "stars-00000.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [32, 32, 6]


def test_the_manifest_lists_stars_that_are_not_stored(folder):
    assert read_manifest(folder)["outcome"].to_pylist() == ["stored"] * 70 + ["refused"] + ["stored"] * 33


def test_a_folder_without_a_store_gives_one_sentence(folder, tmp_path):
    with pytest.raises(StorageError, match="no finished store"):
        StoreReader(tmp_path)
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert verify(tmp_path) == []
    (tmp_path / "stars-00002.parquet").write_bytes(b"PAR1 damaged")
    (tmp_path / "manifest-00000.parquet").unlink()
    assert verify(tmp_path) == ["manifest-00000.parquet", "stars-00002.parquet"]
    with pytest.raises(StorageError, match="damaged"):
        StoreReader(tmp_path)
