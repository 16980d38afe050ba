"""Batches: interrupted, resumed, refused; one row for each input."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import Table
from typer.testing import CliRunner

from stellar_core import lookup
from stellar_core.__main__ import app
from stellar_core.batch import chunks, job, worker
from stellar_core.batch.columns import batch_table
from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.batch.inputs import Request
from stellar_core.batch.job import Batch, read_chunks, run_batch
from stellar_core.batch.worker import EstimateSettings
from stellar_core.errors import (
    ArchiveError,
    ModelError,
    ParameterError,
    RunError,
    SpectrumError,
    StellarError,
    StorageError,
)
from stellar_core.export import table_bytes, write_table
from stellar_core.inference.result import Result, Verdict
from stellar_core.inference.result_columns import SSPP
from stellar_core.intervals import Interval
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import MockSurvey
from stellar_core.network.retries import TransientError
from stellar_core.preprocessing.spectra import prepare
from stellar_core.quantities import UNITS
from stellar_core.stages import STAGES


@dataclass
class Quick:
    """A fast estimator whose results depend on the flux, in place of the real model."""

    card: dict = field(default_factory=lambda: {"sha256": "0"})

    def prepare(self, spectrum):
        return prepare(spectrum)

    def estimate(self, spectrum, *, samples, seed):
        prepared = spectrum.prepared
        if prepared.snr < 4:
            raise SpectrumError("Far too noisy.")
        values = {name: Interval.from_draws(9.0 + 0.5 * prepared.flux[k::7]) for k, name in enumerate(UNITS)}
        quality = dict.fromkeys(("snr", "coverage", "redshift", "feature_distance", "misfit"), 0.5)
        return Result(
            input="",
            star=spectrum.name,
            source=spectrum.source,
            model="quick",
            seed=seed,
            samples=samples,
            **values,
            stage=dict.fromkeys(STAGES, 0.2),
            verdict=Verdict(prepared.snr > 10, ("S/N > 10 & more.",)),
            quality={**quality, "redshift_source": "file", "photometry": "used"},
        )


#: As `lookup.load`; the spectrum of a star is made once for all tests.
load_once = cache(lookup.load)


class StoredSurvey:
    """The MOCK survey, each spectrum made once for all tests."""

    made: dict = {}

    def __init__(self, seed):
        self.seed = seed

    def frames(self, stars):
        missing = [star for star in stars if (self.seed, star) not in self.made]
        for star, frame in zip(missing, MockSurvey(self.seed).frames(missing), strict=True):
            self.made[self.seed, star] = frame
        return [self.made[self.seed, star] for star in stars]


@pytest.fixture
def quick(monkeypatch):
    """Batches estimated by `Quick`; gives the numbers of the chunks that were processed."""
    asked = []
    monkeypatch.setattr(worker, "_load", lambda model, sha256: Quick())
    monkeypatch.setattr(chunks, "MockSurvey", StoredSurvey)
    monkeypatch.setattr(chunks, "PLATES", 384)  # the next batch of the same stars comes back to their plates
    monkeypatch.setattr(lookup, "load", load_once)
    real = worker.process_chunk
    monkeypatch.setattr(job, "process_chunk", lambda task: (asked.append(task.number), real(task))[1])
    return asked


def batch(request: Request, chunk: int = 32, **settings) -> Batch:
    return Batch(
        request, EstimateSettings(**{"model": "quick", "sha256": "0", "samples": 2, "seed": 0, **settings}), chunk
    )


MOCK = Request(mock=100)


@pytest.mark.slow
def test_the_table_does_not_depend_on_the_chunk_size(quick, tmp_path):
    found = [run_batch(batch(MOCK, chunk), tmp_path / f"{chunk}.parquet") for chunk in (32, 96, 512)]
    tables = [(tmp_path / f"{chunk}.parquet").read_bytes() for chunk in (32, 96, 512)]
    assert tables[0] == tables[1] == tables[2] and len({one["table"] for one in found}) == 1
    assert found[0]["rows"] == 100 and found[0]["mock"] is True and found[0]["errors"] + found[0]["answered"] == 100
    rows = pq.read_table(tmp_path / "32.parquet").to_pylist()
    assert [row["row"] for row in rows] == list(range(100)) and len({row["star"] for row in rows}) == 100
    assert all(
        (row["error"] is None) == (row["teff_mean"] is not None) == (row["in_domain"] is not None) for row in rows
    )
    assert not list(tmp_path.glob("*.parts")), "only the table and its provenance remain"


@pytest.mark.slow
def test_an_interrupted_batch_resumes_and_repeats_no_chunk(quick, tmp_path, monkeypatch):
    run_batch(batch(MOCK), tmp_path / "whole.parquet")
    quick.clear()
    process, write = job.process_chunk, job.write_table

    def stop_at(number):
        def stopping(task):
            if task.number == number:
                raise KeyboardInterrupt
            return process(task)

        return stopping

    for number in (0, 2):
        monkeypatch.setattr(job, "process_chunk", stop_at(number))
        with pytest.raises(KeyboardInterrupt):
            run_batch(batch(MOCK), tmp_path / "broken.parquet")
        assert not (tmp_path / "broken.parquet").exists()
    (tmp_path / "broken.parquet.parts" / ".chunk-0000003.parquet.1-1.tmp").write_bytes(b"half")
    monkeypatch.setattr(job, "process_chunk", process)
    monkeypatch.setattr(job, "write_table", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_batch(batch(MOCK), tmp_path / "broken.parquet")
    monkeypatch.setattr(job, "write_table", write)
    monkeypatch.setattr(job.shutil, "rmtree", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_batch(batch(MOCK), tmp_path / "broken.parquet")
    monkeypatch.undo()
    assert quick == [0, 1, 2, 3], "each chunk was processed once"
    run_batch(batch(MOCK), tmp_path / "broken.parquet")
    assert (tmp_path / "broken.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert run_batch(batch(MOCK), tmp_path / "broken.parquet")["rows"] == 100, "a finished batch only reports again"


@pytest.mark.parametrize(
    "other", [batch(Request(mock=101)), batch(MOCK, seed=1), batch(MOCK, sha256="1"), batch(MOCK, 64)]
)
def test_a_table_of_another_batch_is_not_overwritten(quick, tmp_path, other, monkeypatch):
    out = tmp_path / "worker.parquet"
    run_batch(batch(MOCK), out)
    before = out.read_bytes()
    with pytest.raises(RunError, match="belongs to another run: it differs in"):
        run_batch(other, out)
    (tmp_path / "worker.parquet.json").unlink()
    with pytest.raises(RunError, match="exists and is not of this batch"):
        run_batch(other, out)
    assert out.read_bytes() == before and not list(tmp_path.glob("*.parts"))


def test_a_damaged_chunk_is_detected_and_repeated(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "write_table", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_batch(batch(MOCK), tmp_path / "a.parquet")
    monkeypatch.undo()
    monkeypatch.setattr(worker, "_load", lambda model, sha256: Quick())
    parts = tmp_path / "a.parquet.parts"
    (parts / "chunk-0000001.parquet").write_bytes((parts / "chunk-0000002.parquet").read_bytes())
    with pytest.raises(StorageError, match="damaged"):
        run_batch(batch(MOCK), tmp_path / "a.parquet")
    assert run_batch(batch(MOCK), tmp_path / "a.parquet")["rows"] == 100


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"PAR1 and no more", bytes(100)])
@pytest.mark.parametrize("name", ["chunk-0000001.parquet", "plan.json", "inputs.arrow", "a.parquet.json"])
def test_any_damaged_file_gives_a_one_sentence_error(quick, tmp_path, monkeypatch, name, data):
    request, out = Request(tuple(star.name for star in MockSurvey().star_ids(16000)[:40])), tmp_path / "a.parquet"
    if name == "a.parquet.json":
        run_batch(batch(request), out)
    else:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(job, "write_table", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
            run_batch(batch(request), out)
    (tmp_path / ("" if name == "a.parquet.json" else "a.parquet.parts") / name).write_bytes(data)
    with pytest.raises(StellarError) as caught:
        run_batch(batch(request), out)
    assert "\n" not in str(caught.value) and caught.value.remedy
    if name.startswith("chunk"):
        assert run_batch(batch(request), out)["rows"] == 40


def test_relative_paths_of_a_list_resolve_from_any_working_directory(quick, tmp_path, monkeypatch):
    survey = MockSurvey()
    for k in range(2):
        write_spec_lite(survey.spectrum(survey.star_ids(16000)[k]), tmp_path / f"{k}.fits")
    (tmp_path / "list.txt").write_text("0.fits\n1.fits\n")
    (tmp_path / "elsewhere").mkdir()
    request, out = Request(listed=str(tmp_path / "list.txt")), tmp_path / "a.csv"
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(job, "_process_chunks", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        run_batch(batch(request), out)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run_batch(batch(request), out)["answered"] == 2


def test_a_changed_list_is_refused_and_a_removed_list_is_not_needed(quick, tmp_path):
    listed, out = tmp_path / "list.txt", tmp_path / "a.csv"
    names = [star.name for star in MockSurvey().star_ids(16000)[:3]]
    listed.write_text("\n".join(names[:2]))
    first = run_batch(batch(Request(listed=str(listed))), out)
    listed.write_text("\n".join(names))
    with pytest.raises(RunError, match="the content of the list"):
        run_batch(batch(Request(listed=str(listed))), out)
    listed.unlink()
    assert run_batch(batch(Request(listed=str(listed))), out) == first


def test_a_batch_killed_during_cleanup_is_finished(quick, tmp_path, monkeypatch):
    out = tmp_path / "a.parquet"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(job.shutil, "rmtree", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        run_batch(batch(MOCK), out)
    (tmp_path / "a.parquet.parts" / "plan.json").unlink()
    assert run_batch(batch(MOCK), out)["rows"] == 100 and not list(tmp_path.glob("*.parts"))


def test_a_file_whose_name_is_not_unicode_has_its_row(quick, tmp_path):
    star = MockSurvey().spectrum(MockSurvey().star_ids(16000)[0])
    (tmp_path / "spectra").mkdir()
    path = tmp_path / "spectra" / "star.fits"
    columns = {"loglam": np.log10(star.wavelength), "flux": star.flux, "ivar": star.ivar}
    Table(columns).write(path)
    os.rename(path, os.fsencode(tmp_path / "spectra") + b"/\xe9toile.fits")
    assert run_batch(batch(Request((str(tmp_path / "spectra"),))), tmp_path / "a.parquet")["rows"] == 1
    row = pq.read_table(tmp_path / "a.parquet").to_pylist()[0]
    assert row["error"] is None and row["star"] == "\ufffdtoile.fits" and row["specobjid"] is None


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_every_column_has_a_description_and_unknown_numbers_are_null(quick, tmp_path):
    names = [MockSurvey().star_ids(16000)[0].name, "nothing"]
    for ending in ("parquet", "fits", "vot", "csv", "ecsv", "json"):
        run_batch(batch(Request(tuple(names))), tmp_path / f"a.{ending}")
        if ending == "parquet":
            found = pq.read_table(tmp_path / "a.parquet")
            assert all(field.metadata[b"description"] for field in found.schema)
            assert (
                found["fiber"].to_pylist() == [int(names[0][-4:]), None] and found["specobjid"].to_pylist()[1] is None
            )
            continue
        if ending == "json":
            content = json.loads((tmp_path / "a.json").read_text())
            assert all(field["description"] for field in content["schema"]["fields"])
            assert [row["plate"] for row in content["data"]] == [16000, None]
            continue
        found = Table.read(tmp_path / f"a.{ending}")
        assert list(np.ma.filled(found["plate"], 0)) == [16000, 0]
        if ending != "csv":
            words = {
                name: found[name].description or found.meta.get(f"TCOMM{at}")
                for at, name in enumerate(found.colnames, 1)
            }
            assert "log10 of years" in words["log_age_median"] and all(words.values())


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_file_names_that_are_not_unicode_are_written_in_every_format(quick, tmp_path):
    survey = MockSurvey()
    path = write_spec_lite(survey.spectrum(survey.star_ids(16000)[0]), tmp_path / "spec.fits")
    (tmp_path / "spectra").mkdir()
    os.rename(path, os.fsencode(tmp_path / "spectra") + b"/caf\xe9.fits")
    request = Request((str(tmp_path / "spectra"), "a\x00b\x01", "]]>"))
    for ending in ("parquet", "fits", "vot", "csv", "ecsv", "json"):
        found = run_batch(batch(request), tmp_path / f"a.{ending}")
        assert (found["answered"], found["errors"]) == (1, 2)
        if ending != "parquet":
            path = tmp_path / f"a.{ending}"
            rows = pd.read_json(path, orient="table") if ending == "json" else Table.read(path)
            names = [str(name) for name in rows["input"]]
            assert [name.rpartition("/")[2] for name in names] == [
                name.replace("\ufffd", "?" if ending == "fits" else "\ufffd")
                for name in ("caf\ufffd.fits", "a\ufffdb\ufffd", "]]>")
            ]


def test_every_input_has_its_row_and_bad_inputs_do_not_shift_the_others(quick, tmp_path):
    stars = [star.name for star in MockSurvey().star_ids(16000)[:40]]
    spoiled = list(stars)
    spoiled[3], spoiled[20], spoiled[39] = "nonsense", str(tmp_path / "none.fits"), "999999-1-1"
    for name, texts in (("good", stars), ("bad", spoiled)):
        run_batch(batch(Request(tuple(texts))), tmp_path / f"{name}.parquet")
    good, bad = (pq.read_table(tmp_path / f"{name}.parquet").to_pylist() for name in ("good", "bad"))
    for k, (one, other) in enumerate(zip(good, bad, strict=True)):
        assert other["input"] == spoiled[k]
        if k in (3, 20, 39):
            assert other["error"] and "\n" not in other["error"] and other["teff_mean"] is None
        else:
            assert one == other


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
@pytest.mark.slow
def test_every_format_holds_the_values_of_parquet(quick, tmp_path):
    request = Request((*(star.name for star in MockSurvey().star_ids(16001)[:34]), "n\u00f6 <star> & none"))
    for ending in ("parquet", "fits", "vot", "csv", "ecsv", "json"):
        run_batch(batch(request), tmp_path / f"a.{ending}")
    truth = pq.read_table(tmp_path / "a.parquet").to_pandas()
    assert truth["error"].notna().sum() >= 1
    for ending in ("fits", "vot", "ecsv"):
        found = Table.read(tmp_path / f"a.{ending}")
        assert found.colnames == list(truth.columns) and len(found) == 35
        assert found["teff_mean"].unit == u.K and found["ra"].unit == u.deg
        assert found["log_age_p16"].unit == u.dex(u.yr) and found["feh_mean"].unit == u.dex
        for name in truth.columns:
            if truth[name].dtype.kind == "f":
                np.testing.assert_array_equal(
                    np.ma.filled(found[name].astype(float), np.nan), truth[name].astype(float)
                )
        good = truth["error"].isna().to_numpy()
        assert [str(text) for text in found["messages"][good]] == list(truth["messages"][good])
        assert list(found["in_domain"][good]) == list(truth["in_domain"][good])
        assert str(found["specobjid"][0]) == truth["specobjid"][0] and len(truth["specobjid"][0]) == 20
    tables = list(read_chunks([tmp_path / "a.parquet"]))
    for ending in (".parquet", ".fits", ".vot", ".csv", ".ecsv", ".json"):
        table = batch_table(lambda: tables, {"model": "quick"})
        write_table(tmp_path / f"b{ending}", table)
        assert table_bytes(ending, table) == (tmp_path / f"b{ending}").read_bytes()
    rows = pd.read_json(tmp_path / "a.json", orient="table")
    assert list(rows.columns) == list(truth.columns) and list(rows["specobjid"][:34]) == list(truth["specobjid"][:34])
    np.testing.assert_array_equal(rows["log_age_median"].astype("float32"), truth["log_age_median"])
    plain = pd.read_csv(tmp_path / "a.csv", dtype={"specobjid": str})
    np.testing.assert_allclose(plain["teff_mean"], truth["teff_mean"], rtol=1e-6)
    assert list(plain["specobjid"][:34]) == list(truth["specobjid"][:34])


@pytest.mark.parametrize("give_up", [False, True])
def test_transient_errors_are_retried_or_recorded(quick, tmp_path, monkeypatch, give_up):
    stars = tuple(star.name for star in MockSurvey().star_ids(16000)[:70])
    away = {stars[40]}
    real = IdentifierChunk._read

    def read(self, archive, text):
        return TransientError("The server is away.") if text in away else real(self, archive, text)

    monkeypatch.setattr(IdentifierChunk, "_read", read)
    plan, out = batch(Request(stars), 32), tmp_path / "a.parquet"
    if give_up:
        assert run_batch(plan, out, give_up=True)["errors"] >= 1
        assert "away" in pq.read_table(out)["error"].to_pylist()[40]
        return
    with pytest.raises(ArchiveError, match="1 of 3 chunks .* away"):
        run_batch(plan, out)
    away.clear()
    quick.clear()
    run_batch(plan, out)
    assert quick == [1], "only the chunk with the transient error was repeated"
    assert "away" not in str(pq.read_table(out)["error"].to_pylist())


@pytest.mark.slow
def test_sspp_parameters_are_copied_and_not_used(quick, tmp_path, monkeypatch):
    run_batch(batch(MOCK), tmp_path / "a.parquet")
    monkeypatch.setattr(chunks, "_sspp", lambda seed, plate: {name: np.full(1000, 1.0) for name in SSPP})
    run_batch(batch(MOCK), tmp_path / "b.parquet")
    one, other = (pq.read_table(tmp_path / f"{name}.parquet") for name in "ab")
    copied = [name for name in one.column_names if name.startswith("sspp")]
    assert one.drop_columns(copied).equals(other.drop_columns(copied))
    assert other["sspp_teff"].to_pylist() == [1.0] * 100 != one["sspp_teff"].to_pylist()


@pytest.mark.slow
def test_other_weights_are_refused(tmp_path):
    worker._load.cache_clear()
    plan = Batch(MOCK, EstimateSettings("isochrone", "of another model", 2, 0), 64)
    with pytest.raises(ModelError, match="differ from those"):
        run_batch(plan, tmp_path / "a.parquet")


@pytest.mark.parametrize("options", [{"chunk": 33}, {"chunk": 0}, {"samples": 1}, {"seed": -1}, {"model": "none"}])
def test_settings_out_of_range_give_a_one_sentence_error(options):
    with pytest.raises((ParameterError, ModelError)) as caught:
        Batch.of(MOCK, **{"model": "isochrone", **options})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_command_line(quick, tmp_path):
    star = MockSurvey().star_ids(16000)[0].name
    call = ["batch", star, "no star", "--out", str(tmp_path / "a.parquet"), "--json"]
    for _ in range(2):
        done = CliRunner().invoke(app, call)
        found = json.loads(done.stdout)
        assert done.exit_code == 0 and (found["rows"], found["errors"], found["mock"]) == (2, 1, True)
    assert quick == [0], "the second call reports the finished batch"
    done = CliRunner().invoke(app, ["batch", "no star", "--out", str(tmp_path / "b.parquet")])
    assert done.exit_code == 2 and "0 results and 1 error for 1 inputs" in done.stdout
    done = CliRunner().invoke(app, ["batch", "--mock", "5", "--out", str(tmp_path / "b.txt")])
    assert isinstance(done.exception, ParameterError) and ".parquet" in str(done.exception)
    done = CliRunner().invoke(
        app, ["batch", "--mock", "5", "--cluster", "tcp://127.0.0.1:1", "--out", str(tmp_path / "c.parquet")]
    )
    assert isinstance(done.exception, ParameterError) and "cannot be reached" in str(done.exception)
