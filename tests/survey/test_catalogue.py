"""The catalogue of an acquisition, from SkyServer and from CasJobs."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from stellar_core.errors import ArchiveError
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError
from stellar_core.sdss.casjobs import CasJobs, JobState, RefusedError
from stellar_core.sdss.catalogue_rows import NAMES
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.survey.catalogue import CasJobsTable, SkyServerPages, fetch_catalogue
from stellar_core.survey.catalogue_page import DEFECT, PageCheck, as_table, check_page, find_defects
from stellar_core.survey.plan import Plan
from tests.network.test_retries import Time
from tests.sdss.test_catalogue_rows import cells
from tests.standin import Fault, Faults
from tests.standin.casjobs import TOKEN

#: No cut at all.
LOOSE = QualityCuts(**{item.name: None for item in fields(QualityCuts)})
#: Six pages of which two hold stars.
PLAN = Plan(first_plate=15990, last_plate=16007, plates_per_page=3)


@pytest.fixture
def retries() -> Retries:
    time = Time()
    return Retries(attempts=10, clock=time, sleep=time.sleep)


@pytest.fixture
def server(sdss, retries) -> SkyServerPages:
    return SkyServerPages(SkyServer(timeout=3.0, limit=RateLimit(None, 10_000), retries=retries))


@pytest.fixture
def casjobs(sdss, retries, tmp_path) -> CasJobsTable:
    (tmp_path / "casjobs").mkdir()
    sdss.casjobs.clear()
    return CasJobsTable(CasJobs(TOKEN, timeout=3.0, retries=retries), tmp_path / "casjobs")


def expected(sdss, cuts: QualityCuts = PLAN.cuts) -> pd.DataFrame:
    """What the catalogue of the stand-in has."""
    mock = cuts.apply(sdss.catalogue.mock)
    return mock.assign(number=mock["specObjID"].astype(np.uint64)).sort_values("number", ignore_index=True)


def test_the_rows_pass_the_cuts_and_are_sorted_and_exact(sdss, server, tmp_path):
    table, mock = fetch_catalogue(PLAN, tmp_path / "pages", server), expected(sdss)
    assert 500 < len(table) < len(sdss.catalogue.mock)
    assert table["specObjID"].dtype == np.uint64 and table["specObjID"].tolist() == mock["number"].tolist()
    assert table["bestObjID"].tolist() == mock["bestObjID"].tolist()
    for name in ("teffadop", "fehadopunc", "psfMag_u", "modelMag_z", "snMedian", "ra", "mjd"):
        assert table[name].dtype == mock[name].dtype
        np.testing.assert_array_equal(table[name], mock[name])


def test_pages_are_queried_once(sdss, server, tmp_path):
    first = fetch_catalogue(PLAN, tmp_path, server)
    asked = len(sdss.served)
    again = fetch_catalogue(PLAN, tmp_path, server)
    pd.testing.assert_frame_equal(first, again)
    assert len(sdss.served) == asked == 6 + 4, "and a page without rows is confirmed"
    page = tmp_path / "15999-16001.csv"
    page.write_bytes(page.read_bytes()[:-20])
    pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path, server), first)
    assert len(sdss.served) == asked + 1, "a damaged page is asked for again"


@pytest.mark.slow
def test_faults_give_the_same_table(sdss, server, tmp_path):
    clean = fetch_catalogue(PLAN, tmp_path / "clean", server)
    for seed in range(3):
        sdss.forget()
        sdss.faults = Faults(0.4, seed, tuple(fault for fault in Fault if fault is not Fault.STALL))
        pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path / f"faults {seed}", server), clean)


@pytest.mark.slow
def test_casjobs_gives_the_same_table(sdss, server, casjobs, tmp_path):
    clean = fetch_catalogue(PLAN, tmp_path / "clean", server)
    pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path / "jobs", casjobs), clean)
    assert len(sdss.casjobs.jobs) == 1
    sdss.forget()
    sdss.casjobs.clear()
    sdss.faults = Faults(0.3, 4, tuple(fault for fault in Fault if fault is not Fault.STALL), service="casjobs")
    fresh = CasJobsTable(casjobs.jobs, tmp_path)
    pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path / "faults", fresh), clean)


def test_an_interrupted_wait_continues_with_the_same_job(sdss, casjobs):
    class Stop(Exception):
        pass

    def stop(text: str) -> None:
        raise Stop

    with pytest.raises(Stop):
        CasJobsTable(casjobs.jobs, casjobs.folder, stop).table(PLAN)
    kept = json.loads((casjobs.folder / "casjobs.json").read_text())
    assert kept["job"] in sdss.casjobs.jobs and not kept["finished"]
    assert casjobs.table(PLAN).startswith("MyDB.stellar_ages_") and len(sdss.casjobs.jobs) == 1
    assert TOKEN not in (casjobs.folder / "casjobs.json").read_text()


def test_the_table_of_a_lost_job_is_not_used_again(sdss, casjobs):
    (casjobs.folder / "casjobs.json").write_text(json.dumps({"begun": 1, "job": None, "finished": False}))
    assert casjobs.table(PLAN).endswith("_2")


def test_only_the_pages_needed_are_queried(sdss, server, tmp_path):
    plan = Plan(first_plate=15999, last_plate=16007, plates_per_page=1, stars=5)
    table = fetch_catalogue(plan, tmp_path, server)
    assert table["specObjID"].tolist() == expected(sdss)["number"].tolist()[:5]
    assert len(list(tmp_path.glob("*.csv"))) == 2, "an empty plate and the first with stars"


def test_an_unreachable_catalogue_is_reported(sdss, server, tmp_path):
    sdss.faults = Faults(1.0, 1, (Fault.OUTAGE,))
    with pytest.raises(ArchiveError, match="web page"):
        fetch_catalogue(PLAN, tmp_path, server)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([cells()], "not on plates 267 to 268"),
        ([cells(specObjID="#")], "not on plates"),
        ([cells(z="#")] * 11, "All 11 rows"),
    ],
)
def test_pages_of_another_query_are_refused(rows, words):
    plates = (267, 268) if "267" in words else (200, 300)
    with pytest.raises(TransientError, match=words):
        check_page(rows, find_defects(rows, plates), plates)


def test_an_empty_table_has_the_columns():
    table = as_table([], [], (200, 300))
    assert list(table.columns) == [*NAMES, DEFECT] and table.empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z": "abc"}, "Its z in the catalogue is 'abc'."),
        ({"psfMag_u": "1e39"}, "Its psfMag_u in the catalogue is '1e39'."),
        ({"ra": "inf"}, "Its ra in the catalogue is 'inf'."),
        ({"ra": "361"}, "Its ra in the catalogue is '361'."),
        ({"dec": "-90.5"}, "Its dec in the catalogue is '-90.5'."),
        ({"z": "-9999"}, "Its z in the catalogue is '-9999'."),
        ({"zWarning": "99999999999"}, "Its zWarning in the catalogue is '99999999999'."),
        ({"fiberID": "null"}, "Its fiberID in the catalogue is 'null'."),
        ({"plate": "266.5"}, "Its plate in the catalogue is '266.5'."),
        ({"specObjID": "2.99e17"}, "Its specObjID in the catalogue, '2.99e17', is none of plates 200 to 300."),
        ({"fiberID": "32"}, "specObjID 299497923312379904 is 266-51602-31; its row names 266-51602-32."),
        ({"specObjID": "9" * 20}, f"Its specObjID in the catalogue, '{'9' * 20}', is none of plates 200 to 300."),
    ],
)
def test_defects_are_named(change, words):
    assert find_defects([cells("103"), cells(**change)], (200, 300)) == ["", words]


def test_an_id_in_two_rows_is_a_defect_of_both():
    both = find_defects([cells(), cells(), cells("103")], (200, 300))
    assert both == ["Its specObjID is in 2 rows of the catalogue."] * 2 + [""]


def test_missing_values_are_not_defects():
    assert find_defects([cells(z="null", teffadop="-9999", zWarning="", bestObjID="")], (200, 300)) == [""]


def test_suspicious_rows_are_accepted_when_they_come_twice():
    check = PageCheck(Plan(cuts=LOOSE), (200, 300))
    first, second = cells(z="abc"), cells(mjd="-")
    with pytest.raises(TransientError, match="1 of 2 rows of the catalogue cannot be right; the first: Its z"):
        check([first, cells("103")])
    with pytest.raises(TransientError, match="the first: Its mjd"):
        check([second, cells("103")])
    with pytest.raises(TransientError, match="the first: Its mjd"):
        check([cells(), cells("103", mjd="-")])
    check([cells(), cells("103", mjd="-")])
    check([cells(), cells("103")])
    both = [cells(z="-"), cells("103", z="-")]
    with pytest.raises(TransientError, match="2 of 2"):
        check(both)
    check(both[::-1])


def test_rows_that_fail_the_cuts_are_queried_again():
    check = PageCheck(Plan(cuts=replace(LOOSE, sn_median=10.0)), (200, 300))
    with pytest.raises(TransientError, match="1 of 1 rows of the catalogue cannot be right; the first: snMedian"):
        check([cells(snMedian="9.5")])
    check([cells(snMedian="9.5")])
    check([cells(snMedian="10.5")])


def test_a_page_changed_on_disk_is_queried_again(sdss, server, tmp_path):
    clean = fetch_catalogue(PLAN, tmp_path, server)
    page = tmp_path / "15999-16001.csv"
    row = page.read_text().splitlines()[5]
    page.write_text(
        page.read_text()
        .replace(row, row.replace("STAR", "ST?R").replace(",null,", ",nul1,"), 1)
        .replace("55779", "5577?", 1)
    )
    pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path, server), clean)


@pytest.mark.slow
def test_a_defective_response_is_replaced_by_a_correct_one(sdss, server, tmp_path):
    clean = fetch_catalogue(PLAN, tmp_path / "clean", server)
    sdss.catalogue.damaged[int(clean["specObjID"][7]), "teffadop"] = "#"
    asked = len(sdss.served)
    sdss.after(8, sdss.catalogue.damaged.clear)
    pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path / "damaged", server), clean)
    assert len(sdss.served) == 2 * asked + 1


@pytest.mark.slow
def test_casjobs_titles_without_rows_are_confirmed(sdss, casjobs, tmp_path, monkeypatch):
    honest, cut = type(sdss.casjobs).answer, []

    def titles_only(self, method, path, headers, body):
        status, kind, answer = honest(self, method, path, headers, body)
        if path.endswith("/query") and answer.count(b"\n") > 2 and not cut:
            cut.append(path)
            return status, kind, answer.partition(b"\n")[0] + b"\n"
        return status, kind, answer

    clean = fetch_catalogue(PLAN, tmp_path / "clean", casjobs)
    monkeypatch.setattr(type(sdss.casjobs), "answer", titles_only)
    pd.testing.assert_frame_equal(fetch_catalogue(PLAN, tmp_path / "cut", casjobs), clean)
    assert cut


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", "null", '{"begun": "x", "job": null, "finished": false}', '{"begun": 1}']
)
def test_a_damaged_record_of_the_job_starts_a_new_one(sdss, casjobs, damaged):
    assert casjobs.table(PLAN).endswith("_1")
    (casjobs.folder / "casjobs.json").write_text(damaged)
    assert not casjobs.table(PLAN).endswith("_1") and len(sdss.casjobs.jobs) == 2


def test_an_expired_table_is_made_again(sdss, casjobs, tmp_path):
    assert casjobs.table(PLAN).endswith("_1")
    sdss.casjobs.catalogue.clear_mydb()
    found = fetch_catalogue(PLAN, tmp_path / "pages", casjobs)
    assert list(found["specObjID"].astype(str)) == list(expected(sdss)["specObjID"].astype(str))
    assert casjobs.table(PLAN).endswith("_2")


def test_a_refusal_for_another_reason_keeps_the_table(sdss, casjobs, monkeypatch):
    table = casjobs.table(PLAN)
    refusal = RefusedError("CasJobs refused the query: Query exceeded 60 seconds.")
    monkeypatch.setattr(CasJobs, "query", lambda *args: (_ for _ in ()).throw(refusal))
    for _ in range(2):
        with pytest.raises(RefusedError, match="60 seconds"):
            casjobs.page(PLAN, (16000, 16001), lambda rows: None)
    assert casjobs.table(PLAN) == table


def test_a_forgotten_job_is_submitted_again_and_a_wrong_address_reported(sdss, casjobs):
    (casjobs.folder / "casjobs.json").write_text(json.dumps({"begun": 1, "job": 77, "finished": False}))
    assert casjobs.table(PLAN).endswith("_2")
    (casjobs.folder / "casjobs.json").write_text(json.dumps({"begun": 1, "job": 77, "finished": False}))
    elsewhere = replace(casjobs, jobs=replace(casjobs.jobs, url=f"{sdss.url}/nowhere"))
    with pytest.raises(ArchiveError, match="status 404"):
        elsewhere.table(PLAN)
    assert casjobs.table(PLAN).rpartition("_")[2] not in ("1", "2"), "no table that a lost job may hold"


def test_a_failed_job_is_submitted_again_and_an_unreachable_one_kept(tmp_path, monkeypatch):
    jobs, submitted = CasJobs("token"), []
    monkeypatch.setattr(CasJobs, "submit", lambda self, sql: submitted.append(sql) or 100 + len(submitted))
    monkeypatch.setattr(
        CasJobs, "state", lambda self, job: (_ for _ in ()).throw(ArchiveError("CasJobs does not accept the token."))
    )
    for _ in range(2):
        with pytest.raises(ArchiveError, match="accept the token"):
            CasJobsTable(jobs, tmp_path).table(PLAN)
    assert len(submitted) == 1
    monkeypatch.setattr(CasJobs, "state", lambda self, job: JobState("failed", "server restarted"))
    with pytest.raises(ArchiveError, match="failed: server restarted. Run the same command to submit it again"):
        CasJobsTable(jobs, tmp_path).table(PLAN)
    monkeypatch.setattr(CasJobs, "state", lambda self, job: JobState("finished", ""))
    assert CasJobsTable(jobs, tmp_path).table(PLAN).endswith("_2") and len(submitted) == 2
