"""Spectra near a position on the sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stellar_core.errors import IdentifierError
from stellar_core.network.retries import TransientError
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.skyserver import real
from stellar_core.sdss.sql_response import number, whole_number
from stellar_core.sdss.star_id import Position, StarId

#: Largest radius of a search, arcsec: that of SDSS's own cross-identification.
MAX_RADIUS = 180.0
#: Largest difference between SkyServer's distances and positions and ours, arcsec.
ROUNDING = 1.0
#: Columns of the query.
CONE_COLUMNS = ("s.specObjID", "s.ra", "s.dec", "s.class", "n.distance")


@dataclass(frozen=True)
class ConeMatch:
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


def cone_source(position: Position, radius: float) -> str:
    """Return FROM and JOIN of the best spectrum of each object within ``radius`` arcsec.

    Raises
    ------
    ParameterError
        If the radius is not between 0 and `MAX_RADIUS`.
    """
    ra, dec = real(position.ra, 0.0, 360.0), real(position.dec, -90.0, 90.0)
    arcmin = real(float(real(radius, 0.0, MAX_RADIUS)) / 60.0, 0.0, MAX_RADIUS / 60.0)
    return f"FROM dbo.fGetNearbySpecObjEq({ra}, {dec}, {arcmin}) n JOIN SpecObj s ON s.specObjID = n.specObjID"


def read_matches(rows: Sequence[Sequence[str]], position: Position, radius: float) -> list[ConeMatch]:
    """Read the matches from rows of `CONE_COLUMNS`, the nearest first.

    Raises
    ------
    TransientError
        If a row is damaged, or its position or distance is not within ``radius`` arcsec of ``position``.
    """
    found = []
    for specobjid, ra, dec, kind, distance in rows:
        try:
            star = StarId(*ids.decode(whole_number(specobjid)))
        except IdentifierError as error:
            raise TransientError(f"SkyServer sent a damaged row: {error}") from None
        match = ConeMatch(star, number(ra), number(dec), kind, 60.0 * number(distance))
        apart = _separation(position, match)
        if not (apart <= radius + ROUNDING and abs(apart - match.distance) <= ROUNDING):
            raise TransientError(
                f"SkyServer sent {star.name}, whose position and distance are not those of a star "
                f"within {radius:g} arcsec."
            )
        found.append(match)
    return sorted(found, key=lambda match: match.distance)


def _separation(position: Position, match: ConeMatch) -> float:
    """Return the angular distance, arcsec; NaN where the match has no position."""
    from astropy.coordinates import angular_separation

    if not (math.isfinite(match.ra) and math.isfinite(match.dec)):
        return math.nan
    angles = map(math.radians, (position.ra, position.dec, match.ra, match.dec))
    return 3600.0 * math.degrees(angular_separation(*angles))
