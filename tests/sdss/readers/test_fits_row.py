"""Cells of a wide table of one row, as Astropy reads them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.io import fits

from stellar_core.sdss.readers import fits_row as module
from stellar_core.sdss.readers.fits_layout import Hdu, hdus
from stellar_core.sdss.readers.fits_row import read_fits_row

COLUMNS = [
    fits.Column("PLATE", "J", array=[266]),
    fits.Column("BESTOBJID", "22A", array=["1237650000000000000"]),
    fits.Column("Z", "E", array=[-1.5e-5]),
    fits.Column("FLAG", "L", array=[True]),
    fits.Column("SPECOBJID", "K", array=[299489677444933632]),
    fits.Column("PSFFLUX", "5E", array=[[1, 2, np.nan, 4, 5]]),
    fits.Column("RA", "D", array=[146.7]),
    fits.Column("MASK", "3B", array=[[1, 2, 255]]),
    fits.Column("NIGHTS", "2I", array=[[-1, 2]]),
]


def table(columns: list[fits.Column], rows: int = 1) -> bytes:
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, nrows=rows, name="SPECOBJ")]).writeto(out)
    return out.getvalue()


def read(data: bytes, wanted: set[str]) -> dict[str, object]:
    return read_fits_row(data, second(data), wanted)


def second(data: bytes) -> Hdu:
    """The first extension of a file."""
    return list(hdus(data))[1]


def same(found: dict[str, object], data: bytes) -> None:
    with fits.open(io.BytesIO(data), memmap=False) as opened:
        record = opened[1].data[0]
        for name in opened[1].columns.names:
            if name.lower() in found:
                np.testing.assert_array_equal(found[name.lower()], record[name])
                assert np.shape(found[name.lower()]) == np.shape(record[name])


def test_cells_equal_those_of_astropy():
    data, names = table(COLUMNS), {column.name.lower() for column in COLUMNS}
    found = read(data, names)
    assert (
        set(found) == names and found["specobjid"] == 299489677444933632 and found["bestobjid"] == "1237650000000000000"
    )
    same(found, data)


def test_only_existing_wanted_cells_are_read():
    assert read(table(COLUMNS), {"z", "plate", "nothing"}) == {"z": np.float32(-1.5e-5), "plate": 266}


@pytest.mark.parametrize(
    "column",
    [
        fits.Column("ODD", "J", bzero=2**31, array=np.array([3_000_000_000], dtype=np.uint32)),
        fits.Column("ODD", "E", bscale=2.0, array=[5.0]),
        fits.Column("ODD", "4E", dim="(2,2)", array=[[[1, 2], [3, 4]]]),
        fits.Column("ODD", "5X", array=[[True, False, True, False, True]]),
    ],
)
def test_unusual_columns_are_left_to_astropy(column):
    data = table([*COLUMNS, column])
    found = read(data, {"odd", "z"})
    assert set(found) == {"odd", "z"}
    same(found, data)


@pytest.mark.parametrize(
    "column",
    [
        fits.Column("ODD", "PE()", array=np.array([np.array([1.0, 2.0])], dtype=object)),
        fits.Column("ODD", f"{module.MAX_CELL}I", array=[np.arange(module.MAX_CELL)]),
    ],
)
def test_cells_of_variable_length_and_very_large_ones_are_left_out(column):
    assert read(table([*COLUMNS, column]), {"odd", "z"}) == {"z": np.float32(-1.5e-5)}


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"'Z       '", b" Z       '"), (b"'Z       '", b"3         "), (b"'Z       '", b"''        ")],
)
def test_a_damaged_name_is_left_to_astropy(before, after):
    data = table(COLUMNS)
    assert data.count(before) == 1
    data = data.replace(before, after)
    assert module._cells(data, second(data), {"z", "plate"}) is None


def test_cells_beyond_the_end_of_the_file_are_left_to_astropy():
    data = table(COLUMNS)
    hdu = second(data)
    assert set(module._cells(data[: hdu.data + 50], hdu, {"plate"})) == {"plate"}
    assert module._cells(data[: hdu.data + 50], hdu, {"ra"}) is None


@pytest.mark.slow
def test_cells_of_real_tables_equal_those_of_astropy(shared_data):
    read_here = 0
    for path in sorted((shared_data / "sdss").glob("*.fits"))[::6]:
        data = path.read_bytes()
        with fits.open(io.BytesIO(data), memmap=False) as opened:
            if len(opened) < 3:
                continue
            names = {name.lower() for name in opened[2].columns.names}
        cells = module._cells(data, list(hdus(data))[2], names)
        read_here += cells is not None
        same(cells or {}, data_of(data))
    assert read_here > 7


def data_of(data: bytes) -> bytes:
    """The file whose first table is the second of ``data``."""
    with fits.open(io.BytesIO(data), memmap=False) as opened:
        out = io.BytesIO()
        fits.HDUList([fits.PrimaryHDU(), opened[2].copy()]).writeto(out)
        return out.getvalue()
