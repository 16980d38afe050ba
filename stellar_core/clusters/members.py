"""Cluster members among the stars of SDSS, by position and velocity only, because ages depend on other parameters.

The velocity is the SSPP's ``elodieRVFinal``, which is on the scale of the literature; SpecObj's ``z`` is some 7 km/s
lower (SDSS DR8, caveats of the spectra). Bright stars often have the warning MANY_OUTLIERS, which rarely indicates an
error.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from stellar_core.clusters.literature import Cluster
from stellar_core.errors import ArchiveError
from stellar_core.files import write_bytes
from stellar_core.preprocessing.quality import MANY_OUTLIERS
from stellar_core.sdss.skyserver import SkyServer, real
from stellar_core.sdss.sql_response import number, parse_rows, whole_number

#: Smallest median S/N of a member.
LEAST_SNR = 10.0
#: Field stars are counted between these multiples of the velocity window.
SIDES = (2.0, 4.0)
_COLUMNS = ("s.specObjID", "p.elodieRVFinal")


@dataclass(frozen=True)
class Members:
    """Member stars of a cluster.

    Attributes
    ----------
    cluster : Cluster
    specobjids : tuple of int
        Ascending.
    field : float
        Expected number of field stars among them, from the stars at other velocities.
    """

    cluster: Cluster
    specobjids: tuple[int, ...]
    field: float


def find_members(cluster: Cluster, server: SkyServer, folder: Path) -> Members:
    """Find the members of a cluster on SkyServer, or in the response kept in ``folder``.

    Raises
    ------
    ArchiveError
        If SkyServer cannot be reached or sends no valid response.
    """
    words = "".join(letter if letter.isalnum() else "-" for letter in cluster.name)[:40]
    path = folder / f"{words}-{hashlib.sha256(source(cluster).encode()).hexdigest()[:10]}.csv"
    names = [column[2:] for column in _COLUMNS]
    if path.exists():
        try:
            return choose(cluster, parse_rows(path.read_bytes(), names, service="The stored file"))
        except ArchiveError:
            path.unlink()
    response = server.select(_COLUMNS, source(cluster), lambda rows: choose(cluster, rows))
    write_bytes(path, response.data)
    return choose(cluster, response.rows)


def source(cluster: Cluster) -> str:
    """Return FROM and WHERE of all good spectra of stars near the cluster's position and, within `SIDES`, velocity."""
    place = (
        real(cluster.ra_deg, 0.0, 360.0),
        real(cluster.dec_deg, -90.0, 90.0),
        real(cluster.radius_arcmin, 0.0, 180.0),
    )
    reach = SIDES[1] * cluster.window_kms
    low, high = (real(cluster.velocity_kms + side, -4000.0, 4000.0) for side in (-reach, reach))
    return (
        f"FROM dbo.fGetNearbySpecObjEq({', '.join(place)}) n JOIN SpecObj s ON s.specObjID = n.specObjID "
        f"JOIN sppParams p ON p.specObjID = s.specObjID WHERE s.class = 'STAR' AND s.zWarning IN (0, {MANY_OUTLIERS}) "
        f"AND s.snMedian >= {real(LEAST_SNR, 0.0, 1000.0)} AND p.elodieRVFinal BETWEEN {low} AND {high}"
    )


def choose(cluster: Cluster, rows: list[tuple[str, ...]]) -> Members:
    """Choose the members, and count field stars, among rows of specObjID and velocity in km/s.

    Raises
    ------
    TransientError
        If a cell is not a number.
    """
    away = {
        whole_number(specobjid): abs(number(velocity) - cluster.velocity_kms) / cluster.window_kms
        for specobjid, velocity in rows
    }
    inside = sorted(specobjid for specobjid, offset in away.items() if offset <= 1.0)
    beside = sum(SIDES[0] < offset <= SIDES[1] for offset in away.values())
    return Members(cluster, tuple(inside), beside / (SIDES[1] - SIDES[0]))
