"""SQL queries on SkyServer, against the stand-in."""

from __future__ import annotations

import pytest

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError
from stellar_core.sdss.skyserver import QUERIES_PER_MINUTE, SkyServer, flatten, integer, real, skyserver_url
from tests.network.test_retries import Time
from tests.standin import Fault, Faults

SQL_PAGE = "/skyserver/dr17/en/tools/search/x_results.aspx"


@pytest.fixture
def server(sdss) -> SkyServer:
    time = Time()
    limit = RateLimit(None, QUERIES_PER_MINUTE, clock=time, sleep=time.sleep)
    return SkyServer(sdss.skyserver, 3.0, limit, Retries(attempts=6, clock=time, sleep=time.sleep))


def test_rows_are_text_and_ids_exact(sdss, server):
    rows, data = server.select(["s.specObjID", "s.z"], "FROM SpecObj s WHERE s.plate = 16000")
    expected = sdss.catalogue.mock.query("plate == 16000")
    assert {row[0] for row in rows} == set(expected["specObjID"]) and data.startswith(b"#Table1")
    assert max(int(row[0]) for row in rows) > 1 << 63
    assert len(sdss.served) == 1 and sdss.served[0].resource.startswith(SQL_PAGE)


def test_no_rows_are_confirmed_by_a_count(sdss, server):
    assert server.select(["s.z"], "FROM SpecObj s WHERE s.plate = 5").rows == []
    assert len(sdss.served) == 2 and "found" in sdss.served[1].resource


def test_an_empty_table_is_refused_where_the_count_disagrees(sdss, server):
    sdss.replies[SQL_PAGE] = (200, "text/plain", b"#Table1\nz,n_rows\n")
    with pytest.raises(TransientError, match="columns requested"):
        server.select(["s.z"], "FROM SpecObj s WHERE s.plate = 16000")


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_twice_then_the_correct_rows(sdss, server, fault):
    sdss.stall = 30.0
    sdss.faults = Faults(1.0, 3, (fault,), first=2)
    quick = SkyServer(server.url, 0.7 if fault is Fault.STALL else 3.0, server.limit, server.retries)
    rows = quick.select(["s.fiberID"], "FROM SpecObj s WHERE s.plate = 16000").rows
    assert sorted(int(row[0]) for row in rows) == sorted(sdss.catalogue.mock.query("plate == 16000")["fiberID"])
    assert [served.fault for served in sdss.served[:2]] == [fault, fault]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.STALL])
def test_a_permanent_fault_gives_one_sentence(sdss, server, fault):
    sdss.faults = Faults(1.0, 4, (fault,))
    with pytest.raises(ArchiveError) as caught:
        server.select(["s.fiberID"], "FROM SpecObj s WHERE s.plate = 16000")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    assert len(sdss.served) == 6


def test_an_invalid_query_is_sent_once(sdss, server):
    with pytest.raises(ArchiveError, match="refused the query"):
        server.select(["s.nonsense"], "FROM SpecObj s")
    assert len(sdss.served) == 1


def test_rows_that_a_check_refuses_are_queried_again(sdss, server):
    seen = []

    def check(rows) -> None:
        seen.append(rows)
        if len(seen) < 3:
            raise TransientError("not that")

    assert server.select(["s.z"], "FROM SpecObj s WHERE s.plate = 16000", check).rows == seen[-1]
    assert len(seen) == 3


def test_an_unreachable_server_gives_one_sentence(server):
    away = SkyServer("http://127.0.0.1:1", 2.0, server.limit, server.retries)
    with pytest.raises(ArchiveError, match="127.0.0.1:1 cannot be reached"):
        away.select(["s.z"], "FROM SpecObj s")


@pytest.mark.parametrize("url", ["skyserver.sdss.org", "http://", "http://[::bad/x", f"http://{'a' * 70}.org"])
def test_an_invalid_address_gives_one_sentence(url):
    with pytest.raises(ArchiveError, match="names no server|cannot be reached|not an http or https address") as caught:
        SkyServer(url, timeout=2.0, limit=None).select(["s.plate"], "FROM SpecObj s")
    assert not isinstance(caught.value, TransientError) or "cannot be reached" in str(caught.value)


def test_missing_certificates_give_one_sentence(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/certificates.pem")
    with pytest.raises(ArchiveError, match="certificates.pem cannot be read"):
        SkyServer("https://127.0.0.1:9", timeout=2.0, limit=None).select(["s.plate"], "FROM SpecObj s")


def test_queries_longer_than_skyserver_accepts_are_refused(sdss, server):
    with pytest.raises(ParameterError, match="characters"):
        server.select(["s.z"], "FROM SpecObj s WHERE s.plate IN (" + "1, " * 700 + "2)")
    assert sdss.served == []


def test_queries_wait_for_their_turn(sdss):
    time = Time()
    limit = RateLimit(None, 2, clock=time, sleep=time.sleep)
    server = SkyServer(sdss.skyserver, 3.0, limit, Retries(clock=time, sleep=time.sleep))
    for plate in (16000, 16001, 16003):
        server.select(["s.z"], f"FROM SpecObj s WHERE s.plate = {plate}")
    assert time.now == 60.0


@pytest.mark.parametrize("value", ["1", "1; DROP TABLE SpecObj", None, 1.0, True, 0, 101])
def test_only_whole_numbers_become_sql(value):
    with pytest.raises(ParameterError):
        integer(value, 1, 100)


@pytest.mark.parametrize("value", ["1", "1 OR 1=1", None, True, float("nan"), float("inf"), -90.1])
def test_only_numbers_become_sql(value):
    with pytest.raises(ParameterError):
        real(value, -90.0, 90.0)


def test_numbers_as_sql():
    assert integer(100, 1, 100) == "100"
    assert real(-1e-7, -90.0, 90.0) == "-0.0000001000" and real(5, 0.0, 10.0) == "5.0000000000"


def test_statements_may_hold_comments():
    assert flatten("SELECT a, -- the first\n  b\n\nFROM t") == "SELECT a,b FROM t"


@pytest.mark.parametrize("tail", ["", "/", "/dr17", "/dr17/SkyServerWS", "/DR17/en/"])
def test_base_url_comes_from_the_environment(monkeypatch, tail):
    monkeypatch.setenv("STELLAR_SKYSERVER_URL", f"https://sky.example.org{tail}")
    assert skyserver_url() == "https://sky.example.org"
