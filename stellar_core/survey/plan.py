"""The plan of an acquisition: stars, cuts, pages and chunks."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template

from stellar_core.errors import ParameterError
from stellar_core.run_folder import RunFolder
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.skyserver import integer

#: The join and the cuts. Its text, comments included, identifies an acquisition and must not change.
SQL_FILE = Path(__file__).with_name("survey.sql")
#: Bits of a specObjID below its plate.
PLATE_BITS = 50


@dataclass(frozen=True)
class Plan:
    """One acquisition; a folder belongs to one only.

    Attributes
    ----------
    cuts : QualityCuts
    first_plate, last_plate : int
        Both included. A specObjID begins with the plate, so that plates are ranges of ids.
    plates_per_page : int
        Plates in one query; SkyServer returns 500,000 rows at most.
    stars : int or None
        Number of stars, those of the lowest ids; None for all.
    chunk : int
        Catalogue rows per file of the store. Chunks begin and end at the same ids in every run.

    Raises
    ------
    ParameterError
        If a number is out of range.
    """

    cuts: QualityCuts = field(default_factory=QualityCuts)
    first_plate: int = ids.PLATES[0]
    last_plate: int = ids.PLATES[1]
    plates_per_page: int = 128
    stars: int | None = None
    chunk: int = 1000

    def __post_init__(self) -> None:
        if not ids.PLATES[0] <= self.first_plate <= self.last_plate <= ids.PLATES[1]:
            low, high = ids.PLATES
            raise ParameterError(f"Plates run from {low} to {high}; got {self.first_plate} to {self.last_plate}.")
        for name in ("plates_per_page", "chunk", "stars"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"{name} must be 1 or more; got {value}.", value=value)

    @property
    def pages(self) -> list[tuple[int, int]]:
        """First and last plate of each page."""
        starts = range(self.first_plate, self.last_plate + 1, self.plates_per_page)
        return [(start, min(start + self.plates_per_page - 1, self.last_plate)) for start in starts]

    def sql(self, page: tuple[int, int] | None = None, into: str = "") -> str:
        """Return the statement of `SQL_FILE`.

        Parameters
        ----------
        page : (int, int), optional
            First and last plate; all of the plan by default.
        into : str
            Name of a table of MyDB that takes the rows; CasJobs only.

        Raises
        ------
        ParameterError
            If ``into`` is not an identifier.
        """
        low, high = id_range(*(page or (self.first_plate, self.last_plate)))
        if into and not into.isidentifier():
            raise ParameterError(f"{into[:40]!r} is not a table name.", value=into)
        filled = {
            "low": low,
            "high": high,
            "cuts": self.cuts.where("s", "t", "p"),
            "into": f"INTO MyDB.{into}" if into else "",
        }
        return Template(SQL_FILE.read_text()).substitute(filled).replace("\n\n", "\n")

    def folder(self, path: Path) -> RunFolder:
        """Return the folder ``path`` as that of this acquisition."""
        sql = hashlib.sha256(self.sql().encode()).hexdigest()
        return RunFolder(path, {**asdict(self), "sql": sql})


def id_range(first_plate: int, last_plate: int) -> tuple[str, str]:
    """Return the lowest and highest specObjID of some plates, as SQL."""
    low = integer(first_plate, *ids.PLATES)
    high = integer(last_plate, *ids.PLATES)
    return str(int(low) << PLATE_BITS), str(((int(high) + 1) << PLATE_BITS) - 1)
