"""The columns of a table that identify its stars, and the identifier in one row of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from stellar_core.batch.coordinates import position
from stellar_core.errors import ParameterError, StellarError
from stellar_core.sdss.identifiers import MAX_TEXT
from stellar_core.sdss.star_id import StarId

#: Role of a column -> its names in lower case, without the name of a table before a dot.
NAMES = {
    "specobjid": ("specobjid", "specobj_id"),
    "plate": ("plate", "plateid"),
    "mjd": ("mjd",),
    "fiber": ("fiberid", "fiber"),
    "run2d": ("run2d",),
    "ra": ("ra", "ra_deg", "plug_ra", "_raj2000", "raj2000"),
    "dec": ("dec", "dec_deg", "plug_dec", "_dej2000", "dej2000"),
}
#: Roles that identify a star together, the most reliable first.
WAYS = (("specobjid",), ("plate", "mjd", "fiber"), ("ra", "dec"))
#: Rows read at a time.
ROWS = 10_000
#: Most columns of a table, and characters of a cell that are read.
MAX_COLUMNS, MAX_CELL = 100_000, 200

Columns = Mapping[str, int]


def find_columns(titles: Sequence[str]) -> Columns:
    """Return the index of each column that identifies stars, by role; empty if they do not suffice."""
    if len(titles) > MAX_COLUMNS:
        raise ParameterError(f"The table has {len(titles):,} columns; the limit is {MAX_COLUMNS:,}.", value=len(titles))
    plain = [str(title)[:MAX_CELL].strip().strip("\"'").lower().rpartition(".")[2] for title in titles]
    found = {role: plain.index(one) for role, names in NAMES.items() for one in names[::-1] if one in plain}
    return found if any(all(role in found for role in way) for way in WAYS) else {}


def identifier(cells: Mapping[str, str], scale: Mapping[str, float] = MappingProxyType({})) -> str:
    """Return the text that identifies the star of a row.

    Plate, MJD and fiber replace a specObjID that a spreadsheet has rounded.

    Parameters
    ----------
    cells : mapping of str to str
        Cells by the keys of `NAMES`.
    scale : mapping of str to float
        Degrees per unit of RA and Dec, from `stellar_core.batch.coordinates.scales`.
    """
    specobjid = cells.get("specobjid", "")
    if specobjid.isdecimal():
        return specobjid
    numbers = [_whole(cells.get(role, "")) for role in ("plate", "mjd", "fiber")]
    if all(numbers):
        if cells.get("run2d"):
            try:
                return StarId.of(*map(int, numbers), cells["run2d"]).specobjid
            except StellarError:
                pass  # the numbers suffice, or give the error
        return "-".join(numbers)
    return specobjid or position(cells, scale)


def identifiers(cells: Mapping[str, Sequence[object]], scale: Mapping[str, float]) -> Iterator[str]:
    """Yield the identifiers of some rows, from their cells by role."""
    for row in zip(*cells.values(), strict=True):
        yield identifier(dict(zip(cells, map(cell_text, row), strict=True)), scale)


def cell_text(value: object) -> str:
    """Return a cell as text of at most `MAX_CELL` characters; a number with the digits of its type."""
    if value is None or value is np.ma.masked or np.ndim(value) or value != value:
        return ""
    if isinstance(value, bytes):
        return value[: 4 * MAX_CELL].decode("utf-8", "replace").strip()[:MAX_CELL]
    return str(value).strip()[:MAX_CELL]


def tidy(text: str) -> str:
    """Return a line with single blanks, cut to the length of an identifier."""
    return " ".join(text[: MAX_TEXT + 1].split())


def no_columns(name: str, titles: Sequence[str] = ()) -> ParameterError:
    """Return the error for a table without columns that identify stars."""
    shown = ", ".join(str(title)[:200].strip()[:30] for title in titles[:8]) + (", ..." if len(titles) > 8 else "")
    return ParameterError(
        f"The table {name} has no columns that identify stars{f', only {shown}' if titles else ''}.",
        value=name,
        remedy="It needs specObjID, or plate, MJD and fiberID, or RA and Dec in degrees.",
    )


def _whole(text: str) -> str:
    """Return a whole number without its decimal point; empty if it is not one."""
    found = re.fullmatch(r"(\d{1,6})(\.0*)?", text, re.ASCII)
    return found.group(1) if found else ""
