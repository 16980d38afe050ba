"""A page of the catalogue: check that it is the page requested, find defective rows, convert to a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stellar_core.errors import IdentifierError
from stellar_core.network.retries import TransientError
from stellar_core.sdss.catalogue_rows import NAMES, PRECISE, TEXT, WHOLE, identify
from stellar_core.sdss.sql_response import number, whole_number
from stellar_core.survey.plan import Plan, id_range

if TYPE_CHECKING:
    import pandas as pd

#: Column of the table, after `NAMES`: why a row cannot be used; empty where it can.
DEFECT = "defect"
#: Rows above which a page with defective rows only is itself defective.
MANY = 10
#: Largest numbers of SDSS's INT, DOUBLE and REAL.
LARGEST_INT, LARGEST_DOUBLE, LARGEST_REAL = 2**31 - 1, 1.7e308, 3.4e38
#: Columns that identify the spectrum; they must be present.
NAMING = ("plate", "mjd", "fiberID")
#: Position, name, parser and largest value of every numeric column; only those of `NAMING` must not be empty.
_NUMBERS = [
    (
        *(place, name, whole_number if name in NAMING else number),
        LARGEST_INT if name in WHOLE else LARGEST_DOUBLE if name in PRECISE else LARGEST_REAL,
    )
    for place, name in enumerate(NAMES)
    if name not in (*TEXT, "specObjID", "bestObjID")
]

#: Possible values of positions and redshifts.
_POSSIBLE = {"ra": (0.0, 360.0), "dec": (-90.0, 90.0), "z": (-1.0, 20.0)}


class PageCheck:
    """Check of the responses to one query, called on each.

    A row that cannot be right may be an error of one response, or be like that in the catalogue. So the first response
    with such rows is refused; if the next has the same, they are accepted, because they will not change.

    Parameters
    ----------
    plan : Plan
    plates : (int, int)
        First and last plate requested.
    """

    def __init__(self, plan: Plan, plates: tuple[int, int]) -> None:
        self.plan, self.plates = plan, plates
        self._before: list[tuple[str, ...]] = []

    def __call__(self, rows: Sequence[Sequence[str]]) -> None:
        """Raise `TransientError` for a response that should be requested again."""
        reasons = self.find_suspicious(rows)
        doubtful = sorted(tuple(row) for row, reason in zip(rows, reasons, strict=True) if reason)
        if doubtful != self._before:
            self._before = doubtful
            if doubtful:
                first = next(filter(None, reasons))
                raise TransientError(
                    f"{len(doubtful)} of {len(rows)} rows of the catalogue cannot be right; the first: {first}"
                )

    def find_suspicious(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """Return why each row cannot be right: defective, or failing the cuts of the query. Errors as `check_page`."""
        defects = find_defects(rows, self.plates)
        check_page(rows, defects, self.plates)
        table = as_table(rows, defects, self.plates)
        failures = dict(zip(table["specObjID"], self.plan.cuts.failures(table), strict=True))
        return [defect or failures[int(row[0])] for row, defect in zip(rows, defects, strict=True)]


def check_page(rows: Sequence[Sequence[str]], defects: Sequence[str], plates: tuple[int, int]) -> None:
    """Raise `TransientError` if no row is of ``plates``, or if all of many rows are defective."""
    if rows and not any(readable_ids(rows, plates)):
        raise TransientError(f"The catalogue sent stars that are not on plates {plates[0]} to {plates[1]}.")
    if len(rows) > MANY and all(defects):
        raise TransientError(
            f"All {len(rows)} rows of the catalogue on plates {plates[0]} to {plates[1]} are defective; "
            f"the first: {defects[0]}"
        )


def readable_ids(rows: Sequence[Sequence[str]], plates: tuple[int, int]) -> list[int]:
    """Return the specObjID of each row; 0 unless it is one of ``plates``."""
    low, high = map(int, id_range(*plates))
    found = []
    for row in rows:
        try:
            specobjid = whole_number(row[0])
        except TransientError:
            specobjid = 0
        found.append(specobjid if low <= specobjid <= high else 0)
    return found


def find_defects(rows: Sequence[Sequence[str]], plates: tuple[int, int]) -> list[str]:
    """Return a sentence on why each row cannot be used; empty where it can."""
    found = readable_ids(rows, plates)
    times = Counter(found)
    return [_defect(row, specobjid, times[specobjid], plates) for row, specobjid in zip(rows, found, strict=True)]


def _defect(row: Sequence[str], specobjid: int, times: int, plates: tuple[int, int]) -> str:
    if not specobjid:
        return f"Its specObjID in the catalogue, {row[0][:40]!r}, is none of plates {plates[0]} to {plates[1]}."
    if times > 1:
        return f"Its specObjID is in {times} rows of the catalogue."
    for place, name, read, largest in _NUMBERS:
        if not _fits(row[place], read, largest) or not _possible(name, row[place]):
            return f"Its {name} in the catalogue is {row[place][:40]!r}."
    try:
        identify(row)
    except IdentifierError as error:
        return str(error)
    return ""


def _fits(cell: str, read: Callable[[str], float], largest: float) -> bool:
    try:
        value = read(cell)
    except TransientError:
        return False
    return math.isnan(value) or abs(value) <= largest


def _possible(name: str, cell: str) -> bool:
    """Return whether a position or redshift is possible; other columns may hold anything."""
    low, high = _POSSIBLE.get(name, (-math.inf, math.inf))
    value = number(cell)
    return math.isnan(value) or low <= value <= high


def as_table(rows: Sequence[Sequence[str]], defects: Sequence[str], plates: tuple[int, int]) -> pd.DataFrame:
    """Convert rows of cells to a typed table, sorted by specObjID.

    A defective row keeps only its id (0 where that cannot be read) and the reason in `DEFECT`.
    """
    import numpy as np
    import pandas as pd

    emptied = [(str(specobjid), *["null"] * (len(NAMES) - 1)) for specobjid in readable_ids(rows, plates)]
    usable = [tuple(empty if defect else row) for row, empty, defect in zip(rows, emptied, defects, strict=True)]
    whole = sorted(zip(usable, defects, strict=True))  # databases send rows in any order, and defective ids have none
    usable, defects = [row for row, _ in whole], [defect for _, defect in whole]
    columns = dict(zip(NAMES, zip(*usable, strict=True) if usable else [()] * len(NAMES)))
    typed: dict[str, object] = {}
    for name, cells in columns.items():
        if name in TEXT or name == "bestObjID":
            typed[name] = np.array(["" if cell.lower() == "null" else cell for cell in cells], dtype=object)
        elif name == "specObjID":
            typed[name] = np.array([int(cell) for cell in cells], dtype=np.uint64)
        elif name in WHOLE:
            values = [number(cell) for cell in cells]
            typed[name] = np.array([int(value) if value == value else 0 for value in values], dtype=np.int32)
        else:
            typed[name] = np.array(
                [number(cell) for cell in cells], dtype=np.float64 if name in PRECISE else np.float32
            )
    typed[DEFECT] = np.array(defects, dtype=object)
    return pd.DataFrame(typed).sort_values("specObjID", kind="stable", ignore_index=True)
