"""The queue without workers: order, states, names, errors."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from filelock import FileLock

from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ParameterError, StorageError
from stellar_core.jobs import folder as folder_module
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.spec import JobConfig, StarSource
from stellar_core.jobs.status import START_SECONDS, Status, read_status, write_status
from stellar_core.training.config import TrainingConfig
from tests.job_worker import ROOT

SMALL = JobConfig("Small run", TrainingConfig(data=DataConfig(stars=200, calibration=100, test=100)))


class Idle:
    """A launcher that starts nothing and records its calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, job, token: str) -> None:
        self.asked.append((job.id, token))


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path, Idle())


def working(job) -> FileLock:
    """As if a worker were at the job: its lock, held."""
    status = read_status(job.folder / "status.json")
    job.write(status.enter("running", phase="training"))
    lock = FileLock(job.lock)
    lock.acquire()
    return lock


def test_one_job_starts_and_the_others_wait_in_order(queue):
    jobs = [queue.submit(replace(SMALL, name=name)) for name in ("one", "two", "three")]
    assert [job.id for job in jobs] == ["0001-one", "0002-two", "0003-three"]
    assert queue.start_next().id == "0001-one" and queue.start_next() is None
    assert [job.status().state for job in jobs] == ["starting", "queued", "queued"]
    lock = working(jobs[0])
    assert jobs[0].status().state == "running" and queue.start_next() is None
    lock.release()
    assert jobs[0].status().state == "failed"
    assert queue.start_next().id == "0002-two" and len(queue.launch.asked) == 2
    assert read_status(jobs[0].folder / "status.json").state == "failed", "the corrected status is written"


def test_only_one_of_several_processes_starts_the_job(tmp_path):
    Queue(tmp_path).submit(SMALL)
    Queue(tmp_path).submit(SMALL)
    code = (
        "from pathlib import Path; from stellar_core.jobs.queue import Queue\n"
        f"print(Queue(Path({str(tmp_path)!r}), lambda job, token: None).start_next() is not None)"
    )
    looking = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    answers = [process.communicate()[0].strip() for process in looking]
    assert sorted(answers) == ["False", "False", "False", "True"]


def test_a_worker_that_does_not_start_in_time_fails(queue, monkeypatch):
    first, second = queue.submit(SMALL), queue.submit(SMALL)
    queue.start_next()
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + START_SECONDS - 2)
    assert first.status().state == "starting"
    monkeypatch.setattr(time, "monotonic", lambda: begun + START_SECONDS + 2)
    assert "did not start" in first.status().reason
    assert queue.start_next().id == second.id
    monkeypatch.setattr(time, "monotonic", lambda: begun - 1e6)  # the machine was started anew
    assert second.status().state == "failed"


def test_a_jump_of_the_wall_clock_has_no_effect(queue, monkeypatch):
    job = queue.submit(SMALL)
    queue.start_next()
    for moment in (0.0, 4e9):
        monkeypatch.setattr(time, "time", lambda: moment)
        assert job.status().state == "starting"


def test_the_next_job_starts_if_a_worker_cannot_be_launched(tmp_path):
    def broken(job, token):
        if job.number == 1:
            raise OSError("no more processes")

    queue = Queue(tmp_path, broken)
    first, second = queue.submit(SMALL), queue.submit(SMALL)
    assert queue.start_next().id == second.id
    assert "no more processes" in first.status().reason


def test_cancel_resume_retry_delete(queue):
    job = queue.submit(SMALL)
    assert queue.cancel(job).state == "cancelled" and queue.start_next() is None
    with pytest.raises(ParameterError, match="not running"):
        queue.cancel(job)
    queue.resume(job)
    assert job.status().state == "queued" and not job.cancel_file.exists()
    with pytest.raises(ParameterError, match="Only a cancelled or failed"):
        queue.resume(job)
    queue.start_next()
    lock = working(job)
    assert queue.cancel(job).state == "running" and job.cancel_file.exists()
    with pytest.raises(ParameterError, match="running"):
        queue.delete(job)
    lock.release()
    assert job.status().state == "cancelled", "the worker died before it wrote this"
    again = queue.retry(job)
    assert again.name == "Small run again" and again.config.training == SMALL.training
    queue.delete(job)
    assert [found.id for found in queue.jobs()] == [again.id] and not job.folder.exists()
    queue.delete(again)
    assert queue.submit(SMALL).number == 3, "numbers are not reused, because links would lead to another job"


def test_names_and_notes(queue):
    job = queue.submit(SMALL)
    changed = queue.change(job, name=" <b>Mine</b> ", note="first try")
    assert changed.config.name == "<b>Mine</b>" and changed.config.note == "first try" and changed.id == job.id
    assert changed.config.training == SMALL.training
    with pytest.raises(ParameterError, match="letters of the note"):
        queue.change(job, note="x" * 3000)
    assert queue.find("1").id == queue.find(job.id).id == job.id
    for wrong in ("7", "../etc", "", "0001"[:3] + "x"):
        with pytest.raises(ParameterError, match="There is no job"):
            queue.find(wrong)


