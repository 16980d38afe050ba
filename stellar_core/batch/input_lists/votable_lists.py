"""Read lists of stars in VOTable: the first table, parsed as a stream.

References of the file (``href``) are not opened, document types and so entities are refused, and ``nrows`` is checked
against the size of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from stellar_core.batch.coordinates import scales
from stellar_core.batch.input_lists.star_columns import MAX_CELL, MAX_COLUMNS, find_columns, identifier, no_columns
from stellar_core.batch.input_lists.votable_cells import Cell, read_rows
from stellar_core.errors import ParameterError

#: Bytes parsed at a time; the time grows with the square of the number of pieces of one long token.
_PIECE = 4_000_000
#: Most levels of nested elements.
_DEPTH = 50
_REMEDY = "Save it as VOTable with the rows in the file, or as CSV."


def read_votable_list(file: BinaryIO, name: str) -> Iterator[str]:
    """Yield the inputs in a VOTable; see `stellar_core.batch.input_lists.read_list`."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    reader = _Reader(name, size)
    try:
        while not reader.ended and (piece := file.read(_PIECE)):
            reader.parser.Parse(piece, False)
            yield from reader.take()
        if not reader.ended:
            reader.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError, OSError) as error:
        if isinstance(error, ParameterError):
            raise
        yield from reader.take()
        raise ParameterError(f"{name} is not a VOTable, or is damaged.", value=name) from None
    if not reader.ended:
        raise no_columns(name)


@dataclass
class _Reader:
    """The state of a pass through the elements of a file.

    Attributes
    ----------
    ended : bool
        True when the table has been read to its end.
    """

    name: str
    size: int
    ended: bool = False
    _cells: list[Cell] = field(default_factory=list)
    _columns: Mapping[str, int] = field(default_factory=dict)
    _scale: Mapping[str, float] = field(default_factory=dict)
    _path: list[str] = field(default_factory=list)
    _roles: dict[int, str] = field(default_factory=dict)
    _row: dict[str, str] = field(default_factory=dict)
    _at: int = -1
    _text: list[str] | None = None
    _letters: int = 0
    _found: list[str] = field(default_factory=list)
    _coded: Iterator[str] | None = None

    def __post_init__(self) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator=None)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse_type
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._data

    def take(self) -> Iterator[str]:
        """Yield the inputs found since the last call."""
        found, self._found = self._found, []
        yield from found
        if self._coded is not None:
            coded, self._coded = self._coded, None
            yield from coded

    def _refused(self, problem: str) -> ParameterError:
        return ParameterError(f"{self.name} {problem}.", value=self.name, remedy=_REMEDY)

    def _refuse_type(self, *_words: object) -> None:
        raise self._refused("declares a document type or entities, which are not supported")

    def _start(self, tag: str, given: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if not self._path and tag != "VOTABLE":
            raise ValueError(tag)
        if len(self._path) >= _DEPTH:
            raise self._refused(f"has more than {_DEPTH} levels of nested elements")
        above = self._path[-1] if self._path else ""
        self._path.append(tag)
        if self.ended:
            return
        if tag == "TABLE":
            self._cells = []
            self._check_rows(given.get("nrows", ""))
        elif tag == "FIELD" and above == "TABLE":
            self._cells.append(Cell.of(given, self.name))
            if len(self._cells) > MAX_COLUMNS:
                raise self._refused(f"has more than {MAX_COLUMNS:,} columns")
        elif tag == "VALUES" and above == "FIELD" and "null" in given and self._cells:
            self._cells[-1].null = given["null"][:MAX_CELL].strip()
        elif tag == "DATA" and above == "TABLE":
            self._choose()
        elif tag == "FITS" and above == "DATA":
            raise self._refused("keeps its rows as FITS, which is not supported")
        elif tag == "TR" and above == "TABLEDATA":
            self._row, self._at = {}, -1
        elif tag == "TD" and above == "TR":
            self._at += 1
            if self._at in self._roles:
                self._text, self._letters = [], 0
        elif tag == "STREAM" and above in ("BINARY", "BINARY2"):
            if "href" in given:
                raise self._refused("keeps its rows in another file or on a server, which are not opened")
            if given.get("encoding") != "base64":
                raise self._refused("keeps its rows in an encoding other than base64")
            self._text = []

    def _data(self, text: str) -> None:
        if self._text is None:
            return
        if self._path[-1] == "STREAM":
            self._text.append(text)
        elif self._letters < MAX_CELL:
            self._text.append(text[:MAX_CELL])
            self._letters += len(text)

    def _end(self, _tag: str) -> None:
        tag = self._path.pop()
        if self.ended:
            return
        if tag == "TD" and self._text is not None:
            self._row[self._roles[self._at]] = self._cells[self._at].read_text("".join(self._text))
            self._text = None
        elif tag == "TR" and self._path[-1:] == ["TABLEDATA"]:
            self._found.append(identifier(self._row, self._scale))
        elif tag == "STREAM" and self._text is not None:
            self._coded = self._binary("".join(self._text), self._path[-1] == "BINARY2")
            self._text = None
        elif tag == "DATA" and self._path[-1:] == ["TABLE"]:
            self.ended = True

    def _check_rows(self, stated: str) -> None:
        """Check the number of rows: each takes at least one byte of the file."""
        plain = stated.strip()
        if plain and not (plain.isascii() and plain.isdecimal() and len(plain) < 16 and int(plain) <= self.size):
            raise self._refused(f"states {plain[:20]} rows, which its {self.size:,} bytes cannot hold")

    def _choose(self) -> None:
        titles = [cell.title for cell in self._cells]
        self._columns = find_columns(titles)
        if not self._columns:
            raise no_columns(self.name, titles)
        self._scale = scales({role: self._cells[at].unit for role, at in self._columns.items()})
        self._roles = {at: role for role, at in self._columns.items()}

    def _binary(self, coded: str, masked: bool) -> Iterator[str]:
        for row in read_rows(coded, self._cells, self._roles, masked, self.name):
            yield identifier(row, self._scale)
