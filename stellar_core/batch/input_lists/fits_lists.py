"""Read lists of stars in FITS: the first table of a file, some rows at a time."""

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

#: Bytes of rows read at a time, unless one row has more; most bytes of a row.
BLOCK, MAX_ROW = 8_000_000, 20_000_000
#: Formats of cells that may identify a star: one number or a text, without arrays and the heap.
_CELL = {"table": re.compile(r"\s*(1?[LBIJKED]|\d*A)"), "ascii table": re.compile("")}


def read_fits_list(file: BinaryIO, name: str) -> Iterator[str]:
    """Yield the inputs in the first table of a FITS file; later tables are not read."""
    from stellar_core.sdss.readers.fits_columns import ASTROPY_ERRORS, header_of

    try:
        data = _content(file)
        hdu = next((hdu for hdu in hdus(data) if hdu.kind in ("table", "ascii table")), None)
        if hdu is None:
            raise no_columns(name)
        header = header_of(data, hdu)
        rows, width = hdu.keywords.get("NAXIS2", 0), hdu.keywords.get("NAXIS1", 0)
        if hdu.end > len(data) or not hdu.agrees(header) or (rows and not 0 < width <= MAX_ROW):
            raise ValueError("the header does not fit the file")
        listed = _table(data, hdu, header, 0, 0).columns
        titles = [str(column.name) if _CELL[hdu.kind].match(str(column.format)) else "" for column in listed]
        columns = find_columns(titles)
        if not columns:
            raise no_columns(name, listed.names)
        if hdu.kind == "table" and listed.dtype.itemsize != width:
            raise ValueError("the columns do not fill the rows")
        scale, step = (
            scales({role: listed[at].unit for role, at in columns.items()}),
            max(1, min(ROWS, BLOCK // max(width, 1))),
        )
        for start in range(0, rows, step):
            part = _table(data, hdu, header, start, min(step, rows - start)).data
            yield from identifiers({role: list(part.field(titles[at])) for role, at in columns.items()}, scale)
    except ASTROPY_ERRORS as error:
        if isinstance(error, ParameterError):
            raise
        words = str(error).removesuffix(f" {error.remedy}") if isinstance(error, SpectrumError) else ""
        raise ParameterError(
            words or f"The FITS file {name} is damaged or truncated.", value=name, remedy="Save it again."
        ) from None


def _content(file: BinaryIO) -> bytes | mmap.mmap:
    """Return the bytes of a file, mapped into memory if it is on disk."""
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # the file is in memory, or empty
        return file.read()


def _table(
    data: bytes | mmap.mmap, hdu: Hdu, header: fits.Header, start: int, count: int
) -> fits.BinTableHDU | fits.TableHDU:
    """Return some rows of a table, without its heap, as a table of their own."""
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
