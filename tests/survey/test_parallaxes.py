"""Parallaxes beside the chunks of a store: the right stars, faults, interruptions, stores without them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.errors import StorageError
from stellar_core.gaia.archive import GAIA_URL, GaiaArchive
from stellar_core.mock import gaia as mock_gaia
from stellar_core.mock.plates import gaia_of_plate, make_plate
from stellar_core.mock.survey import SEED
from stellar_core.network.retries import Retries
from stellar_core.survey.parallaxes import COLUMNS, MOCK_STARS, fetch_parallaxes, read_parallaxes
from stellar_core.survey.plan import Plan
from stellar_core.survey.reader import StoreReader
from stellar_core.survey.store import verify
from tests.network.test_retries import Time
from tests.standin import Fault, Faults, StandIn
from tests.standin.acquire import acquire

#: 24 stars in chunks of 10, the last one smaller.
SETTINGS = {"first_plate": 16000, "last_plate": 16001, "plates_per_page": 2, "stars": 24, "chunk": 10}


@pytest.fixture(scope="module")
def without(sdss_server: StandIn, tmp_path_factory) -> Path:
    """An acquisition without Gaia."""
    with pytest.MonkeyPatch.context() as patch:
        sdss_server.forget()
        patch.setenv("STELLAR_SAS_URL", sdss_server.sas)
        patch.setenv("STELLAR_SKYSERVER_URL", sdss_server.skyserver)
        out = tmp_path_factory.mktemp("without")
        acquire(out, Plan(**SETTINGS))
    return out


@pytest.fixture
def out(without, tmp_path) -> Path:
    """A copy of it."""
    return shutil.copytree(without, tmp_path / "out")


@pytest.fixture
def archive(sdss) -> GaiaArchive:
    """The archive without a cache, with two attempts that take no time."""
    time = Time()
    return GaiaArchive(sdss.gaia, 3.0, retries=Retries(attempts=2, clock=time, sleep=time.sleep), clock=time)


def fetch(out: Path, archive: GaiaArchive, **options: object) -> dict[str, object]:
    return fetch_parallaxes(out / "store", archive, out / "journal.jsonl", **options)


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "store").iterdir())}


def queries(sdss) -> int:
    return sum(served.service == "gaia" for served in sdss.served)


def test_the_columns_have_the_names_of_the_mock_catalogue():
    assert set(COLUMNS) - set(mock_gaia.COLUMNS) == {"gaia_source_id", "gaia_notes"}
    assert set(mock_gaia.COLUMNS) <= set(COLUMNS)


def test_every_star_gets_the_values_of_its_own_source(sdss, archive, out):
    told = []
    found = fetch(out, archive, progress=lambda *state: told.append(state))
    assert (found["looked_up"], found["left"], found["reason"]) == (24, 0, "") and 20 < found["parallaxes"] <= 24
    assert told[0] == ("stars looked up in Gaia", 0, 24) and told[-1] == ("stars looked up in Gaia", 24, 24)
    reader = StoreReader(out / "store")
    stars = read_parallaxes(out / "store")
    assert list(stars.columns) == list(COLUMNS) and len(stars) == 24
    assert pa.types.is_string(pq.read_schema(out / "store" / "gaia-00000.parquet").field("gaia_source_id").type)
    known, plate = gaia_of_plate(SEED, 16000), make_plate(SEED, 16000)
    for specobjid, fiber in zip(reader.column("specobjid")[:10], reader.column("fiber")):
        star, row = stars.loc[specobjid], plate.row(int(fiber))
        np.testing.assert_allclose(
            star[["gaia_parallax_mas", "gaia_parallax_err_mas", "gaia_G_mag", "gaia_ruwe"]].astype(float),
            [known.parallax[row], known.parallax_error[row], known.magnitudes[row, 0], known.ruwe[row]],
            rtol=2e-3,
            atol=1e-3,
        )
        assert star["gaia_source_id"] in set(map(str, sdss.sky.sources["source_id"]))
    assert queries(sdss) == 3, "one for each chunk"
    both = "'{0}/stars-*.parquet' JOIN '{0}/gaia-*.parquet' USING (specobjid)".format(out / "store")
    joined = duckdb.sql(f"SELECT count(*), count(gaia_parallax_mas) FROM {both}").fetchall()
    assert joined == [(24, found["parallaxes"])]


def test_a_finished_store_gets_them_and_stays_as_it_was_otherwise(sdss, archive, out):
    before = contents(out)
    found = acquire(out, Plan(**SETTINGS), gaia=archive)
    assert found["stored"] == 24 and found["fetched"] == 0 and found["gaia"]["looked_up"] == 24
    after = contents(out)
    assert set(after) - set(before) == {f"gaia-0000{number}.parquet" for number in range(3)}
    assert all(after[name] == data for name, data in before.items() if name != "store.json")
    assert verify(out / "store") == [] and len(StoreReader(out / "store")) == 24
    asked = queries(sdss)
    again = acquire(out, Plan(**SETTINGS), gaia=archive)
    assert again["gaia"] == found["gaia"] and contents(out) == after and queries(sdss) == asked
    assert acquire(out, Plan(**SETTINGS))["gaia"]["looked_up"] == 24, "without --gaia nothing is lost"


def test_an_interruption_and_faults_give_the_same_files(sdss, archive, out, tmp_path):
    class Killed(Exception):
        pass

    def kill(what: str, done: int, total: int) -> None:
        if done == 10:
            raise Killed

    other = shutil.copytree(out, tmp_path / "other")
    fetch(out, archive)
    kinds = tuple(fault for fault in Fault if fault is not Fault.STALL)
    sdss.faults = Faults(0.5, 3, kinds, service="gaia")
    patient = replace(archive, retries=replace(archive.retries, attempts=12))
    with pytest.raises(Killed):
        fetch(other, patient, progress=kill)
    assert (other / "store" / "gaia-00000.parquet").exists()
    sdss.served.clear()
    assert fetch(other, patient)["left"] == 0 and any(served.fault for served in sdss.served)
    assert contents(other) == contents(out)


def test_a_chunk_that_fails_is_tried_again_and_then_stays_without(sdss, archive, out):
    told = []
    fail = Faults(1.0, 1, (Fault.UNAVAILABLE,), service="gaia")

    def between(what: str, done: int, total: int) -> None:
        told.append(done)
        sdss.faults = fail if done == 10 else Faults()

    found = fetch(out, archive, progress=between)
    assert (found["looked_up"], found["left"]) == (10, 14) and "status 503" in found["reason"]
    lines = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    assert [line["gaia"] for line in lines] == [1, 2, 1] and all("503" in line["failure"] for line in lines)
    summary = json.loads((out / "store" / "store.json").read_text())
    assert summary["gaia"] == {"looked_up": 10, "parallaxes": found["parallaxes"]} and summary["stored"] == 24
    assert len(read_parallaxes(out / "store")) == 10 and verify(out / "store") == []
    sdss.forget()
    assert fetch(out, archive)["left"] == 0 and queries(sdss) == 2, "the next call asks for the others alone"
    assert len(read_parallaxes(out / "store")) == 24 and verify(out / "store") == []


def test_a_chunk_that_fails_once_is_found_in_the_next_pass(sdss, archive, out):
    told = []

    def once(what: str, done: int, total: int) -> None:
        told.append(done)
        sdss.faults = Faults(told.count(10) == 1 and done == 10, 1, (Fault.UNAVAILABLE,), service="gaia")

    found = fetch(out, archive, progress=once)
    assert (found["looked_up"], found["left"], found["reason"]) == (24, 0, "")
    assert [json.loads(line)["gaia"] for line in (out / "journal.jsonl").read_text().splitlines()] == [1]
    assert told == [0, 10, 10, 14, 14, 24]


def test_an_archive_that_cannot_be_reached_leaves_the_store_complete(sdss, archive, out, tmp_path):
    before = contents(out)
    found = fetch(out, replace(archive, url="http://127.0.0.1:1"))
    assert (found["looked_up"], found["left"], found["parallaxes"]) == (0, 24, 0) and found["reason"]
    after = contents(out)
    assert set(after) == set(before) and len(StoreReader(out / "store")) == 24
    with pytest.raises(StorageError, match="has no parallaxes.*fetch survey --gaia"):
        read_parallaxes(out / "store")


def test_mock_stars_are_not_looked_up_in_the_real_archive(sdss, archive, out):
    found = fetch(out, replace(archive, url=GAIA_URL))
    assert (found["left"], found["reason"]) == (24, MOCK_STARS) and not sdss.served


def test_a_source_without_a_parallax_and_a_star_without_a_source_have_a_reason(sdss, archive, out):
    fetch(out, archive)
    stars = read_parallaxes(out / "store")
    kept = shutil.copytree(out, out.with_name("kept"))
    lost, bare = stars.index[stars["gaia_parallax_mas"].notna()][:2]
    bare_row = sdss.sky.sources.set_index(sdss.sky.sources["source_id"].astype(str)).loc[
        stars.at[bare, "gaia_source_id"]
    ]
    for specobjid in (lost, bare):
        sdss.sky.remove(int(stars.at[specobjid, "gaia_source_id"]))
    names = ("source_id", "ra", "dec", "phot_g_mean_mag", "phot_g_mean_flux_over_error")
    sdss.sky.add({name: bare_row[name] for name in names} | {"astrometric_params_solved": 3})
    (kept / "store" / "gaia-00000.parquet").unlink()
    fetch(kept, archive)
    again = read_parallaxes(kept / "store")
    assert np.isnan(again.loc[[lost, bare], "gaia_parallax_mas"]).all()
    assert pd.isna(again.at[lost, "gaia_source_id"]) and again.at[lost, "gaia_notes"]
    assert again.at[bare, "gaia_G_mag"] == stars.at[bare, "gaia_G_mag"]
    assert "no parallax" in again.at[bare, "gaia_notes"] and np.isnan(again.at[bare, "gaia_BP_mag"])


def test_a_damaged_file_gives_one_sentence(archive, out):
    fetch(out, archive)
    (out / "store" / "gaia-00001.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(StorageError, match="gaia-00001.parquet cannot be read"):
        read_parallaxes(out / "store")


def test_the_command_looks_the_stars_up(sdss, out):
    arguments = ["fetch", "survey", "--out", str(out.with_name("new")), "--plates", "16000", "16001", "--stars", "4"]
    ran = CliRunner().invoke(app, [*arguments, "--gaia"])
    assert ran.exit_code == 0, ran.output
    assert "4 of 4 MOCK survey stars" in ran.stdout and "4 of 4 stars have a parallax of Gaia DR3." in ran.stdout
    assert len(read_parallaxes(out.with_name("new") / "store")) == 4
