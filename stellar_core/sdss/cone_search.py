"""Spectra near a position on the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stellar_core.errors import IdentifierError
from stellar_core.sdss import specobjid as ids
from stellar_core.network.retries import TransientError
from stellar_core.sdss.skyserver import real
from stellar_core.sdss.sql_response import number, whole_number
from stellar_core.sdss.star_id import Position, StarId

#: Largest radius of a search, arcsec: that of SDSS's own cross-identification.
MAX_RADIUS = 180.0
#: How far SkyServer's distances and positions may differ from ours, arcsec.
ROUNDING = 1.0
#: Columns asked for, and their names.
NEAR_COLUMNS = ("s.specObjID", "s.ra", "s.dec", "s.class", "n.distance")
NEAR_NAMES = tuple(column[2:] for column in NEAR_COLUMNS)


@dataclass(frozen=True)
class Neighbour:
    """A spectrum near a position.

    Attributes
    ----------
    star : StarId
    ra, dec : float, degrees
    kind : str
        STAR, GALAXY or QSO.
    distance : float, arcsec
    """

    star: StarId
    ra: float
    dec: float
    kind: str
    distance: float


def near_source(position: Position, radius: float) -> str:
    """FROM and JOIN of the best spectrum of each object within ``radius`` arcsec; SkyServer counts in arcmin.

    Raises
    ------
    ParameterError
        If the radius is not between 0 and `MAX_RADIUS`.
    """
    ra, dec = real(position.ra, 0.0, 360.0), real(position.dec, -90.0, 90.0)
    size = real(float(real(radius, 0.0, MAX_RADIUS)) / 60.0, 0.0, MAX_RADIUS / 60.0)
    return f"FROM dbo.fGetNearbySpecObjEq({ra}, {dec}, {size}) n JOIN SpecObj s ON s.specObjID = n.specObjID"


def read_neighbours(rows: Sequence[Sequence[str]], position: Position, radius: float) -> list[Neighbour]:
    """The neighbours in the rows of `NEAR_COLUMNS`, the nearest first.

    Raises
    ------
    TransientError
        If a row is damaged, or its place or distance is not within ``radius`` arcsec of ``position``.
    """
    found = []
    for specobjid, ra, dec, kind, distance in rows:
        try:
            star = StarId(*ids.decode(whole_number(specobjid)))
        except IdentifierError as error:
            raise TransientError(f"SkyServer answered with a damaged row: {error}") from None
        neighbour = Neighbour(star, number(ra), number(dec), kind, 60.0 * number(distance))
        apart = _separation(position, neighbour)
        if not (apart <= radius + ROUNDING and abs(apart - neighbour.distance) <= ROUNDING):
            raise TransientError(
                f"SkyServer answered with {star.name}, whose place and distance are not those of a star within {radius:g} arcsec."
            )
        found.append(neighbour)
    return sorted(found, key=lambda neighbour: neighbour.distance)


def _separation(position: Position, neighbour: Neighbour) -> float:
    """Angle between both, arcsec; NaN where the neighbour has no place."""
    from astropy.coordinates import angular_separation

    if not (math.isfinite(neighbour.ra) and math.isfinite(neighbour.dec)):
        return math.nan
    angles = map(math.radians, (position.ra, position.dec, neighbour.ra, neighbour.dec))
    return 3600.0 * math.degrees(angular_separation(*angles))
