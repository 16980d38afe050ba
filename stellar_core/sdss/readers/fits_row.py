"""Some cells of the first row of a FITS table, read directly from its bytes.

The row of a spec file has 120 to 200 columns, of which two dozen are used. Astropy makes objects of all columns, which
takes most of the time of reading the file: 80 ms of processor time for a spec file, 12 ms with this module (mean of 60
files on a busy machine). The columns are located by TTYPEn and TFORMn (FITS Standard 4.0, section 7.3). Unusual tables
are left to Astropy; cells of variable length and very large cells are never read.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from stellar_core.sdss.readers.fits_columns import astropy_hdu
from stellar_core.sdss.readers.fits_layout import CARD, Hdu

#: Largest cell read, bytes: those used hold five numbers or a short text.
MAX_CELL = 4000
#: Bytes of one element by the letter of TFORMn; bits (X) and array descriptors (P, Q) are left out.
_SIZES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16}
_KINDS = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "C": ">c8", "M": ">c16"}
_VARIABLE = re.compile(r"\d*[PQ]")
_CARDS = re.compile(rb"T(TYPE|FORM|SCAL|ZERO|DIM|NULL)([1-9]\d{0,2}) *= *(?:'((?:[^']|'')*)')?")


def read_fits_row(data: bytes, hdu: Hdu, wanted: Collection[str]) -> dict[str, object]:
    """Read cells of the first row of a table.

    Parameters
    ----------
    data : bytes
        The file.
    hdu : Hdu
        A binary table with one row or more.
    wanted : collection of str
        Names of columns in lower case.

    Returns
    -------
    dict
        By name in lower case: a number, a text without trailing blanks, or an array.

    Raises
    ------
    ValueError, TypeError, OSError and others
        As Astropy for damaged tables.
    """
    cells = _cells(data, hdu, wanted)
    if cells is not None:
        return cells
    table = astropy_hdu(data, hdu)
    if table.columns.dtype.itemsize != hdu.keywords["NAXIS1"]:
        raise ValueError("The columns do not fill the rows.")
    record = table.data[0]
    return {
        column.name.lower(): record[column.name]
        for column, field in zip(table.columns, table.columns.dtype.names, strict=True)
        if column.name.lower() in wanted
        and not _VARIABLE.match(str(column.format))
        and table.columns.dtype[field].itemsize <= MAX_CELL
    }


def _cells(data: bytes, hdu: Hdu, wanted: Collection[str]) -> dict[str, object] | None:
    """Return the cells; None where the table is unusual and Astropy must read it."""
    header = data[hdu.start : hdu.data]
    names, forms, special = {}, {}, set()
    for start in range(0, len(header), CARD):
        found = _CARDS.match(header, start, start + CARD)
        if found:
            what, number, text = found[1], int(found[2]), (found[3] or b"").strip().decode("ascii", "replace")
            if what in (b"TYPE", b"FORM") and not text:
                return None
            if what == b"TYPE":
                names.setdefault(number, text.lower())
            elif what == b"FORM":
                forms.setdefault(number, text)
            else:
                special.add(number)
    count = hdu.keywords.get("TFIELDS")
    if not header.isascii() or not count == len(forms) == len(set(names.values())) or set(forms) != set(names):
        return None
    if max(forms, default=0) != count:
        return None
    cells, place, row = {}, hdu.data, hdu.data + hdu.keywords["NAXIS1"]
    for number in range(1, count + 1):
        form = re.fullmatch(r"(\d{0,6})([LBIJKAEDCM])\d*", forms[number])
        if form is None:
            return None
        repeat, letter = int(form[1] or 1), form[2]
        size = repeat * _SIZES[letter]
        if (name := names.get(number)) in wanted:
            if number in special or repeat == 0 or size > MAX_CELL or place + size > min(row, len(data)):
                return None
            cells[name] = _cell(data[place : place + size], letter, repeat)
        place += size
    return cells if place == row else None


def _cell(data: bytes, letter: str, repeat: int) -> object:
    if letter == "A":
        return data.partition(b"\0")[0].decode("ascii", "replace").rstrip()
    values = np.frombuffer(data, _KINDS[letter])
    values = values == b"T" if letter == "L" else values.astype(values.dtype.newbyteorder("="))
    return values[0] if repeat == 1 else values
