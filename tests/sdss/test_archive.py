"""The archive client against the stand-in: every fault, the cache, and messages without a network."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from stellar_core.errors import ArchiveError, IdentifierError, ParameterError
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError
from stellar_core.preprocessing.features import features
from stellar_core.sdss import spectrum_files
from stellar_core.sdss.archive import (
    FALLBACK_ORDER,
    NO_FILE,
    Archive,
    fetch_spectrum,
    open_archive,
    plate_mjds,
    star_near,
)
from stellar_core.sdss.cache import DiskCache
from stellar_core.sdss.catalogue_rows import COLUMNS, row_source
from stellar_core.sdss.readers import MAX_BYTES, read_spectrum
from stellar_core.sdss.skyserver import QUERIES_PER_MINUTE, SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles
from stellar_core.sdss.star_id import Position, StarId
from stellar_core.spectrum import Spectrum
from tests.network.test_retries import Time
from tests.sdss.test_skyserver import SQL_PAGE
from tests.standin import Fault, Faults, StandIn

ROOT = Path(__file__).resolve().parents[2]

#: A real spectrum that the data folder has, and what its name alone says.
STAR = StarId(267, 51608, 217, "26")
UNSURE = StarId.of(267, 51608, 217)


def client(sdss: StandIn, folder: Path, timeout: float = 3.0, attempts: int = 8) -> Archive:
    """A client whose waits take no time."""
    clock = Time()
    retries = Retries(attempts=attempts, clock=clock, sleep=clock.sleep)
    limit = RateLimit(None, QUERIES_PER_MINUTE, clock=clock, sleep=clock.sleep)
    return Archive(
        DiskCache(folder / "cache"),
        SpectrumFiles(sdss.sas, timeout, retries),
        SkyServer(sdss.skyserver, timeout, limit, retries),
    )


@pytest.fixture
def archive(sdss, tmp_path) -> Archive:
    return client(sdss, tmp_path)


def mock_stars(sdss: StandIn, plate: int = 16001) -> list[StarId]:
    return sdss.spectra.survey.star_ids(plate)


def lite(star: StarId) -> str:
    return f"/sas/{star.file_path(star.run2d)}"


def asked(sdss: StandIn, service: str) -> list[str]:
    return [served.resource for served in sdss.served if served.service == service]


def assert_same(found: Spectrum, direct: Spectrum) -> None:
    """Every number of the file itself is the same."""
    for name in ("wavelength", "flux", "ivar", "model"):
        np.testing.assert_array_equal(getattr(found, name), getattr(direct, name))
    assert (found.name, found.has_errors) == (direct.name, direct.has_errors)
    if direct.redshift is not None:
        assert found.redshift == direct.redshift
    own = {name: value for name, value in direct.meta.items() if name not in ("run2d", "specobjid")}
    assert {name: found.meta[name] for name in own} == own
    if direct.photometry is not None and found.photometry.source == direct.photometry.source:
        np.testing.assert_array_equal(features(found.photometry), features(direct.photometry))


def test_a_star_comes_with_its_catalogue_row_and_is_cached(sdss, archive):
    star = mock_stars(sdss)[5]
    spectrum = archive.spectrum(star)
    row = sdss.catalogue.mock.set_index("specObjID").loc[star.specobjid]
    assert_same(spectrum, read_spectrum(sdss.spectra.read(star.file_path(star.run2d))))
    assert spectrum.source == "mock" and spectrum.meta["specobjid"] == star.specobjid and spectrum.notes == ()
    np.testing.assert_allclose(spectrum.photometry.psf_mag, [row[f"psfMag_{band}"] for band in "ugriz"], rtol=1e-6)
    np.testing.assert_allclose(
        spectrum.photometry.extinction, [row[f"extinction_{band}"] for band in "ugriz"], rtol=1e-6
    )
    assert (
        spectrum.photometry.complete
        and "PhotoObj" in spectrum.photometry.source
        and "MOCK" in spectrum.photometry.source
    )
    assert spectrum.meta["sspp_teff"] == pytest.approx(row["teffadop"], rel=1e-6)
    assert spectrum.meta["sspp_feh_err"] == pytest.approx(row["fehadopunc"], rel=1e-6)
    assert len(sdss.served) == 2
    again = archive.spectrum(star)
    assert len(sdss.served) == 2, "the second time comes from the cache"
    assert_same(again, spectrum)
    assert dict(again.meta) == dict(spectrum.meta)


@pytest.mark.slow
def test_every_real_spectrum_is_identical_to_its_file(shared_data, sdss, archive):
    assert len(sdss.spectra.real) == len(list((shared_data / "sdss").glob("*.fits"))) == 112
    for star, path in sdss.spectra.real.items():
        found, direct = archive.spectrum(star), read_spectrum(path)
        assert_same(found, direct)
        assert found.source == "sdss" and archive.cache.get(star.file_path(star.run2d)) == path.read_bytes()


def test_labels_of_real_stars_are_for_comparison_only(shared_data, sdss, archive):
    spectrum = archive.spectrum(next(star for star in sdss.spectra.real if star.name == "0283-51660-0388"))
    assert spectrum.meta["sspp_teff"] == 6765.0 and spectrum.meta["sspp_feh"] == -1.805
    assert "sspp_teff_err" not in spectrum.meta, "-9999 marks a missing error"
    assert spectrum.photometry.source.startswith("CALIBFLUX"), "no PhotoObj row"


def test_unknown_reduction_is_taken_from_the_catalogue(shared_data, sdss, archive):
    other = StarId(STAR.plate, STAR.mjd, STAR.fiber, "104")
    answer = archive.skyserver.select(COLUMNS, row_source(STAR)).data
    moved = answer.replace(STAR.specobjid.encode(), other.specobjid.encode()).replace(b",26,", b",104,")
    sdss.replies[SQL_PAGE] = (200, "text/plain", moved)
    sdss.replies[lite(other)] = (200, "application/fits", sdss.spectra.read(STAR.file_path("26")))
    found = archive.spectrum(UNSURE)
    assert found.meta["run2d"] == "104" and found.meta["specobjid"] == other.specobjid
    assert asked(sdss, "sas") == [lite(other)]


def test_unknown_reduction_is_found_by_trying_without_the_catalogue(shared_data, sdss, archive):
    data = sdss.spectra.read(STAR.file_path("26"))
    for run2d in ("26", "103"):
        sdss.replies[f"/sas/{STAR.file_path(run2d)}"] = (404, "text/html", b"")
    sdss.replies[f"/sas/{STAR.file_path('104')}"] = (200, "application/fits", data)
    sdss.faults = Faults(1.0, 1, (Fault.UNAVAILABLE,), service="skyserver")
    found = archive.spectrum(UNSURE)
    assert found.meta["run2d"] == "104" and "could not be queried" in found.notes[-1]
    assert [path.split("/")[6] for path in asked(sdss, "sas")] == ["26", "103", "104"]


def test_the_full_file_is_used_where_there_is_no_lite_file(shared_data, sdss, archive):
    sdss.replies[lite(STAR)] = (404, "text/html", b"")
    assert_same(archive.spectrum(STAR), read_spectrum(shared_data / "sdss" / "spec-0267-51608-0217.fits"))
    assert asked(sdss, "sas")[-1] == f"/sas/{STAR.file_path('26', full=True)}"


def test_without_skyserver_the_spectrum_comes_with_a_note(sdss, archive):
    star = mock_stars(sdss)[6]
    sdss.faults = Faults(1.0, 1, (Fault.OUTAGE,), service="skyserver")
    spectrum = archive.spectrum(star)
    assert "web page" in spectrum.notes[-1] and "SSPP parameters are missing" in spectrum.notes[-1]
    assert spectrum.photometry is not None, "the photometry of the file stays"
    sdss.faults = Faults()
    assert archive.spectrum(star).notes == (), "and the failure was not cached"


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_twice_then_the_correct_spectrum(sdss, tmp_path, fault):
    archive = client(sdss, tmp_path, 0.7 if fault is Fault.STALL else 3.0)
    star = mock_stars(sdss)[7]
    sdss.spectra.make([star])
    sdss.faults = Faults(1.0, 5, (fault,), first=2)
    spectrum = archive.spectrum(star)
    assert_same(spectrum, read_spectrum(sdss.spectra.read(star.file_path(star.run2d))))
    assert "PhotoObj" in spectrum.photometry.source and spectrum.notes == ()
    assert archive.cache.get(star.file_path(star.run2d)) == sdss.spectra.read(star.file_path(star.run2d))


@pytest.mark.parametrize("fault", list(Fault))
def test_a_permanent_fault_gives_one_sentence_and_an_empty_cache(sdss, tmp_path, fault):
    archive = client(sdss, tmp_path, 0.4 if fault is Fault.STALL else 3.0, attempts=3)
    sdss.faults = Faults(1.0, 6, (fault,))
    with pytest.raises(ArchiveError) as caught:
        archive.spectrum(mock_stars(sdss)[8])
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert ("has no spectrum" in str(caught.value)) == (fault is Fault.MISSING)
    assert archive.cache.size() == (0, 0)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((200, "application/fits", b"x" * (MAX_BYTES + 10)), "larger than"),
        ((403, "text/html", b""), "refused the request .status 403"),
        ((200, "application/fits", b"nothing here"), "instead of a FITS file"),
        ("another star", "sent 16001-.* when asked for"),
        ("one block less", "cut short|cannot be used"),
    ],
)
def test_other_files_are_refused_and_not_cached(sdss, archive, reply, words):
    star, other = mock_stars(sdss)[9:11]
    if isinstance(reply, str):
        data = sdss.spectra.read((other if reply == "another star" else star).file_path(star.run2d))
        data = data[:-2880] if reply == "one block less" else data
        reply = (200, "application/fits", data)
    sdss.replies[lite(star)] = reply
    with pytest.raises(ArchiveError, match=words) as caught:
        archive.spectrum(star, catalogue=False)
    assert "\n" not in str(caught.value) and archive.cache.size() == (0, 0)


def test_a_row_of_another_star_is_refused(sdss, archive):
    star, other = mock_stars(sdss)[11:13]
    data = archive.skyserver.select(COLUMNS, row_source(other)).data
    sdss.replies[SQL_PAGE] = (200, "text/plain", data)
    with pytest.raises(ArchiveError, match=f"{other.name} when asked for {star.name}"):
        archive.row(star)


@pytest.mark.parametrize("damage", [lambda data: data[:9000], lambda data: data[:-1] + b"x", lambda data: b"<html>"])
def test_a_damaged_cache_is_fetched_again(sdss, archive, damage):
    star = mock_stars(sdss)[13]
    path = archive.cache.folder / star.file_path(star.run2d)
    first = archive.spectrum(star)
    path.write_bytes(damage(path.read_bytes()))
    assert_same(archive.spectrum(star), first)
    assert path.read_bytes() == sdss.spectra.read(star.file_path(star.run2d)) and len(asked(sdss, "sas")) == 2


def test_a_cache_that_cannot_be_written_gives_a_note(sdss, archive, tmp_path):
    (tmp_path / "file").write_text("in the way")
    blocked = replace(archive, cache=DiskCache(tmp_path / "file"))
    assert "could not be cached" in blocked.spectrum(mock_stars(sdss)[14]).notes[-1]


def test_cone_search(sdss, archive):
    star = mock_stars(sdss)[15]
    row = archive.row(star)
    found = archive.cone_search(Position(row.ra, row.dec + 1.0 / 3600), 3.0)
    assert found[0].star == star and found[0].distance == pytest.approx(1.0, abs=0.01)
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    count = len(sdss.served)
    assert archive.cone_search(Position(row.ra, row.dec + 1.0 / 3600), 3.0) == found and len(sdss.served) == count
    assert archive.cone_search(Position(10.0, -80.0)) == []
    with pytest.raises(ParameterError):
        archive.cone_search(Position(10.0, -80.0), 181.0)


def test_module_functions_use_the_environment(shared_data, sdss, tmp_path):
    assert fetch_spectrum(STAR).source == "sdss"
    assert (tmp_path / "cache" / STAR.file_path("26")).is_file()
    assert plate_mjds(267, 217) == [51608] and plate_mjds(267, 216) == []
    with pytest.raises(IdentifierError):
        plate_mjds(0, 31)
    with pytest.raises(ValueError):
        plate_mjds("1; DROP TABLE SpecObj", 31)
    star = star_near(Position(147.86705, -0.71049))
    assert star == STAR and "arcsec away" in star.notes[0]
    with pytest.raises(ArchiveError, match="no spectrum within 3 arcsec of RA 10.00000, Dec -80.00000"):
        star_near(Position(10.0, -80.0))
    with pytest.raises(ArchiveError, match="MOCK survey"):
        fetch_spectrum(StarId.of(16001, 60000, 5))


def test_offline_and_slow_servers_end_soon_with_one_sentence(sdss, tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_SAS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("STELLAR_SKYSERVER_URL", "http://127.0.0.1:1")
    start = time.monotonic()
    with pytest.raises(ArchiveError, match="127.0.0.1:1 cannot be reached") as caught:
        fetch_spectrum(STAR, tmp_path)
    assert "MOCK star" in str(caught.value), "what works without a network is said"
    monkeypatch.setenv("STELLAR_SAS_URL", "http://archive.invalid")
    with pytest.raises(ArchiveError, match="cannot be reached|did not answer"):
        fetch_spectrum(STAR, tmp_path, timeout=1)
    monkeypatch.setenv("STELLAR_SAS_URL", "file:///etc")
    with pytest.raises(ArchiveError, match="not an http"):
        fetch_spectrum(STAR, tmp_path)
    assert time.monotonic() - start < 20


def test_the_state_of_the_connection_is_one_sentence(sdss, archive, tmp_path):
    state = archive.state()
    assert state.files and state.catalogue and "SDSS answers" in state.sentence
    login = (200, "text/html", b"<html>Log in first</html>")
    sdss.replies |= {f"/sas/{NO_FILE}": login, SQL_PAGE: login}
    assert "SDSS cannot be reached from here" in archive.state().sentence, "a network with a login page is not SDSS"
    sdss.forget()
    away = replace(archive, files=SpectrumFiles("http://127.0.0.1:1"))
    assert not away.state().files and "spectra cannot be fetched" in away.state().sentence
    alone = replace(away, skyserver=replace(archive.skyserver, url="http://127.0.0.1:1"))
    assert "SDSS cannot be reached from here" in alone.state().sentence and "MOCK" in alone.state().sentence
    assert all(words in FALLBACK_ORDER for words in ("MOCK", "cache", "lite", "full", "SkyServer", "note"))


def test_matches_at_another_position_are_refused(sdss, archive):
    row = sdss.catalogue.mock.iloc[0]
    specobjid = int(row.specObjID)
    for column, text in (
        ("dec", f"{row.dec + 0.01:.6f}"),
        ("distance", "0.9"),
        ("ra", "null"),
        ("ra", "inf"),
        ("dec", "-1e999"),
    ):
        sdss.catalogue.damaged = {(specobjid, column): text}
        with pytest.raises(TransientError, match="not those of a star within 3 arcsec"):
            archive.cone_search(Position(row.ra, row.dec))
        sdss.forget()
    assert archive.cone_search(Position(row.ra, row.dec))[0].star.specobjid == str(specobjid)


def test_slow_replies_of_absence_end_after_the_patience(sdss, monkeypatch):
    clock = Time()
    retries = Retries(patience=30.0, clock=clock, sleep=clock.sleep)
    honest = spectrum_files.send
    monkeypatch.setattr(spectrum_files, "send", lambda *args, **options: clock.sleep(12.0) or honest(*args, **options))
    files = SpectrumFiles(sdss.sas, 3.0, retries)
    with pytest.raises(TransientError, match="did not find 0999-54000-0001 within 30 s"):
        files.fetch(StarId.of(999, 54000, 1))
    assert clock() < 60


@pytest.mark.parametrize("last", [1, 2])
def test_a_file_cut_after_a_table_is_refused(sdss, archive, last):
    star = mock_stars(sdss)[4]
    whole = sdss.spectra.read(star.file_path(star.run2d))
    with fits.open(io.BytesIO(whole)) as hdus:
        info = hdus[last].fileinfo()
    resource = f"/sas/{star.file_path(star.run2d)}"
    sdss.replies[resource] = (200, "application/fits", whole[: info["datLoc"] + info["datSpan"]])
    with pytest.raises(ArchiveError, match="is cut short"):
        archive.spectrum(star)
    sdss.forget()
    assert archive.spectrum(star).meta["class"]


def test_an_endless_response_of_skyserver_is_cut_off(sdss, archive, monkeypatch):
    from stellar_core.sdss import skyserver

    monkeypatch.setattr(skyserver, "MAX_RESPONSE", 2_000_000)
    sdss.replies[SQL_PAGE] = (200, "text/plain", b"1,2,3\n" * 1_000_000)
    with pytest.raises(ArchiveError, match="larger than 2 MB"):
        archive.row(mock_stars(sdss)[5])


@pytest.mark.slow
def test_the_first_look_up_of_a_process_imports_libraries_safely(sdss, tmp_path):
    star = mock_stars(sdss)[23]
    sdss.spectra.make([star])
    code = (
        "from stellar_core.sdss.archive import open_archive; from stellar_core.sdss.identifiers import parse\n"
        f"print(open_archive().spectrum(parse('{star.name}')).name)"
    )
    for number in range(3):
        environment = {**os.environ, "STELLAR_CACHE_DIR": str(tmp_path / str(number))}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert done.stdout.strip() == star.name, done.stderr[-600:]


@pytest.mark.slow
def test_the_cache_survives_kills_during_downloads(sdss, tmp_path):
    stars = mock_stars(sdss)[16:22]
    sdss.spectra.make(stars)
    code = (
        "import sys; from stellar_core.sdss.archive import fetch_spectrum, open_archive\n"
        "from stellar_core.sdss.identifiers import parse\n"
        "sys.stdout.write('.'); sys.stdout.flush()\n"
        "for name in sys.argv[1:]: open_archive().spectrum(parse(name), catalogue=False)"
    )
    rng = random.Random(7)
    for _ in range(3):
        user = subprocess.Popen([sys.executable, "-c", code, *(star.name for star in stars)], stdout=subprocess.PIPE)
        user.stdout.read(1)
        sdss.after(rng.randint(1, 2), lambda user=user: user.send_signal(signal.SIGKILL))
        user.wait(60)
        user.stdout.close()
        assert user.returncode == -signal.SIGKILL
    archive = open_archive(timeout=10.0)
    for star in stars:
        assert_same(
            archive.spectrum(star, catalogue=False), read_spectrum(sdss.spectra.read(star.file_path(star.run2d)))
        )


@pytest.mark.slow
def test_a_thousand_look_ups_with_faults_in_a_fifth_of_the_requests(sdss, tmp_path):
    stars = [star for plate in (16000, 16001, 16003) for star in mock_stars(sdss, plate)]
    rng = random.Random(11)
    chosen = rng.sample(stars, 100)
    sdss.spectra.make(chosen)
    sdss.stall = 30.0
    sdss.faults = Faults(0.2, 13)
    truth = {star: read_spectrum(sdss.spectra.read(star.file_path(star.run2d))) for star in chosen}
    table = sdss.catalogue.mock.set_index("specObjID")
    # A cache of five spectra makes most look-ups go to the servers.
    clock = Time()
    retries = Retries(attempts=12, clock=clock, sleep=clock.sleep)
    archive = Archive(
        DiskCache(tmp_path / "cache", 1_000_000),
        SpectrumFiles(sdss.sas, 1.5, retries),
        SkyServer(sdss.skyserver, 1.5, RateLimit(None, QUERIES_PER_MINUTE, clock=clock, sleep=clock.sleep), retries),
    )

    def look_up(star: StarId) -> tuple[StarId, Spectrum]:
        return star, archive.spectrum(star)

    with ThreadPoolExecutor(6) as users:
        found = list(users.map(look_up, rng.choices(chosen, k=1000)))
    assert len(found) == 1000
    for star, spectrum in found:
        np.testing.assert_array_equal(spectrum.flux, truth[star].flux)
        np.testing.assert_array_equal(spectrum.ivar, truth[star].ivar)
        assert spectrum.meta["sspp_teff"] == pytest.approx(table.loc[star.specobjid, "teffadop"], rel=1e-6)
        assert spectrum.photometry.complete and spectrum.notes == ()
    faults = [served.fault for served in sdss.served if served.fault is not None]
    assert len(faults) > 200 and set(faults) == set(Fault)
