"""Wavelength and flux in the table or image of one HDU of a FITS file.

The header decides whether an HDU is a spectrum; data are read only if it is one of an accepted length, and of a table
only the columns that are used. Columns of variable length are ignored and their heap is never read; compressed images
are never unpacked.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from astropy.io import fits

from stellar_core.errors import SpectrumError
from stellar_core.sdss.readers.column_aliases import MAX_ROWS, Table, is_spectrum
from stellar_core.sdss.readers.fits_layout import Hdu, damaged_file
from stellar_core.spectrum import MAX_PIXELS

#: Errors that Astropy raises on damaged files.
ASTROPY_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    AttributeError,
    MemoryError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    RecursionError,
    struct.error,
    fits.VerifyError,
)

#: Astropy's class for each kind of HDU; the primary HDU has its own.
CLASSES = {"image": fits.ImageHDU, "table": fits.BinTableHDU, "ascii table": fits.TableHDU}
#: Number formats: of a binary table with repeat count, of an ASCII table without.
_BINARY = re.compile(r"(\d{0,9})([LXBIJKED])")
_ASCII = re.compile(r"()([IFED])")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn Astropy's errors on damaged files into a `SpectrumError`; suppress its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except SpectrumError:
            raise
        except ASTROPY_ERRORS:
            raise damaged_file() from None


class _Columns(Mapping[str, np.ndarray]):
    """Arrays by name, each read on access."""

    def __init__(self, names: list[str], read: Callable[[str], np.ndarray]) -> None:
        self._names, self._read = names, read

    def __getitem__(self, name: str) -> np.ndarray:
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def header_of(data: bytes, hdu: Hdu) -> fits.Header:
    """Parse the header of an HDU; suppress Astropy's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fits.Header.fromstring(data[hdu.start : hdu.data])


def astropy_hdu(data: bytes, hdu: Hdu) -> fits.PrimaryHDU | fits.ImageHDU | fits.BinTableHDU | fits.TableHDU:
    """Return an image or table as an Astropy HDU, its data not yet read.

    Raises
    ------
    SpectrumError
        If the file ends before its data do, or Astropy and `stellar_core.sdss.readers.fits_layout` disagree on the
        structure in its header.
    """
    check_complete(data, hdu)
    kind = fits.PrimaryHDU if hdu.start == 0 else CLASSES[hdu.kind]
    content = data[hdu.start : hdu.following]
    # The last block may lack its padding.
    found = kind.fromstring(content + bytes(hdu.following - hdu.start - len(content)), uint=True)
    if not hdu.agrees(found.header):
        raise damaged_file()
    return found


def check_complete(data: bytes, hdu: Hdu) -> None:
    """Raise `SpectrumError` if the file ends before the data of an HDU do."""
    if hdu.end > len(data):
        raise SpectrumError(
            f"The FITS file is cut short: it should have {hdu.end} bytes or more and has {len(data)}.",
            remedy="Download it again.",
        )


def table_of(hdu: Hdu, found: fits.BinTableHDU | fits.TableHDU, columns: Mapping[str, str | int] | None) -> Table:
    """Return the numeric columns of a table; arrays in a single row become columns.

    Parameters
    ----------
    hdu : Hdu
    found : BinTableHDU or TableHDU
        The same HDU, from `astropy_hdu`.
    columns : mapping or None
        The caller's choice of columns.

    Raises
    ------
    SpectrumError
        If it is a spectrum with too many pixels, or its columns do not fill its rows.
    """
    length = hdu.keywords["NAXIS2"] if hdu.keywords["NAXIS1"] else 0
    sizes = {}
    for column in found.columns if length else ():
        cell = _numbers_in_cell(column, hdu.kind)
        if length == 1 and cell is not None or cell == ():
            sizes[column.name] = length * (cell[0] if cell else 1)
    if length == 1 and sizes:
        longest = max(sizes.values())
        sizes = {name: size for name, size in sizes.items() if size == longest > 1}
    units = {column.name: str(column.unit) for column in found.columns if column.name in sizes and column.unit}

    def read(name: str) -> np.ndarray:
        with translated_errors():
            values = np.asarray(found.data[name]).reshape(-1)
            if values.size != sizes[name] or values.dtype.kind not in "fiub":
                raise damaged_file()
            return values.astype(np.float64)

    table = Table(_Columns(list(sizes), read), units)
    if sizes and is_spectrum(table, columns):
        if (pixels := next(iter(sizes.values()))) > MAX_ROWS:
            raise _too_long(pixels)
        if hdu.kind == "table" and found.columns.dtype.itemsize != hdu.keywords["NAXIS1"]:
            raise damaged_file("its columns do not fill its rows")
    return table


def _numbers_in_cell(column: fits.Column, kind: str) -> tuple[int, ...] | None:
    """Return the shape of a cell flattened to one axis, () for a single number; None where it holds no numbers."""
    found = (_ASCII if kind == "ascii table" else _BINARY).match(str(column.format))
    if found is None:
        return None
    repeat = int(found[1] or 1)
    return () if repeat == 1 and found[2] != "X" and not column.dim else (repeat,)


def image_of(hdu: Hdu, found: fits.PrimaryHDU | fits.ImageHDU) -> Table | None:
    """Read a one-dimensional spectrum with a linear or logarithmic axis, or a LAMOST or SDSS DR7 stack of rows.

    Returns
    -------
    Table or None
        None where the image is none of these.

    Raises
    ------
    SpectrumError
        If it is a spectrum with too many pixels.
    """
    header, shape = found.header, hdu.shape
    if len(shape) == 2 and shape[0] >= 3 and "COEFF0" in header and shape[1] > 100:
        if shape[1] > MAX_ROWS:
            raise _too_long(shape[1])
        data = np.asarray(found.section[:3, :], dtype=np.float64)
        loglam = header["COEFF0"] + header["COEFF1"] * np.arange(shape[1])
        if "LAMOST" in str(header.get("TELESCOP", "")).upper():
            return Table({"flux": data[0], "ivar": data[1], "loglam": loglam}, {})
        return Table({"flux": data[0], "error": data[2], "loglam": loglam}, {})
    step = header.get("CDELT1", header.get("CD1_1"))
    lengths = [length for length in shape if length != 1]
    if len(lengths) != 1 or lengths[0] < 10 or not step or "CRVAL1" not in header:
        return None
    if lengths[0] > MAX_ROWS:
        raise _too_long(lengths[0])
    data = np.asarray(found.data, dtype=np.float64).reshape(-1)
    axis = header["CRVAL1"] + step * (np.arange(data.size) + 1 - header.get("CRPIX1", 1))
    logarithmic = header.get("DC-FLAG") == 1 or "LOG" in str(header.get("CTYPE1", "")).upper()
    name = "loglam" if logarithmic and axis.max() < 6 else "wavelength"
    unit = str(header.get("CUNIT1", "")).strip()
    words = "air" if "AWAV" in str(header.get("CTYPE1", "")).upper() else ""
    return Table({name: axis, "flux": data}, {name: unit} if unit else {}, text=words)


def _too_long(pixels: int) -> SpectrumError:
    return SpectrumError(f"The spectrum has {pixels} pixels; at most {MAX_PIXELS} are accepted.", value=pixels)
