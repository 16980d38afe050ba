"""Check the sizes that a Parquet file states, before pyarrow reads it.

pyarrow allocates what the footer and the page headers state: a hostile file of a few bytes can ask for all memory. So
both are read here first. Field numbers are those of parquet.thrift, Parquet format 2.11.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from stellar_core.batch.input_lists.star_columns import MAX_CELL
from stellar_core.batch.input_lists.thrift import Compact
from stellar_core.errors import ParameterError

#: Most bytes of a footer, values in it, column chunks in all row groups, levels of nested columns.
MAX_FOOTER, MAX_VALUES, MAX_CHUNKS, MAX_DEPTH = 16_000_000, 500_000, 100_000, 20
#: Most bytes of an unpacked page, pages of a column in a row group, bytes of a page header.
MAX_PAGE, MAX_PAGES, MAX_HEAD = 64_000_000, 20_000, 65_536
#: Encodings whose pages unpack to no more than stated; DELTA_BYTE_ARRAY can expand without limit.
_ENCODINGS = {
    0: "PLAIN",
    2: "PLAIN_DICTIONARY",
    3: "RLE",
    5: "DELTA_BINARY_PACKED",
    8: "RLE_DICTIONARY",
    9: "BYTE_STREAM_SPLIT",
}
_TEXT, _FIXED = 6, 7
_BROKEN = (ValueError, OverflowError, IndexError, KeyError, TypeError, AttributeError, struct.error)
_REMEDY = "Keep only the columns that identify stars, and save the table with pandas, Astropy or TOPCAT."


@dataclass(frozen=True)
class Layout:
    """Columns and row groups of a file.

    Attributes
    ----------
    name : str
        Name of the file in messages.
    size : int
        Size of the file, bytes.
    titles : tuple of str
        Titles of the top-level columns.
    leaves : dict of str to (int, dict)
        Index among the leaves, and description, of each top-level column that is not nested.
    groups : list of dict
        Row groups as the footer states them.
    """

    name: str
    size: int
    titles: tuple[str, ...]
    leaves: dict[str, tuple[int, dict[int, object]]]
    groups: list[dict[int, object]]

    def is_text(self, title: str) -> bool:
        """Return whether a column holds texts of any length."""
        return self.leaves[title][1].get(1) == _TEXT

    def check_column(self, title: str) -> None:
        """Raise `ParameterError` unless a column has one value in each row, of the size of an identifier."""
        shown = title[:30]
        if title not in self.leaves or self.leaves[title][1].get(3) == 2:
            raise self._refused(f"has lists or records in the column {shown!r}")
        width = self.leaves[title][1].get(2, 1)
        if self.leaves[title][1].get(1) == _FIXED and not (isinstance(width, int) and 1 <= width <= MAX_CELL):
            raise self._refused(f"has cells of {width} bytes in the column {shown!r}")

    def check_pages(self, file: BinaryIO, group: int, title: str) -> None:
        """Raise `ParameterError` unless every page of a column in a row group is within the limits."""
        try:
            self._check_pages(file, self.groups[group][1][self.leaves[title][0]], title[:30])
        except _BROKEN as error:
            if isinstance(error, ParameterError):
                raise
            raise damaged(self.name) from None

    def _check_pages(self, file: BinaryIO, chunk: dict[int, object], title: str) -> None:
        if 1 in chunk or 8 in chunk or 9 in chunk:
            raise self._refused(f"keeps the column {title!r} encrypted or in another file")
        column = chunk[3]
        at = min(place for place in (column[9], column.get(11, 0)) if place > 0)
        end = min(at + column[7], self.size)
        for _ in range(MAX_PAGES):
            if at >= end:
                return
            file.seek(at)
            head = Compact(file.read(MAX_HEAD), 1000)
            page = head.struct()
            unpacked, packed = page[2], page[3]
            if unpacked > MAX_PAGE:
                raise self._refused(
                    f"has a page of {unpacked / 1e6:,.0f} MB in the column {title!r}; the limit is {MAX_PAGE // 10**6}"
                )
            if unpacked < 0 or packed < 0 or at + head.at + packed > self.size:
                raise damaged(self.name)
            kind = page[1]
            coded = {0: (5, 2), 2: (7, 2), 3: (8, 4)}.get(kind)
            if coded and page[coded[0]][coded[1]] not in _ENCODINGS:
                raise self._refused(
                    f"has the column {title!r} in the encoding {page[coded[0]][coded[1]]}, which is not supported"
                )
            if kind == 2 and not 0 <= page[7][1] <= unpacked:
                raise damaged(self.name)
            at += head.at + packed
        raise self._refused(f"has more than {MAX_PAGES:,} pages in the column {title!r}")

    def _refused(self, problem: str) -> ParameterError:
        return ParameterError(f"The list {self.name} {problem}.", value=self.name, remedy=_REMEDY)


def damaged(name: str) -> ParameterError:
    """Return the error for a damaged file."""
    return ParameterError(f"The list {name} is not a Parquet file, or is damaged.", value=name)


def read_layout(file: BinaryIO, name: str) -> Layout:
    """Read the footer of a Parquet file.

    Raises
    ------
    ParameterError
        If there is none, or it exceeds the limits.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length + 12 > size:
        raise damaged(name)
    if length > MAX_FOOTER:
        raise ParameterError(
            f"The footer of {name} has {length / 1e6:.0f} MB; the limit is {MAX_FOOTER // 1_000_000} MB.",
            value=name,
            remedy=_REMEDY,
        )
    file.seek(size - 8 - length)
    try:
        footer = Compact(file.read(length), MAX_VALUES).struct()
        groups = footer[4]
        titles, leaves, count = _columns(footer[2])
        if sum(len(group[1]) for group in groups) > MAX_CHUNKS:
            raise ParameterError(
                f"{name} has more than {MAX_CHUNKS:,} columns in its row groups.", value=name, remedy=_REMEDY
            )
        if not all(len(group[1]) == count for group in groups):
            raise damaged(name)
        return Layout(name, size, titles, leaves, groups)
    except OverflowError:
        raise ParameterError(
            f"The footer of {name} states too many columns and row groups.", value=name, remedy=_REMEDY
        ) from None
    except _BROKEN as error:
        if isinstance(error, ParameterError):
            raise
        raise damaged(name) from None
    finally:
        file.seek(0)


def _columns(schema: list[dict[int, object]]) -> tuple[tuple[str, ...], dict[str, tuple[int, dict[int, object]]], int]:
    """Return the titles, the leaves among them, and the number of all leaves."""
    titles: list[str] = []
    leaves: dict[str, tuple[int, dict[int, object]]] = {}
    open_, count = [schema[0][5]], 0
    for element in schema[1:]:
        while open_ and not open_[-1]:
            open_.pop()
        open_[-1] -= 1  # an IndexError where there are more elements than the groups have room for
        children, title = element.get(5) or 0, element[4].decode("utf-8", "replace")
        if len(open_) == 1:
            titles.append(title)
            if not children:
                leaves[title] = (count, element)
        if children:
            open_.append(children)
        else:
            count += 1
        if len(open_) > MAX_DEPTH or children < 0:
            raise ValueError("columns nested too deeply")
    if any(open_):
        raise ValueError("a group without its columns")
    return tuple(titles), leaves, count
