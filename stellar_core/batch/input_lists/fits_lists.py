"""Lists of stars in FITS: the first table of a file, some rows at a time, as far as its headers fit its bytes."""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from stellar_core.batch.coordinates import scales
from stellar_core.batch.input_lists.star_columns import ROWS, find_columns, identifiers, no_columns
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.sdss.readers.fits_layout import Hdu, hdus

if TYPE_CHECKING:
    from astropy.io import fits

#: Bytes of rows that are read at a time, unless one row has more; bytes of a row.
PORTION, MAX_ROW = 8_000_000, 20_000_000
#: Cells that may name a star: one number, or text; not those of many bits or numbers, nor those on the heap, which is not read.
_CELL = {"table": re.compile(r"\s*(1?[LBIJKED]|\d*A)"), "ascii table": re.compile("")}


def read_fits_list(file: BinaryIO, name: str) -> Iterator[str]:
    """The first table of a FITS file; that of a spectrum names no stars, and the tables behind it are not asked."""
    from stellar_core.sdss.readers.fits_files import DAMAGE

    try:
        data = _content(file)
        hdu = next((hdu for hdu in hdus(data) if hdu.kind in ("table", "ascii table")), None)
        if hdu is None:
            raise no_columns(name)
        header = _header(data, hdu)
        rows, width = hdu.keywords.get("NAXIS2", 0), hdu.keywords.get("NAXIS1", 0)
        if hdu.end > len(data) or not hdu.agrees(header) or (rows and not 0 < width <= MAX_ROW):
            raise ValueError("a header that does not fit the file")
        listed = _table(data, hdu, header, 0, 0).columns
        titles = [str(column.name) if _CELL[hdu.kind].match(str(column.format)) else "" for column in listed]
        columns = find_columns(titles)
        if not columns:
            raise no_columns(name, listed.names)
        if hdu.kind == "table" and listed.dtype.itemsize != width:
            raise ValueError("columns that do not fill their rows")
        scale, step = (
            scales({role: listed[at].unit for role, at in columns.items()}),
            max(1, min(ROWS, PORTION // max(width, 1))),
        )
        for start in range(0, rows, step):
            part = _table(data, hdu, header, start, min(step, rows - start)).data
            yield from identifiers({role: list(part.field(titles[at])) for role, at in columns.items()}, scale)
    except DAMAGE as error:
        if isinstance(error, ParameterError):
            raise
        words = str(error).removesuffix(f" {error.remedy}") if isinstance(error, SpectrumError) else ""
        raise ParameterError(
            words or f"The FITS file {name} is damaged or cut short.", value=name, remedy="Save it again."
        ) from None


def _content(file: BinaryIO) -> bytes | mmap.mmap:
    """The bytes of a file; those of one on the disk are read as they are asked for."""
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # of what lies in memory, or is empty
        return file.read()


def _header(data: bytes | mmap.mmap, hdu: Hdu) -> fits.Header:
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fits.Header.fromstring(data[hdu.start : hdu.data])


def _table(
    data: bytes | mmap.mmap, hdu: Hdu, header: fits.Header, start: int, count: int
) -> fits.BinTableHDU | fits.TableHDU:
    """Some rows of a table, without its heap, as a table of their own."""
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = header.copy()
        own["NAXIS2"], own["PCOUNT"] = count, 0
        own.remove("THEAP", ignore_missing=True)
        width = hdu.keywords["NAXIS1"]
        rows = data[hdu.data + start * width : hdu.data + (start + count) * width]
        kind = fits.TableHDU if hdu.kind == "ascii table" else fits.BinTableHDU
        return kind.fromstring(own.tostring().encode("latin-1") + rows + bytes(-len(rows) % 2880), uint=True)
