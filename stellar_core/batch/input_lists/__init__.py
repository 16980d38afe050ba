"""Read lists of stars: lines of text, and CSV, ECSV, FITS, VOTable and Parquet tables.

A table identifies its stars by a column specObjID, by plate, MJD and fiber, or by RA and Dec, in upper or lower case.
Each row gives one text for `stellar_core.sdss.identifiers.parse`, an empty one if its cells are empty. RA and Dec are
in degrees unless the table states another unit. Files may be hostile: sizes that a file states are checked against its
bytes before memory is allocated, and only the columns that identify stars are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from stellar_core.batch.input_lists.fits_lists import read_fits_list
from stellar_core.batch.input_lists.parquet_lists import read_parquet_list
from stellar_core.batch.input_lists.star_columns import find_columns, identifier, tidy
from stellar_core.batch.input_lists.text_lists import read_text_list
from stellar_core.batch.input_lists.votable_lists import read_votable_list
from stellar_core.errors import ParameterError

__all__ = ["find_columns", "identifier", "read_list"]

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_list(file: BinaryIO, name: str) -> Iterator[str]:
    """Yield the inputs of a list, whose format is recognised by its content.

    Parameters
    ----------
    file : binary file
        Must be seekable.
    name : str
        Name of the list in messages.

    Yields
    ------
    str
        One for each line that is neither empty nor a comment, or for each row of a table.

    Raises
    ------
    ParameterError
        If the list cannot be read, or is a table without columns that identify stars.
    """
    start = file.read(2048)
    file.seek(0)
    wide = start.startswith(_UTF16)
    opening = (
        (start.decode("utf-16", "replace").encode() if wide else start).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    )
    if start.startswith(b"PAR1"):
        found = read_parquet_list(file, name)
    elif start.startswith(b"SIMPLE"):
        found = read_fits_list(file, name)
    elif opening.startswith((b"<!doctype html", b"<html")):
        raise ParameterError(f"{name} is a web page, not a list of stars.", value=name, remedy="Save the table itself.")
    elif opening.startswith(b"<"):
        found = read_votable_list(file, name)
    elif b"\0" in start and not wide:
        raise ParameterError(f"The list {name} cannot be read: it is not text.", value=name)
    else:
        found = read_text_list(file, name, "utf-16" if wide else "utf-8-sig")
    yield from map(tidy, found)
