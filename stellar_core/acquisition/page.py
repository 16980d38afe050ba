"""A page of the catalogue: whether it is the page asked for, and which of its rows are damaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from stellar_core.acquisition.plan import id_range
from stellar_core.sdss.answers import number, whole_number
from stellar_core.sdss.catalogue_rows import NAMES, PRECISE, TEXT, WHOLE
from stellar_core.sdss.retries import PassingError

#: Largest numbers of SDSS's INT, DOUBLE and REAL.
LARGEST_INT, LARGEST_DOUBLE, LARGEST_REAL = 2**31 - 1, 1.7e308, 3.4e38
#: Columns that name the spectrum: a row is nothing without them.
NAMING = ("plate", "mjd", "fiberID")
#: Place, name, reader and largest value of every column that must hold a number, or nothing unless it is of `NAMING`.
_NUMBERS = [
    (
        *(place, name, whole_number if name in NAMING else number),
        LARGEST_INT if name in WHOLE else LARGEST_DOUBLE if name in PRECISE else LARGEST_REAL,
    )
    for place, name in enumerate(NAMES)
    if name not in (*TEXT, "specObjID", "bestObjID")
]


class PageCheck:
    """Check of the answers to one query, to be called on each.

    A damaged row may be the fault of one answer, or stand like that in the catalogue. So the first answer
    with one is refused; the same damage in the next is accepted, as it would come for ever.

    Parameters
    ----------
    plates : (int, int)
        First and last plate asked for.
    """

    def __init__(self, plates: tuple[int, int]) -> None:
        self.plates = plates
        self._before: list[str] = []

    def __call__(self, rows: Sequence[Sequence[str]]) -> None:
        """Raise `PassingError` for an answer that is worth asking for again."""
        check_page(rows, self.plates)
        damages = [damage for damage in find_damage(rows, self.plates) if damage]
        if damages != self._before:
            self._before = damages
            if damages:
                raise PassingError(f"{len(damages)} of {len(rows)} rows of the catalogue are damaged; the first: {damages[0]}")


def check_page(rows: Sequence[Sequence[str]], plates: tuple[int, int]) -> None:
    """Raise `PassingError` if no row is of ``plates``, or one is there twice: it is another query's answer."""
    found = [specobjid for specobjid in readable_ids(rows, plates) if specobjid]
    if rows and not found:
        raise PassingError(f"The catalogue answered with stars that are not on plates {plates[0]} to {plates[1]}.")
    if len(set(found)) < len(found):
        raise PassingError(f"The catalogue answered with the same star twice on plates {plates[0]} to {plates[1]}.")


def readable_ids(rows: Sequence[Sequence[str]], plates: tuple[int, int]) -> list[int]:
    """The specObjID of each row; 0 unless it is one of ``plates``."""
    low, high = map(int, id_range(*plates))
    found = []
    for row in rows:
        try:
            specobjid = whole_number(row[0])
        except PassingError:
            specobjid = 0
        found.append(specobjid if low <= specobjid <= high else 0)
    return found


def find_damage(rows: Sequence[Sequence[str]], plates: tuple[int, int]) -> list[str]:
    """What is wrong with the cells of each row, as a sentence; empty where it can be used."""
    found = []
    for row, specobjid in zip(rows, readable_ids(rows, plates), strict=True):
        if not specobjid:
            found.append(f"Its specObjID in the catalogue, {row[0][:40]!r}, is none of plates {plates[0]} to {plates[1]}.")
            continue
        name, cell = next(((name, row[place]) for place, name, read, largest in _NUMBERS if not _fits(row[place], read, largest)), ("", ""))
        found.append(f"Its {name} in the catalogue is {cell[:40]!r}." if name else "")
    return found


def _fits(cell: str, read: Callable[[str], float], largest: float) -> bool:
    try:
        value = read(cell)
    except PassingError:
        return False
    return math.isnan(value) or abs(value) <= largest
