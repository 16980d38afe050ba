"""Queries on Gaia DR3 in ADQL, and the form in which TAP sends them.

Queries consist of the columns named in this package and of numbers that pass
`stellar_core.sdss.skyserver.integer` or `real`; nothing that a user typed gets into them.

astroquery is not used: importing ``astroquery.gaia`` creates its client, which asks ESA's server for messages at once,
and its TAP client sends the request itself, without limits of time and size. The form is that of TAP 1.1
(Dowler et al. 2019, IVOA Recommendation, sections 2 and 2.5), as astroquery fills it in.
"""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stellar_core.gaia.source import COLUMNS, CROSS_MATCH, MAX_SOURCE_ID
from stellar_core.sdss.skyserver import integer, real

#: Rows of a synchronous query, and the most that is requested.
MAX_ROWS = 2000
#: Radius within which all sources are returned: the match and its neighbours, arcsec.
NEAR = 4.0
#: Radius within which fast sources are returned too, arcsec: up to 3.3 arcsec/yr.
FAR = 60.0
#: Years from the first images of SDSS (1998.7) to Gaia's epoch (2016.0), rounded up.
YEARS = 17.5
#: Margin on the displacement of fast sources, arcsec.
MARGIN = 2.0
#: Name of the uploaded table and of its columns.
UPLOADED, STAR = "stars", "star"

_SELECTED = ", ".join((*(f"gaia.{name}" for name in COLUMNS), f"sdss.original_ext_source_id AS {CROSS_MATCH}"))
_JOINED = "LEFT OUTER JOIN gaiadr3.sdssdr13_best_neighbour AS sdss ON sdss.source_id = gaia.source_id"
# ESA's advice: the position of the smaller table is the point, that of the larger the centre of the circle.
_INSIDE = "1 = CONTAINS(POINT('ICRS', {ra}, {dec}), CIRCLE('ICRS', gaia.ra, gaia.dec, {far}))"
_APART = "DISTANCE(POINT('ICRS', {ra}, {dec}), POINT('ICRS', gaia.ra, gaia.dec))"
_CLOSE = f"({_APART} < {{near}} OR {_APART} < {{margin}} + {{reach}} * gaia.pm)"


@dataclass(frozen=True)
class Query:
    """A query, and the table that is uploaded with it.

    Attributes
    ----------
    adql : str
    table : bytes
        VOTable; empty for none.
    """

    adql: str
    table: bytes = b""

    @property
    def key(self) -> str:
        """SHA-256 of the query and its table."""
        return hashlib.sha256(self.adql.encode() + b"\0" + self.table).hexdigest()

    def form(self) -> tuple[str, bytes]:
        """Return content type and body of the request to ``sync``."""
        values = {
            **{"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": "votable", "MAXREC": str(MAX_ROWS)},
            "QUERY": self.adql,
        }
        if not self.table:
            return "application/x-www-form-urlencoded", urllib.parse.urlencode(values).encode()
        values["UPLOAD"] = f"{UPLOADED},param:{UPLOADED}"
        boundary = f"stellar-{self.key[:32]}"
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in values.items()]
        parts.append(
            f'Content-Disposition: form-data; name="{UPLOADED}"; filename="{UPLOADED}.vot"\r\n'
            f"Content-Type: application/x-votable+xml\r\n\r\n{self.table.decode()}\r\n"
        )
        body = "".join(f"--{boundary}\r\n{part}" for part in parts) + f"--{boundary}--\r\n"
        return f"multipart/form-data; boundary={boundary}", body.encode()


def cone_query(positions: Sequence[tuple[float, float]]) -> Query:
    """Return the query of all sources that were within `MARGIN` arcsec of the positions at some time since 1998.7.

    Parameters
    ----------
    positions : sequence of (float, float)
        RA and Dec, ICRS, degrees. One is written into the query, several are uploaded as a table.

    Raises
    ------
    ParameterError
        If a coordinate is out of range.
    """
    if len(positions) == 1:
        ra, dec = _position(*positions[0])
        source = f"FROM gaiadr3.gaia_source AS gaia {_JOINED} WHERE {_inside(ra, dec)} AND {_close(ra, dec)}"
        return Query(f"SELECT {_SELECTED} {source}")
    ra, dec = f"{UPLOADED}.ra", f"{UPLOADED}.dec"
    source = (
        f"FROM tap_upload.{UPLOADED} AS {UPLOADED} JOIN gaiadr3.gaia_source AS gaia ON {_inside(ra, dec)} "
        f"{_JOINED} WHERE {_close(ra, dec)}"
    )
    return Query(f"SELECT {UPLOADED}.{STAR}, {_SELECTED} {source}", _table(positions))


def id_query(source_ids: Iterable[int]) -> Query:
    """Return the query of sources by their identifiers.

    Raises
    ------
    ParameterError
        If one is not a whole number from 1 to 2^63 - 1.
    """
    listed = ", ".join(integer(value, 1, MAX_SOURCE_ID) for value in source_ids)
    return Query(f"SELECT {_SELECTED} FROM gaiadr3.gaia_source AS gaia {_JOINED} WHERE gaia.source_id IN ({listed})")


def _position(ra: float, dec: float) -> tuple[str, str]:
    return real(ra, 0.0, 360.0), real(dec, -90.0, 90.0)


def _inside(ra: str, dec: str) -> str:
    return _INSIDE.format(ra=ra, dec=dec, far=f"{FAR / 3600:.8f}")


def _close(ra: str, dec: str) -> str:
    return _CLOSE.format(
        ra=ra, dec=dec, near=f"{NEAR / 3600:.8f}", margin=f"{MARGIN / 3600:.8f}", reach=f"{YEARS / 3.6e6:.10f}"
    )


def _table(positions: Sequence[tuple[float, float]]) -> bytes:
    """Return the table to upload: number of the star, RA and Dec."""
    rows = "".join(
        f"<TR><TD>{number}</TD><TD>{ra}</TD><TD>{dec}</TD></TR>\n"
        for number, (ra, dec) in enumerate(_position(*place) for place in positions)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n'
        f'<TABLE name="{UPLOADED}">\n<FIELD name="{STAR}" datatype="int"/>\n'
        '<FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main"/>\n'
        '<FIELD name="dec" datatype="double" unit="deg" ucd="pos.eq.dec;meta.main"/>\n'
        f"<DATA><TABLEDATA>\n{rows}</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n"
    ).encode()
