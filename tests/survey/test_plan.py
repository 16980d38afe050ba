"""The plan of an acquisition and its SQL."""

from __future__ import annotations

import re

import pytest

from stellar_core.errors import ParameterError, RunError
from stellar_core.sdss.catalogue_rows import COLUMNS
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.skyserver import MAX_QUERY, flatten
from stellar_core.sdss.specobjid import encode
from stellar_core.sdss.sql_response import TOTAL_SQL
from stellar_core.survey.plan import SQL_FILE, Plan, id_range


def test_the_pages_cover_every_plate_once():
    pages = Plan(plates_per_page=100).pages
    assert [plate for first, last in pages for plate in range(first, last + 1)] == list(range(1, 16384))
    assert Plan(first_plate=266, last_plate=266).pages == [(266, 266)]


def test_the_range_of_a_plate_has_exactly_its_ids():
    low, high = map(int, id_range(266, 267))
    for plate, inside in ((265, False), (266, True), (267, True), (268, False)):
        for fiber, mjd, run2d in ((1, 51000, "26"), (640, 66383, "v5_13_2")):
            assert (low <= encode(plate, mjd, fiber, run2d) <= high) == inside
    assert id_range(1, 16383)[1] == str(2**64 - 1)


def test_the_statement_has_the_columns_of_a_row_and_the_count():
    flat = flatten(Plan().sql())
    listed = re.match(r"SELECT (.*) FROM SpecObj s", flat).group(1)
    assert listed == flatten(f"{', '.join(COLUMNS)}, {TOTAL_SQL}")
    assert (
        "JOIN sppParams t ON t.specObjID = s.specObjID" in flat and "JOIN PhotoObj p ON p.objID = s.bestObjID" in flat
    )
    assert flatten(QualityCuts().where()) in flat and "$" not in flat
    assert 40 < len(SQL_FILE.read_text().splitlines()[0]) and SQL_FILE.read_text().startswith("--")


def test_the_statement_and_its_count_are_short_enough_for_skyserver(sdss):
    from stellar_core.sdss.skyserver import SkyServer
    from stellar_core.survey.catalogue import SkyServerPages

    page = (16128, 16255)
    assert SkyServerPages(SkyServer()).page(Plan(), page, lambda rows: None).rows == []
    assert [len(served.resource.split("?")[1]) <= MAX_QUERY for served in sdss.served] == [True, True]


def test_casjobs_runs_the_same_statement_into_a_table():
    sql = Plan().sql(into="mine_1")
    assert "INTO MyDB.mine_1\n" in sql and sql.replace("INTO MyDB.mine_1\n", "") == Plan().sql()
    with pytest.raises(ParameterError):
        Plan().sql(into="mine; DROP TABLE SpecObj")


@pytest.mark.parametrize(
    "settings",
    [
        {"first_plate": 0},
        {"last_plate": 16384},
        {"first_plate": 10, "last_plate": 9},
        {"chunk": 0},
        {"stars": 0},
        {"plates_per_page": 0},
    ],
)
def test_invalid_plans_are_refused(settings):
    with pytest.raises(ParameterError):
        Plan(**settings)


def test_a_folder_belongs_to_one_plan(tmp_path):
    Plan(chunk=50).folder(tmp_path).claim()
    Plan(chunk=50).folder(tmp_path).claim()
    with pytest.raises(RunError, match="chunk"):
        Plan(chunk=60).folder(tmp_path).claim()
    with pytest.raises(RunError, match="cuts, sql"):
        Plan(chunk=50, cuts=QualityCuts(sn_median=10.0)).folder(tmp_path).claim()
