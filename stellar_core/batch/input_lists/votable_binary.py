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

#: Bytes of one value, and its format where it is a number.
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
#: Values of the largest cell of a fixed size.
_MOST = 2**31


@dataclass
class Cell:
    """One column.

    Attributes
    ----------
    title, unit, kind : str
        Name, unit and data type.
    count : int
        Values in a cell; of a variable number, what its stated length is multiplied with.
    variable : bool
        Whether each cell begins with its length.
    null : str
        The value that stands for none.
    """

    title: str
    unit: str
    kind: str
    count: int
    variable: bool
    null: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], name: str) -> Cell:
        """From the attributes of a FIELD; ParameterError where type or size are nonsense."""
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
            what = f"has the datatype {kind[:30]!r} and the arraysize {shape[:30]!r}, which cannot be read"
            raise ParameterError(f"The column {title[:30]!r} of {name} {what}.", value=name)
        return cls(title, given.get("unit", ""), kind, min(_MOST, math.prod(map(int, sizes))), variable)

    @property
    def bytes(self) -> int:
        """Of a cell; of one value of a variable cell."""
        return -(-self.count // 8) if self.kind == "bit" else self.count * _SIZES[self.kind][0]

    def read_text(self, text: str) -> str:
        """A cell of TABLEDATA; empty where there is no value."""
        value = text.strip()
        numeric = bool(_SIZES[self.kind][1])
        if (numeric and value.lower() in ("nan", "+nan", "-nan")) or (value and value == self.null):
            return ""
        return cell_text(np.float32(value)) if self.kind == "float" and _is_number(value) else value[:MAX_CELL]

    def read_bytes(self, data: bytes) -> str:
        """A cell of BINARY; empty where there is no single value."""
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
    """The wanted cells of each row, as text by what their column tells.

    Parameters
    ----------
    coded : str
        Base64.
    cells : sequence of Cell
        Of all columns.
    roles : mapping of int to str
        What the wanted columns tell, by number.
    masked : bool
        Whether a bit for each cell stands before each row: BINARY2.
    name : str
        For messages.

    Raises
    ------
    ParameterError
        If the bytes are none, or end within a row.
    """
    try:
        data = binascii.a2b_base64(coded.encode("ascii"))
    except ValueError:  # binascii.Error is one
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
    """What is done in each row: so many bytes are passed over, then a cell is read or, where it is None, the row ends."""
    steps, skip = [], 0
    for number, cell in enumerate(cells):
        if cell.variable or number in roles:
            steps.append((number, cell, skip))
            skip = 0
        else:
            skip += cell.bytes
    return [*steps, (-1, None, skip)]


def _damaged(name: str) -> ParameterError:
    return ParameterError(f"{name} is no VOTable, or a damaged one.", value=name, remedy="Save it again.")
