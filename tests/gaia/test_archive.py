"""The client of the Gaia archive against the stand-in: every fault, the cache, many stars, messages."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.gaia import archive as module
from stellar_core.gaia.archive import CHUNK, GAIA_URL, PERIOD, GaiaArchive, gaia_url, open_archive
from stellar_core.network.retries import TransientError
from stellar_core.sdss.cache import DiskCache
from tests.standin import Fault, Faults, StandIn
from tests.standin.gaia_tables import FIELDS, error_table, votable

ROOT = Path(__file__).resolve().parents[2]
SYNC = "/gaia/tap/sync"
VOTABLE = "application/x-votable+xml"
#: A place without a source.
EMPTY = (10.0, -80.0)


def places(sdss: StandIn) -> list[tuple[float, float]]:
    """Positions of the MOCK stars, whose sources the stand-in has in the same order."""
    return list(zip(sdss.catalogue.mock["ra"], sdss.catalogue.mock["dec"]))


def ids(sdss: StandIn) -> list[int]:
    return [int(value) for value in sdss.sky.sources["source_id"]]


def entries(archive: GaiaArchive) -> int:
    return archive.cache.size()[0]


def test_the_source_at_a_position_and_its_cache(sdss, archive):
    ((source,),) = archive.near([places(sdss)[5]])
    row = sdss.sky.sources.iloc[5]
    assert source.source_id == row["source_id"] and source.parallax == row["parallax"]
    assert source.phot_g_mean_mag == np.float32(row["phot_g_mean_mag"]) and source.sdss_objid == row["sdss_objid"]
    assert archive.near([places(sdss)[5]]) == [[source]] and len(sdss.served) == 1, "the second time from the cache"


def test_many_positions_are_one_query_in_their_order(sdss, archive):
    wanted = places(sdss)[:300]
    random.Random(1).shuffle(wanted)
    wanted.insert(7, EMPTY)
    found = archive.near(wanted)
    assert len(sdss.served) == 2, "the second asks for the missing one alone"
    order = dict(zip(places(sdss), ids(sdss)))
    expected = [[order[place]] if place != EMPTY else [] for place in wanted]
    assert [[source.source_id for source in sources] for sources in found] == expected
    assert found[:7] == archive.near(wanted[:7]), "together and in other company they are the same"


def test_chunks_and_halves(sdss, archive, monkeypatch):
    wanted = places(sdss)
    assert len(wanted) > 2 * CHUNK
    found = archive.near(wanted)
    assert [sources[0].source_id for sources in found] == ids(sdss)[: len(wanted)]
    assert len(sdss.served) == -(-len(wanted) // CHUNK)
    monkeypatch.setattr("stellar_core.gaia.adql.MAX_ROWS", 60)
    sdss.forget()
    again = replace(archive, cache=None).near(wanted[:200])
    assert again == found[:200] and len(sdss.served) == 7, "200, 100, 50, 50, 100, 50, 50"


def test_a_position_in_a_dense_field_gives_one_sentence(sdss, archive, monkeypatch):
    ra, dec = places(sdss)[0]
    sdss.sky.add(*({"source_id": 128 * k, "ra": ra, "dec": dec, "astrometric_params_solved": 3} for k in range(1, 9)))
    assert len(archive.near([(ra, dec)])[0]) == 9
    monkeypatch.setattr("stellar_core.gaia.adql.MAX_ROWS", 5)
    with pytest.raises(ArchiveError, match="more than 2000 Gaia sources at this position"):
        replace(archive, cache=None).near([(ra, dec)])


def test_fast_stars_are_returned_from_afar_and_slow_neighbours_are_not(sdss, archive):
    common = {"parallax": 50.0, "parallax_error": 0.1, "astrometric_params_solved": 31}
    sdss.sky.add(
        {"source_id": 128, "ra": 10.0, "dec": -80.0 + 30 / 3600, "pm": 2500.0, "pmra": 0.0, "pmdec": 2500.0, **common},
        {"source_id": 256, "ra": 10.0, "dec": -80.0 - 30 / 3600, "pm": 10.0, "pmra": 0.0, "pmdec": -10.0, **common},
        {"source_id": 384, "ra": 10.0, "dec": -80.0 - 3 / 3600, "astrometric_params_solved": 3},
    )
    assert {source.source_id for source in archive.near([EMPTY])[0]} == {128, 384}
    both = archive.near([EMPTY, places(sdss)[0]])
    assert {source.source_id for source in both[0]} == {128, 384} and len(both[1]) == 1


def test_sources_by_identifier(sdss, archive):
    first, second = ids(sdss)[:2]
    found = archive.by_id([second, 999, first, second])
    assert [source and source.source_id for source in found] == [second, None, first, second]
    assert archive.by_id([]) == [] and archive.near([]) == []
    with pytest.raises(ParameterError):
        archive.by_id([0])


def test_that_there_is_no_source_is_confirmed_and_forgotten_in_time(sdss, archive):
    assert archive.near([EMPTY]) == [[]] and len(sdss.served) == 2
    assert archive.near([EMPTY]) == [[]] and len(sdss.served) == 2, "from the cache"
    sdss.sky.add({"source_id": 128, "ra": EMPTY[0], "dec": EMPTY[1], "astrometric_params_solved": 3})
    later = replace(archive, clock=lambda: archive.clock() + 1.01 * PERIOD)
    ((source,),) = later.near([EMPTY])
    assert source.source_id == 128
    assert archive.near([EMPTY]) == [[source]] and len(sdss.served) == 3, "what was found is kept"


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_every_fault_twice_then_the_correct_source(sdss, archive, fault, many):
    sdss.stall = 5.0
    sdss.faults = Faults(1.0, 3, (fault,), service="gaia", first=2)
    wanted = places(sdss)[: 40 if many else 1]
    found = replace(archive, timeout=0.5).near(wanted)
    assert [sources[0].source_id for sources in found] == ids(sdss)[: len(wanted)]
    assert [served.fault for served in sdss.served] == [fault, fault, None]
    assert archive.near(wanted) == found and len(sdss.served) == 3


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_a_permanent_fault_gives_one_sentence_and_an_empty_cache(sdss, impatient, fault):
    sdss.stall = 5.0
    sdss.faults = Faults(1.0, 3, (fault,), service="gaia")
    for seed in range(4):
        sdss.faults = replace(sdss.faults, seed=seed)
        with pytest.raises(ArchiveError) as caught:
            replace(impatient, timeout=0.3).near([places(sdss)[seed]])
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
        if fault is Fault.STALL:
            break
    assert entries(impatient) == 0


def asked_for(sdss: StandIn, **changes) -> bytes:
    """The correct reply to a query of one source, with changed cells or columns."""
    row = sdss.sky.sources.iloc[0].to_dict() | {"sdss_objid": None} | changes
    fields = {name: kind for name, kind in FIELDS.items() if name != "pm"} | {"sdss_objid": ("long", "", "")}
    cells = [None if row[name] is None or row[name] != row[name] else row[name] for name in fields]
    return votable(fields, [cells])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((200, VOTABLE, error_table("Cannot parse query at line 1")), "refused the query: Cannot parse"),
        ((400, VOTABLE, error_table("unknown column 'foo'")), "refused the query: unknown column"),
        ((400, "text/html", b"<html>Bad request</html>"), "refused the request"),
        ((500, VOTABLE, error_table("Connection lost")), "could not run the query: Connection lost"),
        ((503, "text/html", b"<html></html>"), "busy or out of service"),
        ((404, "text/html", b"<html></html>"), "There is no Gaia archive at http"),
        ((200, VOTABLE, votable(FIELDS, [])), "did not send the column sdss_objid"),
        ((200, VOTABLE, b"<VOTABLE/>"), "does not report success"),
        ((200, "text/plain", b"\x00\x01\x02"), "did not send a VOTable"),
        ((200, "application/octet-stream", b" " * 100), "empty response"),
    ],
)
def test_other_replies_are_refused_and_not_cached(sdss, impatient, reply, words):
    sdss.replies[SYNC] = reply
    with pytest.raises(ArchiveError, match=words):
        impatient.near([places(sdss)[0]])
    assert entries(impatient) == 0
    refused = "refused" in words
    assert len(sdss.served) == (1 if refused else 2), "a refusal is not repeated, anything else is"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dec": 89.0}, "not at RA"),
        ({"parallax": 1e6}, "damaged row"),
        ({"parallax_error": None}, "damaged row"),
        ({"source_id": None}, "damaged row"),
        ({"phot_g_mean_mag": float("inf")}, "damaged row"),
        ({"ruwe": -5.0}, "damaged row"),
    ],
)
def test_damaged_rows_are_refused_and_not_cached(sdss, impatient, changes, words):
    sdss.replies[SYNC] = (200, VOTABLE, asked_for(sdss))
    ((source,),) = replace(impatient, cache=None).near([places(sdss)[0]])
    assert source.source_id == ids(sdss)[0], "without changes it is accepted"
    sdss.replies[SYNC] = (200, VOTABLE, asked_for(sdss, **changes))
    with pytest.raises(TransientError, match=words):
        impatient.near([places(sdss)[0]])
    assert entries(impatient) == 0


def test_a_source_that_was_not_in_the_query_is_refused(sdss, impatient):
    sdss.replies[SYNC] = (200, VOTABLE, asked_for(sdss))
    with pytest.raises(TransientError, match="was not in the query"):
        impatient.by_id([ids(sdss)[1]])
    with pytest.raises(TransientError, match="did not send the column star"):
        impatient.near(places(sdss)[:2])


def test_a_source_left_out_of_a_reply_is_noticed(sdss, impatient, monkeypatch):
    """A well-formed table without its rows, once: the confirming query finds the source."""
    whole = sdss.sky.answer
    empty = [True]

    def leave_out(kind: str, body: bytes) -> tuple[int, str, bytes]:
        if empty:
            empty.clear()
            fields = {name: form for name, form in FIELDS.items() if name != "pm"} | {"sdss_objid": ("long", "", "")}
            return 200, VOTABLE, votable(fields, [])
        return whole(kind, body)

    monkeypatch.setattr(sdss.sky, "answer", leave_out)
    ((source,),) = impatient.near([places(sdss)[3]])
    assert source.source_id == ids(sdss)[3] and len(sdss.served) == 3


def test_a_damaged_cache_is_fetched_again(sdss, archive):
    found = archive.near([places(sdss)[0]])
    (path,) = (archive.cache.folder / "gaia").rglob("*.vot")
    whole = path.read_bytes()
    path.write_bytes(whole[:500])
    assert archive.near([places(sdss)[0]]) == found and path.read_bytes() == whole
    key = path.relative_to(archive.cache.folder).as_posix()
    archive.cache.put(key, b"<html>whole, but of another server</html>")
    assert archive.near([places(sdss)[0]]) == found and path.read_bytes() == whole
    assert len(sdss.served) == 3


def test_the_cache_of_another_server_is_not_used(sdss, archive):
    archive.near([places(sdss)[0]])
    with pytest.raises(ArchiveError, match="cannot be reached"):
        replace(archive, url="http://127.0.0.1:1").near([places(sdss)[0]])


def test_a_full_or_read_only_cache_does_no_harm(sdss, archive, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    found = replace(archive, cache=DiskCache(tmp_path / "file")).near([places(sdss)[0]])
    assert found == replace(archive, cache=DiskCache(tmp_path / "small", 10)).near([places(sdss)[0]])


def test_offline_and_slow_servers_end_soon_with_one_sentence(sdss, tmp_path, monkeypatch):
    start = time.monotonic()
    for url, words in (
        ("http://127.0.0.1:1", "127.0.0.1:1 cannot be reached"),
        ("http://archive.invalid", "cannot be reached|did not answer"),
        ("file:///etc", "not an http"),
        ("gea.esac.esa.int", "not an http"),
    ):
        monkeypatch.setenv("STELLAR_GAIA_URL", url)
        with pytest.raises(ArchiveError, match=words):
            open_archive(tmp_path, timeout=1.0).near([EMPTY])
    assert time.monotonic() - start < 20


def test_the_circuit_breaker_spares_the_other_stars(sdss, archive, monkeypatch):
    sent = []
    honest = module.send
    monkeypatch.setattr(module, "send", lambda *args, **options: sent.append(1) or honest(*args, **options))
    away = replace(archive, url="http://127.0.0.1:1").with_breaker(2)
    for _ in range(5):
        with pytest.raises(ArchiveError, match="cannot be reached"):
            away.near([EMPTY])
    assert len(sent) == 4, "two attempts for each of two stars"


def test_queries_wait_for_their_turn(sdss, archive):
    limited = replace(archive, cache=None)
    for place in places(sdss)[: module.QUERIES_PER_MINUTE + 1]:
        limited.near([place])
    assert limited.clock.now >= 60.0


def test_the_address_comes_from_the_environment(monkeypatch):
    for text in ("https://tap.example.org/tap", "https://tap.example.org/tap/", "https://tap.example.org/tap/sync"):
        monkeypatch.setenv("STELLAR_GAIA_URL", text)
        assert gaia_url() == "https://tap.example.org/tap" and not open_archive().is_real
    monkeypatch.delenv("STELLAR_GAIA_URL")
    assert gaia_url() == GAIA_URL and open_archive().is_real


def test_importing_contacts_no_server():
    """Neither the package nor what it needs opens a connection or looks up a name; astroquery.gaia would."""
    code = (
        "import socket, sys, pkgutil, importlib\n"
        "def refuse(*a, **k): raise SystemExit('contacted ' + repr(a))\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import stellar_core.gaia as gaia\n"
        "names = [m.name for m in pkgutil.iter_modules(gaia.__path__)]\n"
        "[importlib.import_module(f'stellar_core.gaia.{name}') for name in names]\n"
        "from stellar_core.gaia import GaiaSource, astrometries\n"
        "astrometries([GaiaSource(128, 1.0, 2.0, parallax=1.0, parallax_error=0.1, phot_g_mean_mag=15.0,\n"
        "  nu_eff_used_in_astrometry=1.5, ecl_lat=3.0, astrometric_params_solved=31)])\n"
        "assert len(names) >= 10 and 'zero_point' in sys.modules\n"
        "assert not {'astroquery', 'torch', 'requests'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_a_thousand_look_ups_with_faults_in_a_fifth_of_the_requests(sdss, archive):
    """150 stars and 10 empty places, by six users: none wrong, none poisoned in the cache."""
    kinds = tuple(fault for fault in Fault if fault is not Fault.STALL)
    sdss.faults = Faults(0.2, 17, kinds, service="gaia")
    rng = random.Random(11)
    truth = dict(zip(places(sdss), ids(sdss)))
    chosen = rng.sample(places(sdss), 150)
    empty = [(20.0 + k, -70.0) for k in range(10)]
    wanted = rng.choices([*chosen, *empty], k=1000)
    # A cache of a dozen replies makes most look-ups go to the server.
    patient = replace(
        archive, cache=DiskCache(archive.cache.folder, 60_000), retries=replace(archive.retries, attempts=12)
    )
    start = time.process_time()
    with ThreadPoolExecutor(6) as users:
        found = list(users.map(lambda place: patient.near([place])[0], wanted))
    assert time.process_time() - start < 60, "CPU seconds"
    assert [[source.source_id for source in sources] for sources in found] == [
        [truth[place]] if place in truth else [] for place in wanted
    ]
    struck = Counter(served.fault for served in sdss.served)
    assert set(struck) == {None, *kinds} and sum(struck.values()) - struck[None] > 150 and struck[None] > 700
    sdss.forget()
    sdss.faults = Faults(1.0, 1, (Fault.UNAVAILABLE,), service="gaia")
    cached = [place for place in wanted if patient._cached(module.cone_query([place]), list) is not None]
    assert cached, "something is still in the cache"
    for place in set(cached):
        (sources,) = patient.near([place])
        assert [source.source_id for source in sources] == ([truth[place]] if place in truth else [])
