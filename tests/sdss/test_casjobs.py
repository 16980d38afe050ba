"""CasJobs' REST interface, against the stand-in."""

from __future__ import annotations

import json

import pytest

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.network.retries import Retries, TransientError
from stellar_core.sdss.casjobs import CasJobs, JobState
from stellar_core.sdss.sql_response import TOTAL_SQL
from tests.network.test_retries import Time
from tests.standin import Fault, Faults
from tests.standin.casjobs import TOKEN

_NAMES = iter(f"table_{number}" for number in range(1000))


@pytest.fixture
def jobs(sdss) -> CasJobs:
    time = Time()
    return CasJobs(TOKEN, timeout=3.0, retries=Retries(attempts=6, clock=time, sleep=time.sleep))


@pytest.fixture
def table() -> str:
    """A name not used before."""
    return next(_NAMES)


@pytest.mark.parametrize("token", ["", " ", " secret", "tok\u00e9n", "one\ntwo", "one\r", "\u2026"])
def test_an_invalid_token_gives_one_sentence(token):
    with pytest.raises(ParameterError, match="CasJobs token must be one line") as caught:
        CasJobs(token)
    assert not token.strip() or token not in str(caught.value)


def test_a_job_runs_into_a_table_that_queries_read(sdss, jobs, table):
    number = jobs.submit(f"SELECT s.specObjID, s.z INTO MyDB.{table} FROM SpecObj s WHERE s.plate = 16000")
    assert not jobs.state(number).over
    seen = []
    jobs.wait(number, seen.append)
    assert seen[-1] == "finished"
    rows = jobs.query(f"SELECT specObjID, {TOTAL_SQL} FROM MyDB.{table}", ["specObjID"]).rows
    assert {row[0] for row in rows} == set(sdss.catalogue.mock.query("plate == 16000")["specObjID"])


def test_a_failed_job_gives_its_reason(jobs, table):
    number = jobs.submit(f"SELECT s.nonsense INTO MyDB.{table} FROM SpecObj s")
    with pytest.raises(ArchiveError, match=f"job {number} failed: .*nonsense"):
        jobs.wait(number)


def test_a_wrong_token_is_reported_and_never_shown(sdss):
    jobs = CasJobs("my secret token", timeout=3.0)
    with pytest.raises(ArchiveError, match="does not accept the token") as caught:
        jobs.submit("SELECT 1 INTO MyDB.a FROM SpecObj")
    assert "secret" not in str(caught.value) + repr(jobs) + json.dumps([served.resource for served in sdss.served])


def test_a_refused_query_is_reported(jobs):
    with pytest.raises(ArchiveError, match="CasJobs refused the query: .*no_such_table"):
        jobs.query(f"SELECT a, {TOTAL_SQL} FROM MyDB.no_such_table", ["a"])


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.STALL])
def test_every_fault_twice_then_the_correct_result(sdss, jobs, table, fault):
    number = jobs.submit(f"SELECT s.fiberID INTO MyDB.{table} FROM SpecObj s WHERE s.plate = 16001")
    sdss.faults = Faults(1.0, 8, (fault,), first=2)
    jobs.wait(number)
    rows = jobs.query(f"SELECT fiberID, {TOTAL_SQL} FROM MyDB.{table}", ["fiberID"]).rows
    assert sorted(int(row[0]) for row in rows) == sorted(sdss.catalogue.mock.query("plate == 16001")["fiberID"])


def test_a_job_is_sent_once(sdss, jobs):
    sdss.faults = Faults(1.0, 8, (Fault.UNAVAILABLE,))
    with pytest.raises(TransientError):
        jobs.submit("SELECT s.z INTO MyDB.never FROM SpecObj s")
    assert len(sdss.served) == 1


def test_job_states():
    assert [JobState(name, "").over for name in ("ready", "started", "canceling")] == [False] * 3
    assert all(JobState(name, "").over for name in ("canceled", "failed", "finished"))
