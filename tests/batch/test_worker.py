"""Results of the real model: equal to the bit in any group, on any number of workers, and after kill -9."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from stellar_core import lookup
from stellar_core.batch import worker
from stellar_core.batch.chunks import InputSpectrum, StoreChunk
from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.batch.inputs import Request
from stellar_core.batch.job import Batch, run_batch
from stellar_core.batch.worker import GROUP, ChunkTask, EstimateSettings, process_chunk
from stellar_core.errors import SpectrumError
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.result_columns import PARALLAX
from stellar_core.mock.survey import MockSurvey
from stellar_core.model_store import model_folder, read_model
from stellar_core.network.retries import TransientError
from stellar_core.survey.plan import Plan
from tests.standin.acquire import acquire

MODEL = "isochrone"
#: Stars of a batch of three chunks.
STARS = 70


@pytest.fixture(scope="module")
def settings() -> EstimateSettings:
    return EstimateSettings(MODEL, str(read_model(model_folder(MODEL))[1]["sha256"]), 2, 0)


@pytest.fixture(scope="module")
def spectra():
    survey = MockSurvey()
    return [frame.spectrum for frame in survey.frames(survey.star_ids(16000)[:40])]


class Given:
    """A chunk of given spectra."""

    def __init__(self, spectra):
        self.spectra = spectra

    def read(self):
        return (InputSpectrum(str(k), item) for k, item in enumerate(self.spectra))


def rows(found, settings) -> list[dict[str, object]]:
    return pq.read_table(io.BytesIO(process_chunk(ChunkTask(0, 0, Given(found), settings)).data)).to_pylist()


@pytest.mark.slow
def test_a_result_does_not_depend_on_the_other_stars_of_its_group(settings, spectra):
    together = rows(spectra, settings)
    assert len(together) == 40 and all(row["error"] is None for row in together)
    alone = rows(spectra[5:6], settings)[0]
    flat = replace(spectra[1], flux=np.ones_like(spectra[1].flux))
    group = [*spectra[30:35], spectra[5], SpectrumError("None."), flat, *spectra[8:10]]
    other = rows(group, settings)
    strip = lambda row: {name: value for name, value in row.items() if name not in ("row", "input")}
    assert strip(together[5]) == strip(other[5]), "same place, another group"
    assert strip(other[9]) == strip(together[9])
    assert [row["error"] for row in other[6:8]] == ["None.", other[7]["error"]] and "flat" in other[7]["error"]
    for name, value in strip(alone).items():
        assert value == (pytest.approx(together[5][name], rel=1e-4) if isinstance(value, float) else together[5][name])


def test_the_result_is_that_of_predict(settings, spectra):
    found = rows(spectra[:3], settings)
    estimator = Estimator.load(MODEL)
    for row, spectrum in zip(found, spectra):
        result = estimator.estimate(spectrum, samples=2)
        assert row["log_age_median"] == pytest.approx(result.log_age.median, abs=0.02)
        assert row["teff_mean"] == pytest.approx(result.teff.mean, rel=2e-3)
        assert (row["in_domain"], row["stage"]) == (result.verdict.in_domain, result.most_likely_stage)


def test_a_spectrum_of_another_instrument_is_compared_with_templates(settings, spectra, monkeypatch):
    compared = []
    real = worker.with_template_fit
    monkeypatch.setattr(worker, "with_template_fit", lambda *args: compared.append(args) or real(*args))
    foreign = replace(spectra[0], meta={name: value for name, value in spectra[0].meta.items() if name != "plate"})
    found = rows([spectra[0], foreign], settings)
    assert len(compared) == 1 and compared[0][0].log_age.median == pytest.approx(found[1]["log_age_median"])


def test_sspp_parameters_do_not_change_the_result(settings, spectra):
    with_sspp = [replace(one, meta={**one.meta, "sspp_teff": 3000.0, "sspp_feh": 9.0}) for one in spectra[:GROUP]]
    plain, other = rows(spectra[:GROUP], settings), rows(with_sspp, settings)
    assert other[0].pop("sspp_teff") == 3000.0 and plain[0].pop("sspp_teff") is None
    assert {k: v for k, v in other[0].items() if k != "sspp_feh"} == {
        k: v for k, v in plain[0].items() if k != "sspp_feh"
    }


def test_parallaxes_are_looked_up_and_told_in_columns_of_their_own(settings, spectra):
    plain = rows(spectra[:6], settings)
    found = rows(spectra[:6], replace(settings, gaia=True))
    survey, known = MockSurvey(), MockSurvey().star_ids(16000)[:6]
    for row, without, star in zip(found, plain, known, strict=True):
        true = survey.astrometry(star)
        assert {name: row[name] for name in without if name.startswith(("star", "ra", "dec", "snr"))}.items() <= (
            without.items()
        )
        assert row["parallax_mas"] == (None if true is None else true.parallax)
        assert (row["log_age_median"] == without["log_age_median"]) == (true is None)
        assert true is None or row["distance_pc_p16"] < row["distance_pc_median"] < row["distance_pc_p84"]
        assert true is None or (0 <= row["companion"] <= 1 and row["ruwe"] == pytest.approx(true.ruwe))
    assert {column.name for column in PARALLAX} == set(found[0]) - set(plain[0])


def test_without_an_answer_of_gaia_the_rows_are_there_and_the_chunk_is_tried_again(settings, spectra, monkeypatch):
    def away(*_args, **_options):
        raise TransientError("Gaia did not answer.")

    monkeypatch.setattr(lookup, "find_parallaxes", away)
    result = process_chunk(ChunkTask(0, 0, Given([*spectra[:2], SpectrumError("None.")]), replace(settings, gaia=True)))
    table = pq.read_table(io.BytesIO(result.data)).to_pylist()
    assert "Gaia did not answer." in result.transient
    assert [row["error"] for row in table] == [None, None, "None."]
    assert all("Gaia was not used" in row["messages"] and row["parallax_mas"] is None for row in table[:2])


def test_the_choice_of_gaia_distinguishes_batches_only_where_it_is_made(settings):
    plain, other = (Batch(Request(mock=3), one).facts() for one in (settings, replace(settings, gaia=True)))
    assert "gaia" not in plain and other == {**plain, "gaia": True}


@pytest.mark.slow
def test_a_store_gives_the_results_of_its_files(sdss, tmp_path, settings):
    acquire(tmp_path / "survey", Plan(first_plate=16000, last_plate=16001, plates_per_page=2, stars=40, chunk=30))
    store = str(tmp_path / "survey" / "store")
    for request in (Request((store,)), Request((str(tmp_path / "survey"),))):
        assert len(request.open(tmp_path)) == 40
    entries = list(StoreChunk(store, range(25, 40)).read())
    assert len(entries) == 15 and all(entry.spectrum.meta["class"] == "STAR" for entry in entries)
    named = list(IdentifierChunk(tuple(entry.text for entry in entries), served=True).read())
    stored, fetched = (rows([entry.spectrum for entry in part], settings) for part in (entries, named))
    for one, other in zip(stored, fetched, strict=True):
        assert (
            one["star"] == other["star"]
            and one["specobjid"] == other["specobjid"]
            and one["sspp_teff"] == other["sspp_teff"]
        )
        assert one["in_domain"] == other["in_domain"]
        assert one["teff_mean"] == pytest.approx(other["teff_mean"], abs=15.0)
        assert one["log_age_mean"] == pytest.approx(other["log_age_mean"], abs=0.1)


@pytest.mark.slow
def test_identifiers_are_fetched_with_their_catalogue_rows(shared_data, sdss, settings):
    star = next(star for star in sdss.spectra.real if star.name == "0283-51660-0388")
    entries = list(IdentifierChunk((star.specobjid, star.name)).read())
    assert [entry.spectrum.meta["sspp_teff"] for entry in entries] == [6765.0, 6765.0]
    assert {entry.spectrum.source for entry in entries} == {"sdss"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, settings) -> bytes:
    """The table of `STARS` stars in chunks of one group, by this process alone."""
    path = tmp_path_factory.mktemp("whole") / "one.parquet"
    run_batch(Batch(Request(mock=STARS), settings, GROUP), path)
    return path.read_bytes()


@pytest.mark.slow
def test_two_workers_of_either_kind_give_the_table_of_one(tmp_path, settings, whole):
    from distributed import LocalCluster

    batch = Batch(Request(mock=STARS), settings, GROUP)
    run_batch(batch, tmp_path / "two.parquet", workers=2)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        run_batch(batch, tmp_path / "dask.parquet", cluster=cluster.scheduler_address)
    two, dask = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("two", "dask"))
    assert whole == two == dask


@pytest.mark.slow
def test_a_batch_killed_twice_resumes_without_loss_or_repetition(tmp_path, settings, whole):
    """SIGKILL to the command line; the table is that of a batch left alone."""

    def begin(out: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "stellar_core", "batch", "--mock", str(STARS), "--chunk", str(GROUP)]
        command += ["--samples", str(settings.samples), "--seed", str(settings.seed), "--out", str(out)]
        return subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )

    out, parts = tmp_path / "broken.parquet", tmp_path / "broken.parquet.parts"
    kept: dict[str, int] = {}
    for chunks in (1, 2):
        process = begin(out)
        while len(list(parts.glob("chunk-*"))) < chunks:
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        now = {path.name: path.stat().st_mtime_ns for path in parts.glob("chunk-*")}
        assert kept.items() <= now.items(), "no chunk is processed again"
        kept = now
    assert begin(out).wait(300) == 0
    assert not parts.exists()
    assert out.read_bytes() == whole
