"""Whole acquisitions from the stand-in: interrupted at any time, with the same bytes at the end."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from filelock import FileLock
from typer.testing import CliRunner

from stellar_core.__main__ import app, main
from stellar_core.errors import ArchiveError, RunError
from stellar_core.isochrones import nearest_label
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.readers import read_spectrum
from stellar_core.sdss.star_id import StarId
from stellar_core.spectrum import Spectrum
from stellar_core.survey.plan import Plan
from stellar_core.survey.store import read_manifest, verify
from tests.forks import Fork, preload
from tests.standin import Fault, Faults, StandIn
from tests.standin.acquire import acquire, begin

QUICK = tuple(fault for fault in Fault if fault is not Fault.STALL)
#: 90 stars in chunks of 20, the last one smaller.
SETTINGS = {"first_plate": 16000, "last_plate": 16003, "plates_per_page": 2, "stars": 90, "chunk": 20}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def unbroken(sdss_server: StandIn, tmp_path_factory) -> Path:
    """The folder of an acquisition without faults or interruptions."""
    with pytest.MonkeyPatch.context() as patch:
        sdss_server.forget()
        patch.setenv("STELLAR_SAS_URL", sdss_server.sas)
        patch.setenv("STELLAR_SKYSERVER_URL", sdss_server.skyserver)
        out = tmp_path_factory.mktemp("unbroken")
        acquire(out, Plan(**SETTINGS))
    return out


def manifest(out: Path) -> list[dict[str, object]]:
    return read_manifest(out / "store").to_pylist()


def downloads(sdss: StandIn) -> Counter[str]:
    """How often each file was sent."""
    return Counter(served.resource for served in sdss.served if served.service == "sas" and served.fault is None)


def test_the_store_has_the_prepared_spectra_features_and_labels(sdss, unbroken):
    tables = [pq.read_table(path) for path in sorted((unbroken / "store").glob("stars-*.parquet"))]
    assert [table.num_rows for table in tables] == [20, 20, 20, 20, 10]
    lines = manifest(unbroken)
    assert len(lines) == 90 and {line["outcome"] for line in lines} == {"stored"}
    stars = {star["specobjid"]: star for table in tables for star in table.to_pylist()}
    assert list(stars) == sorted(stars) == [line["specobjid"] for line in lines]
    table = sdss.catalogue.mock.set_index("specObjID")
    for line in lines[::15]:
        plate, mjd, fiber = map(int, line["name"].split("-"))
        data = sdss.spectra.read(line["path"])
        assert hashlib.sha256(data).hexdigest() == line["sha256"] and len(data) == line["bytes"]
        spectrum, stored, row = read_spectrum(data), stars[line["specobjid"]], table.loc[str(line["specobjid"])]
        prepared = prepare(spectrum)
        flux = np.frombuffer(stored["flux"], "<f2")
        np.testing.assert_array_equal(flux, prepared.flux.astype(np.float16))
        np.testing.assert_array_equal(
            np.frombuffer(stored["root_ivar"], "<f2"), np.sqrt(prepared.ivar).astype(np.float16)
        )
        bits = np.unpackbits(np.frombuffer(stored["coverage"], np.uint8)).astype(bool)
        np.testing.assert_array_equal(bits, prepared.coverage)
        assert bits.shape == GRID.shape and stored["redshift"] == prepared.redshift
        np.testing.assert_allclose(stored["features"], features(spectrum.photometry), atol=2e-5)
        label = nearest_label(row["teffadop"], row["loggadop"], row["fehadop"])
        assert stored["log_age"] == pytest.approx(float(label.log_age), abs=1e-6) and stored["stage"] == int(
            label.stage
        )
        assert (stored["plate"], stored["mjd"], stored["fiber"]) == (plate, mjd, fiber)
        assert stored["teff"] == row["teffadop"] and stored["feh_err"] == row["fehadopunc"]


def test_the_store_does_not_depend_on_time_or_place(unbroken, sdss):
    summary = json.loads((unbroken / "store" / "store.json").read_text())
    assert summary["mock"] is True and summary["source"] == "MOCK survey" and summary["stored"] == 90
    assert set(summary["files"]) == {path.name for path in (unbroken / "store").glob("*.parquet")}
    assert verify(unbroken / "store") == []
    whole = b"".join(contents(unbroken / "store").values())
    assert str(unbroken).encode() not in whole and b"127.0.0.1" not in whole
    assert not (unbroken / "waiting").exists()


@pytest.mark.slow
def test_faults_give_the_same_store(sdss, unbroken, tmp_path):
    sdss.faults = Faults(0.25, 21, QUICK)
    found = acquire(tmp_path, Plan(**SETTINGS))
    assert contents(tmp_path / "store") == contents(unbroken / "store")
    assert found["fetched"] == 90 and found["retried"] > 10
    journal = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert len(journal) == found["retried"] and all(entry["failure"] for entry in journal)


@pytest.mark.slow
def test_killed_five_times_it_continues_to_the_same_store(sdss, unbroken, tmp_path):
    sdss.faults = Faults(0.15, 22, QUICK)
    rng = random.Random(23)
    preload("pandas", "astropy.io.fits", "tests.standin.acquire")
    for _ in range(5):
        process = Fork(begin, tmp_path, SETTINGS)
        sdss.after(rng.randint(3, 22), process.kill)
        assert process.wait(120) == -signal.SIGKILL
        assert not (tmp_path / "store" / "store.json").exists()
    subprocess.run([sys.executable, "-m", "tests.standin.acquire", str(tmp_path), json.dumps(SETTINGS)], check=True)
    assert contents(tmp_path / "store") == contents(unbroken / "store")
    sent = downloads(sdss)
    assert len(sent) == 90, "nothing is lost"
    assert sum(sent.values()) - 90 <= 5 * 4, "nothing comes twice but what was on its way when the process was killed"


@pytest.mark.slow
@pytest.mark.parametrize("where", ["catalogue", "store", "waiting"])
def test_half_written_files_do_no_harm(sdss, unbroken, tmp_path, where):
    shutil.copytree(unbroken, tmp_path, dirs_exist_ok=True)
    (tmp_path / "store" / "store.json").unlink()
    victims = {
        "catalogue": "catalogue/16000-16001.csv",
        "store": "store/stars-00002.parquet",
        "waiting": "store/stars-00004.parquet",
    }
    (tmp_path / victims[where]).unlink()
    (tmp_path / where).mkdir(exist_ok=True)
    (tmp_path / where / ".spec-x.fits.1-2.tmp").write_bytes(b"half")
    if where == "waiting":
        star = StarId(*map(int, manifest(unbroken)[85]["name"].split("-")), "v5_13_2")
        (tmp_path / where / f"{star.plate:05d}").mkdir()
        (tmp_path / where / f"{star.plate:05d}" / f"spec-{star.name}.fits").write_bytes(b"SIMPLE  =  damaged")
    found = acquire(tmp_path, Plan(**SETTINGS))
    assert found["fetched"] == {"catalogue": 0, "store": 20, "waiting": 10}[where]
    assert contents(tmp_path / "store") == contents(unbroken / "store")


def test_a_finished_acquisition_sends_no_requests(sdss, unbroken):
    before = contents(unbroken)
    assert acquire(unbroken, Plan(**SETTINGS))["stored"] == 90
    assert sdss.served == [] and contents(unbroken) == before


def test_bad_rows_are_listed_with_reasons(sdss, tmp_path):
    loose = QualityCuts(sn_median=None, psf_mag_err=None)
    plan = Plan(cuts=loose, first_plate=16001, last_plate=16001, stars=30, chunk=30)
    stars = sdss.spectra.survey.star_ids(16001)[:30]
    flat = read_spectrum(sdss.spectra.read(stars[3].file_path("v5_13_2")))
    sdss.replies[_lite(stars[1])] = (404, "text/html", b"")
    sdss.replies[_lite(stars[3])] = (200, "application/fits", _flat_file(flat))
    found = acquire(tmp_path, plan)
    assert (found["stored"], found["absent"], found["refused"], found["rows"]) == (28, 1, 1, 30)
    by_name = {line["name"]: line for line in manifest(tmp_path)}
    assert by_name[stars[1].name]["outcome"] == "absent" and "has no spectrum" in by_name[stars[1].name]["reason"]
    assert by_name[stars[3].name]["outcome"] == "refused" and "flat" in by_name[stars[3].name]["reason"]
    assert all(line["reason"] for line in by_name.values() if line["outcome"] != "stored")


@pytest.mark.slow
def test_rows_with_defective_cells_are_listed_and_the_others_stored(sdss, unbroken, tmp_path):
    lines = manifest(unbroken)
    z, naming, without_id = (lines[place]["specobjid"] for place in (3, 24, 57))
    sdss.catalogue.damaged |= {(z, "z"): "abc", (naming, "mjd"): "null", (without_id, "specObjID"): "1.8e19"}
    assert acquire(tmp_path, Plan(**SETTINGS))["stored"] == 87
    bad = {line["specobjid"]: line for line in manifest(tmp_path) if line["outcome"] == "refused"}
    assert set(bad) == {z, naming, 0}
    assert (
        bad[z]["reason"] == "Its z in the catalogue is 'abc'."
        and bad[naming]["reason"] == "Its mjd in the catalogue is 'null'."
    )
    assert "'1.8e19', is none of plates 16000 to 16001" in bad[0]["reason"]
    stored = {line["specobjid"] for line in manifest(tmp_path) if line["outcome"] == "stored"}
    assert stored == {line["specobjid"] for line in lines} - {z, naming, without_id}
    (tmp_path / "store" / "store.json").unlink()
    before = contents(tmp_path / "store")
    acquire(tmp_path, Plan(**SETTINGS))
    assert contents(tmp_path / "store").items() >= before.items(), "the pages kept say the same"


@pytest.mark.slow
def test_an_archive_without_any_file_is_reported(sdss, unbroken, tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_SAS_URL", f"{sdss.url}/elsewhere")
    for give_up in (False, True):
        with pytest.raises(ArchiveError, match="90 of 90 spectra could not be fetched") as caught:
            acquire(tmp_path, Plan(**SETTINGS), give_up=give_up)
        assert "has no" in str(caught.value) and "STELLAR_SAS_URL" in str(caught.value)
    asked = [served.resource for served in sdss.served if served.resource.startswith("/elsewhere")]
    assert not list((tmp_path / "store").glob("stars-*")) and 90 < len(asked) < 1000, "it is given up soon"
    monkeypatch.setenv("STELLAR_SAS_URL", sdss.sas)
    acquire(tmp_path, Plan(**SETTINGS))
    assert contents(tmp_path / "store") == contents(unbroken / "store")


@pytest.mark.slow
def test_an_archive_that_lacks_everything_for_a_while_loses_no_star(sdss, unbroken, tmp_path):
    everything = {f"/sas/{line['path']}": (404, "text/html", b"<html>404</html>") for line in manifest(unbroken)}
    sdss.after(30, lambda: sdss.replies.update(everything))
    with pytest.raises(ArchiveError, match="could not be fetched"):
        acquire(tmp_path, Plan(**SETTINGS))
    assert not [line for line in manifest(tmp_path) if line["outcome"] == "absent"]
    sdss.forget()
    acquire(tmp_path, Plan(**SETTINGS))
    assert contents(tmp_path / "store") == contents(unbroken / "store")


@pytest.mark.slow
@pytest.mark.parametrize("requests", [20, 30, 45, 60])
def test_a_temporary_outage_of_404s_loses_no_star(sdss, unbroken, tmp_path, requests):
    sdss.replies |= {f"/sas/{line['path']}": (404, "text/html", b"<html>404</html>") for line in manifest(unbroken)}
    sdss.after(requests, sdss.replies.clear)
    try:
        acquire(tmp_path, Plan(**SETTINGS))
    except ArchiveError:
        acquire(tmp_path, Plan(**SETTINGS))
    assert contents(tmp_path / "store") == contents(unbroken / "store")


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply", [(503, "text/html", b"<html>"), (200, "application/fits", b"SIMPLE  =  damaged"), (404, "text/html", b"")]
)
@pytest.mark.parametrize("bad", [range(0, 90, 9), range(12)])
def test_many_missing_files_do_not_stop_the_others(sdss, unbroken, tmp_path, bad, reply):
    lines = manifest(unbroken)
    sdss.replies |= {f"/sas/{lines[place]['path']}": reply for place in bad}
    if reply[0] != 404:
        with pytest.raises(
            ArchiveError, match=f"{len(bad)} of 90 spectra could not be fetched; .*give-up finishes without them"
        ):
            acquire(tmp_path, Plan(**SETTINGS))
    found = acquire(tmp_path, Plan(**SETTINGS), give_up=True)
    assert found["stored"] == 90 - len(bad) and found["failed" if reply[0] != 404 else "absent"] == len(bad)


@pytest.mark.slow
def test_an_archive_that_lacks_a_file_it_has_sent_is_given_up(sdss, unbroken, tmp_path):
    lines = manifest(unbroken)
    some = {f"/sas/{line['path']}": (404, "text/html", b"") for line in lines[20:70]}
    sdss.after(40, lambda: sdss.replies.update(some))
    with pytest.raises(ArchiveError, match="could not be fetched"):
        acquire(tmp_path, Plan(**SETTINGS))
    sdss.forget()
    acquire(tmp_path, Plan(**SETTINGS))
    assert contents(tmp_path / "store") == contents(unbroken / "store")


@pytest.mark.slow
def test_a_corrected_catalogue_does_not_change_the_chunks(sdss, unbroken, tmp_path):
    lines = manifest(unbroken)
    sdss.catalogue.damaged[lines[57]["specobjid"], "specObjID"] = "1.8e19"
    sdss.replies[f"/sas/{lines[70]['path']}"] = (503, "text/html", b"")
    with pytest.raises(ArchiveError, match="1 of 90"):
        acquire(tmp_path, Plan(**SETTINGS))
    sdss.forget()
    assert acquire(tmp_path, Plan(**SETTINGS))["refused"] == 1
    assert not [served for served in sdss.served if served.service == "skyserver"], "no page is asked for again"
    ids = [line["specobjid"] for line in manifest(tmp_path)]
    assert sorted(ids) == sorted([0, *(line["specobjid"] for line in lines if line != lines[57])])


def test_give_up_does_not_apply_to_an_unreachable_archive(sdss, unbroken, tmp_path, monkeypatch):
    plan = Plan(**{**SETTINGS, "stars": 2})
    monkeypatch.setenv("STELLAR_SAS_URL", "http://127.0.0.1:1")
    with pytest.raises(ArchiveError, match="2 of 2 .* when the archive sends spectra again"):
        acquire(tmp_path, plan, give_up=True)
    monkeypatch.setenv("STELLAR_SAS_URL", sdss.sas)
    assert acquire(tmp_path, plan)["stored"] == 2


def test_a_mock_survey_without_a_usable_row_is_still_mock(sdss, unbroken, tmp_path):
    settings = {**SETTINGS, "stars": 3, "chunk": 3}
    for line in manifest(unbroken)[:3]:
        sdss.catalogue.damaged[line["specobjid"], "z"] = "abc"
    found = acquire(tmp_path, Plan(**settings))
    assert found["mock"] and found["refused"] == 3


@pytest.mark.slow
def test_a_first_plate_that_the_archive_lacks_is_absent(sdss, unbroken, tmp_path):
    lines = manifest(unbroken)
    for line in lines[:30]:
        sdss.replies[f"/sas/{line['path']}"] = (404, "text/html", b"<html>404</html>")
    found = acquire(tmp_path, Plan(**SETTINGS))
    assert (found["absent"], found["stored"]) == (30, 60)


def test_rows_refused_by_the_cuts_are_not_fetched(sdss, tmp_path, monkeypatch):
    from stellar_core.survey import catalogue

    plan = Plan(first_plate=16000, last_plate=16000, stars=4, chunk=4)
    honest = catalogue.as_table

    def meddled(*page):
        table = honest(*page)
        table.loc[0, "zErr"] = 0.5
        table.loc[1, ["teffadop", "loggadop"]] = 9900.0, 5.9
        return table

    monkeypatch.setattr(catalogue, "as_table", meddled)
    assert acquire(tmp_path, plan)["stored"] == 2
    reasons = [line["reason"] for line in manifest(tmp_path)]
    assert "zErr < 0.0002" in reasons[0] and "outside the tracks" in reasons[1]
    assert len(downloads(sdss)) == 3


@pytest.mark.slow
def test_spectra_that_failed_are_fetched_by_the_next_call(sdss, unbroken, tmp_path):
    lost = StarId(*map(int, manifest(unbroken)[25]["name"].split("-")), "v5_13_2")
    sdss.replies[_lite(lost)] = (503, "text/html", b"<html>")
    with pytest.raises(ArchiveError, match="1 of 90 spectra could not be fetched; .*busy or out of service") as caught:
        acquire(tmp_path, Plan(**SETTINGS))
    assert caught.value.value == [lost.name] and "Run the same command to continue" in str(caught.value)
    sdss.forget()
    assert acquire(tmp_path, Plan(**SETTINGS))["fetched"] == 1
    assert contents(tmp_path / "store") == contents(unbroken / "store")


@pytest.mark.slow
def test_give_up_records_failed_spectra(sdss, unbroken, tmp_path):
    plan = Plan(first_plate=16000, last_plate=16000, stars=6, chunk=3)
    lost = StarId(*map(int, manifest(unbroken)[0]["name"].split("-")), "v5_13_2")
    sdss.replies[_lite(lost)] = (503, "text/html", b"<html>")
    found = acquire(tmp_path, plan, give_up=True)
    assert found["failed"] == 1 and found["stored"] == 5
    failed = [line for line in manifest(tmp_path) if line["outcome"] == "failed"]
    assert failed[0]["name"] == lost.name and "status 503" in failed[0]["reason"]


@pytest.mark.slow
def test_without_a_network_it_stops_soon(sdss, unbroken, tmp_path, monkeypatch):
    shutil.copytree(unbroken, tmp_path, dirs_exist_ok=True)
    (tmp_path / "store" / "store.json").unlink()
    for path in (tmp_path / "store").glob("stars-*"):
        path.unlink()
    monkeypatch.setenv("STELLAR_SAS_URL", "http://127.0.0.1:1")
    for give_up in (False, True):
        with pytest.raises(
            ArchiveError, match="90 of 90 spectra could not be fetched; .*(cannot be reached|out of reach)"
        ):
            acquire(tmp_path, Plan(**SETTINGS), give_up=give_up)


def test_two_processes_do_not_work_in_one_folder(sdss, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(RunError, match="Another process"):
        acquire(tmp_path, Plan(**SETTINGS))


def test_the_command_fetches_a_survey(sdss, tmp_path, monkeypatch, capsys):
    arguments = [
        "fetch",
        "survey",
        "--out",
        str(tmp_path / "out"),
        "--stars",
        "12",
        "--plates",
        "16000",
        "16003",
        "--json",
    ]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0 and '"stored": 12' in ran.stdout and '"mock": true' in ran.stdout
    assert pq.read_table(tmp_path / "out" / "store" / "stars-00000.parquet").num_rows == 12
    monkeypatch.setattr(
        sys, "argv", ["stellar_core", "fetch", "survey", "--out", str(tmp_path / "out"), "--stars", "13"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 2 and "belongs to another run" in error and error.count("\n") == 1


def _lite(star: StarId) -> str:
    return f"/sas/{star.file_path('v5_13_2')}"


def _flat_file(spectrum: Spectrum) -> bytes:
    """The file of a spectrum that is the same everywhere."""
    columns = [
        fits.Column("flux", "E", array=np.full(spectrum.flux.shape, 3.0)),
        fits.Column("loglam", "E", array=np.log10(spectrum.wavelength)),
        fits.Column("ivar", "E", array=spectrum.ivar),
    ]
    primary = fits.PrimaryHDU()
    primary.header.update(PLATEID=spectrum.meta["plate"], MJD=spectrum.meta["mjd"], FIBERID=spectrum.meta["fiber"])
    out = io.BytesIO()
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns)]).writeto(out)
    return out.getvalue()
