"""Queries of validated numbers, in the form of TAP."""

from __future__ import annotations

import re
import urllib.parse
import xml.etree.ElementTree

import pytest

from stellar_core.errors import ParameterError
from stellar_core.gaia.adql import MAX_ROWS, cone_query, id_query
from stellar_core.gaia.source import COLUMNS


def fields(query) -> dict[str, str]:
    kind, body = query.form()
    assert kind == "application/x-www-form-urlencoded"
    return dict(urllib.parse.parse_qsl(body.decode()))


def test_one_position_is_written_into_the_query():
    sent = fields(cone_query([(182.65, -13.43)]))
    assert (sent["REQUEST"], sent["LANG"], sent["FORMAT"], sent["MAXREC"]) == ("doQuery", "ADQL", "votable", "2000")
    adql = sent["QUERY"]
    assert all(f"gaia.{name}" in adql for name in COLUMNS)
    assert "gaiadr3.gaia_source" in adql and "sdss.original_ext_source_id AS sdss_objid" in adql
    place = "POINT('ICRS', 182.6500000000, -13.4300000000)"
    assert f"1 = CONTAINS({place}, CIRCLE('ICRS', gaia.ra, gaia.dec, 0.01666667))" in adql
    assert adql.count("(") == adql.count(")") and ";" not in adql


def test_several_positions_are_uploaded():
    query = cone_query([(1.5, 2.5), (3.5, -4.5), (359.9, 90.0)])
    kind, body = query.form()
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\S+)", kind)[1]
    parts = body.decode().split(f"--{boundary}")
    assert parts[0] == "" and parts[-1] == "--\r\n" and 'name="UPLOAD"\r\n\r\nstars,param:stars\r\n' in body.decode()
    table = xml.etree.ElementTree.fromstring(query.table)
    rows = [[cell.text for cell in row] for row in table.iter("{http://www.ivoa.net/xml/VOTable/v1.3}TR")]
    assert [row[0] for row in rows] == ["0", "1", "2"] and [float(row[2]) for row in rows] == [2.5, -4.5, 90.0]
    assert "FROM tap_upload.stars AS stars JOIN gaiadr3.gaia_source AS gaia" in query.adql
    assert query.form() == query.form(), "the same query is the same request"
    assert query.key != cone_query([(1.5, 2.5), (3.5, -4.5)]).key


def test_identifiers():
    adql = fields(id_query([4583627001381815936, 7]))["QUERY"]
    assert adql.endswith("WHERE gaia.source_id IN (4583627001381815936, 7)")
    assert MAX_ROWS == 2000


@pytest.mark.parametrize(
    "place", [(361.0, 0.0), (1.0, 91.0), (float("nan"), 0.0), ("1", 2.0), (1.0, "2; DROP"), (None, 1)]
)
def test_nothing_but_positions_becomes_adql(place):
    with pytest.raises(ParameterError):
        cone_query([place])
    with pytest.raises(ParameterError):
        cone_query([(1.0, 2.0), place])


@pytest.mark.parametrize("number", ["1", "1) OR 1=1", 0, -1, 2**63, 1.5, True])
def test_nothing_but_identifiers_becomes_adql(number):
    with pytest.raises(ParameterError):
        id_query([number])
