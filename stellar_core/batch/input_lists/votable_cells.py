"""The cells of a VOTable: as text, and as the bytes of BINARY and BINARY2 (VOTable 1.5, sections 5.3 to 5.5)."""

from __future__ import annotations

import binascii
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.batch.input_lists.star_columns import MAX_CELL, cell_text
from stellar_core.errors import ParameterError

#: Bytes of one value, and the NumPy type of numbers.
_SIZES = {
    "boolean": (1, ""),
    "bit": (1, ""),
    "unsignedByte": (1, ">u1"),
    "short": (2, ">i2"),
    "int": (4, ">i4"),
    "long": (8, ">i8"),
    "char": (1, ""),
    "unicodeChar": (2, ""),
    "float": (4, ">f4"),
    "double": (8, ">f8"),
    "floatComplex": (8, ""),
    "doubleComplex": (16, ""),
}
#: Most values of a cell of fixed size.
_MOST = 2**31


@dataclass
class Cell:
    """The format of the cells of one column.

    Attributes
    ----------
    title, unit, kind : str
        Name, unit and data type.
    count : int
        Number of values in a cell, or in one element of a cell of variable length.
    variable : bool
        True if each cell begins with its length.
    null : str
        The value that means "missing".
    """

    title: str
    unit: str
    kind: str
    count: int
    variable: bool
    null: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], name: str) -> Cell:
        """Make a cell from the attributes of a FIELD; ParameterError if type or size is invalid."""
        title = (given.get("name") or given.get("ID") or "")[:MAX_CELL]
        kind, shape = given.get("datatype", "char"), given.get("arraysize", "").strip()
        *inner, last = (shape or "1").split("x")
        variable = last.endswith("*")
        sizes = [*inner, "1" if variable else last]
        if (
            kind not in _SIZES
            or len(sizes) > 10
            or not all(size.isascii() and size.isdecimal() and len(size) < 11 for size in sizes)
        ):
            problem = f"has the datatype {kind[:30]!r} and the arraysize {shape[:30]!r}, which cannot be read"
            raise ParameterError(f"The column {title[:30]!r} of {name} {problem}.", value=name)
        return cls(title, given.get("unit", ""), kind, min(_MOST, math.prod(map(int, sizes))), variable)

    @property
    def bytes(self) -> int:
        """Size of a cell, or of one element of a cell of variable length."""
        return -(-self.count // 8) if self.kind == "bit" else self.count * _SIZES[self.kind][0]

    def read_text(self, text: str) -> str:
        """Read a cell of TABLEDATA; empty if the value is missing."""
        value = text.strip()
        numeric = bool(_SIZES[self.kind][1])
        if (numeric and value.lower() in ("nan", "+nan", "-nan")) or (value and value == self.null):
            return ""
        return cell_text(np.float32(value)) if self.kind == "float" and _is_number(value) else value[:MAX_CELL]

    def read_bytes(self, data: bytes) -> str:
        """Read a cell of BINARY; empty unless it holds a single value."""
        number = _SIZES[self.kind][1]
        if number:
            text = cell_text(np.frombuffer(data, number)[0]) if len(data) == int(number[2]) else ""
        elif self.kind == "unicodeChar":
            text = cell_text(data[: 2 * MAX_CELL].decode("utf-16-be", "replace").partition("\0")[0])
        else:
            text = cell_text(data[: 4 * MAX_CELL].partition(b"\0")[0]) if self.kind == "char" else ""
        return "" if text == self.null else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_rows(
    coded: str, cells: Sequence[Cell], roles: Mapping[int, str], masked: bool, name: str
) -> Iterator[dict[str, str]]:
    """Yield the wanted cells of each row, as text by role.

    Parameters
    ----------
    coded : str
        Rows in Base64.
    cells : sequence of Cell
        All columns.
    roles : mapping of int to str
        Roles of the wanted columns, by number.
    masked : bool
        True for BINARY2, where a bit for each cell precedes each row.
    name : str
        Name of the list in messages.

    Raises
    ------
    ParameterError
        If the bytes cannot be decoded, or end within a row.
    """
    try:
        data = binascii.a2b_base64(coded.encode("ascii"))
    except ValueError:  # includes binascii.Error
        raise _damaged(name) from None
    flags = -(-len(cells) // 8) if masked else 0
    if flags + sum(4 if cell.variable else cell.bytes for cell in cells) == 0:
        raise ParameterError(f"The rows of {name} have no bytes.", value=name)
    steps, at = _steps(cells, roles), 0
    while at < len(data):
        nulls, at = data[at : at + flags], at + flags
        row = {}
        for number, cell, skip in steps:
            at += skip
            if cell is None:
                break
            size = cell.bytes
            if cell.variable:
                if at + 4 > len(data):
                    raise _damaged(name)
                length = struct.unpack_from(">i", data, at)[0]
                size, at = (-(-length // 8) if cell.kind == "bit" else length * size), at + 4
            if size < 0 or at + size > len(data):
                raise _damaged(name)
            if number in roles:
                absent = masked and nulls[number // 8] >> (7 - number % 8) & 1
                row[roles[number]] = "" if absent else cell.read_bytes(data[at : at + min(size, 4 * MAX_CELL)])
            at += size
        if at > len(data):
            raise _damaged(name)
        yield row


def _steps(cells: Sequence[Cell], roles: Mapping[int, str]) -> list[tuple[int, Cell | None, int]]:
    """Return the steps through a row: number and format of a cell, None at the end, and the bytes to skip before it."""
    steps, skip = [], 0
    for number, cell in enumerate(cells):
        if cell.variable or number in roles:
            steps.append((number, cell, skip))
            skip = 0
        else:
            skip += cell.bytes
    return [*steps, (-1, None, skip)]


def _damaged(name: str) -> ParameterError:
    return ParameterError(f"{name} is not a VOTable, or is damaged.", value=name, remedy="Save it again.")
