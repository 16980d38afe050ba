"""Five real SDSS spectra that ship with the project, as examples that need no network.

README.md in this folder says where they are from and how they were chosen; `build` makes them from SDSS's files.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import lru_cache
from math import cos, hypot, radians
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.sdss.star_id import Position, StarId

if TYPE_CHECKING:
    from stellar_core.spectrum import Spectrum

FOLDER = Path(__file__).parent
TABLE = FOLDER / "examples.csv"
SPECTRA = FOLDER / "spectra"
#: Largest distance of a position from an example, arcsec: that of a search in the archive.
RADIUS = 3.0


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes
    ----------
    star : StarId
    caption : str
        What it is, in a few words.
    lesson : str
        What it shows, in one sentence.
    ra, dec : float
        ICRS, degrees.
    sspp : mapping of str to float
        Parameters that SDSS's pipeline (SSPP) published: ``teff`` in K, ``logg`` and ``feh`` in dex; empty where there
        are none. For comparison, never an input of a network.
    """

    star: StarId
    caption: str
    lesson: str
    ra: float
    dec: float
    sspp: dict[str, float]

    @property
    def path(self) -> Path:
        """The spec-lite file."""
        return SPECTRA / f"spec-{self.star.name}.fits"

    def spectrum(self) -> Spectrum:
        """Return the spectrum with the photometry of its file, and the SSPP's parameters as metadata."""
        from stellar_core.sdss.readers import read_spectrum

        found = read_spectrum(self.path)
        return replace(found, source="sdss", meta={**found.meta, **{f"sspp_{k}": v for k, v in self.sspp.items()}})


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """Return the examples, the one to begin with first."""
    with TABLE.open(newline="") as file:
        return tuple(
            Example(
                StarId(int(row["plate"]), int(row["mjd"]), int(row["fiber"]), row["run2d"]),
                row["caption"],
                row["lesson"],
                float(row["ra_deg"]),
                float(row["dec_deg"]),
                {name: float(row[f"sspp_{name}"]) for name in ("teff", "logg", "feh") if row[f"sspp_{name}"]},
            )
            for row in csv.DictReader(file)
        )


def find(star: StarId) -> Example | None:
    """Return the example that is this spectrum, of whichever reduction; None for others."""
    return next((one for one in examples() if one.star.name == star.name), None)


def near(position: Position, radius: float = RADIUS) -> Example | None:
    """Return the example within ``radius`` arcsec of a position; None where there is none."""

    def distance(one: Example) -> float:
        east = (position.ra - one.ra + 180.0) % 360.0 - 180.0
        return 3600.0 * hypot(east * cos(radians(one.dec)), position.dec - one.dec)

    closest = min(examples(), key=distance)
    return closest if distance(closest) <= radius else None