def test_damaged_files_fail_the_job_without_a_crash(queue):
    job = queue.submit(SMALL)
    for damage in (b"", b"{", b"[]", b'{"state": "strange"}', b'{"state": "running", "done": "x"}', b"\x00\xff"):
        (job.folder / "status.json").write_bytes(damage)
        assert read_status(job.folder / "status.json") is None
        assert job.status().state == "failed" and "damaged" in job.status().reason
    queue.start_next()
    assert read_status(job.folder / "status.json").state == "failed"
    (job.folder / "job.json").write_text("{")
    fresh = queue.find(job.id)
    assert fresh.name == job.id
    with pytest.raises(ParameterError, match="cannot be read"):
        queue.resume(fresh)
    queue.delete(fresh)


def test_a_job_on_a_full_disk_is_refused_and_leaves_nothing(queue, monkeypatch):
    def full(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module.Job, "reserve_space", full)
    with pytest.raises(StorageError, match="No space left"):
        queue.submit(SMALL)
    assert not queue.jobs() and not [path for path in queue.folder.iterdir() if path.is_dir()]


def test_the_final_status_is_written_on_a_full_disk(queue, monkeypatch):
    job = queue.submit(SMALL)
    (job.folder / "model").mkdir()
    (job.folder / "model" / "checkpoint.pt.tmp").write_bytes(bytes(1000))
    assert (job.folder / "reserve").stat().st_size > 50_000
    job.write_last(Status("failed", "The disk is full."))
    assert job.status().reason == "The disk is full."
    assert not list(job.folder.rglob("*.tmp")) and not (job.folder / "reserve").exists()


def test_status_survives_unknown_keys_and_keeps_its_numbers(tmp_path):
    path = tmp_path / "status.json"
    write_status(path, Status("running", phase="training", done=3, total=9, losses={"age": 0.5}, seconds=12.5))
    path.write_text(json.dumps({**json.loads(path.read_text()), "from a later version": 1}))
    found = read_status(path)
    assert (found.done, found.total, found.losses, found.seconds) == (3, 9, {"age": 0.5}, 12.5) and found.written


def test_the_curve_skips_repeated_steps_and_truncated_lines(queue):
    job = queue.submit(SMALL)
    lines = [
        json.dumps({"step": step, "epoch": step / 10, "losses": {"total": value}})
        for step, value in ((5, 3.0), (9, 2.0), (7, 2.5), (11, 1.0))
    ]
    (job.folder / "curve.jsonl").write_text("\n".join([*lines[:3], '{"step": 8, "ep', lines[3], "null"]))
    assert [(point["step"], point["losses"]["total"]) for point in job.curve()] == [(5, 3.0), (7, 2.5), (11, 1.0)]


def test_a_table_is_stored_with_its_job(queue):
    config = replace(SMALL, source=StarSource("table"))
    with pytest.raises(ParameterError, match="come from a table"):
        queue.submit(config)
    with pytest.raises(ParameterError, match="come from a table"):
        queue.submit(SMALL, b"star,teff")
    job = queue.submit(config, b"star,teff\n")
    assert (queue.retry(job).folder / "table.csv").read_bytes() == b"star,teff\n"


NESTED = "[" * 100_000


@pytest.mark.parametrize(
    "content",
    [
        NESTED,
        '{"a":' * 900 + "1" + "}" * 900,
        '{"state": "queued", "losses": ' + "[" * 900 + "]" * 900 + "}",
        '{"state": "running", "since": "now"}',
        '{"state": ["queued"]}',
        "\udcff",
    ],
)
def test_a_hostile_status_fails_its_job_only(queue, content):
    bad, good = queue.submit(replace(SMALL, name="bad")), queue.submit(replace(SMALL, name="good"))
    (bad.folder / "status.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert queue.start_next().id == good.id and bad.status().state == "failed"


def test_hostile_files_of_a_job_do_not_stop_the_queue(tmp_path):
    queue = Queue(tmp_path, lambda job, token: job.config)  # which the worker's launch reads first
    bad, good = queue.submit(replace(SMALL, name="bad")), queue.submit(replace(SMALL, name="good"))
    (bad.folder / "model").mkdir()
    for name in ("job.json", "epochs.json", "sample.json", "curve.jsonl", "model/card.json", "model/history.json"):
        (bad.folder / name).write_text(NESTED)
    assert queue.start_next().id == good.id and bad.status().state == "failed"
    fresh = queue.find(bad.id)
    assert (fresh.name, fresh.card, fresh.history(), fresh.epochs(), fresh.sample(), fresh.curve()) == (
        bad.id,
        None,
        [],
        [],
        {},
        [],
    )


@pytest.mark.parametrize("text", ["²", "١", "9" * 5000, "", "1e3", "-1"])
def test_invalid_job_numbers_find_no_job(queue, text):
    queue.submit(replace(SMALL, name="one"))
    with pytest.raises(ParameterError, match="no job"):
        queue.find(text)
