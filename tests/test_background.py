"""Background processes: one per command, alive while the lock is held, and with a reason when they fail."""

import json
import os
import signal
import time

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from stellar_core import background
from stellar_core.__main__ import app
from stellar_core.background import State, reporting, start, state, stop
from stellar_core.errors import RunError, StorageError

NESTED = "[" * 100_000


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_lock_shows_that_it_runs_and_the_file_its_progress(tmp_path):
    status = tmp_path / "folder" / "a.json"
    assert state(status) == State(False)
    with reporting(status) as report:
        report("stars", 1, 4)
        assert state(status) == State(True, "stars", 0.25) and 0 < state(status).elapsed < 60
        with pytest.raises(RunError, match="already"), reporting(status):
            pass
        assert state(status) == State(True, "stars", 0.25)
    assert state(status) == State(False) and not status.exists()


def test_failures_are_reported_and_damaged_files_are_no_status(tmp_path):
    status = tmp_path / "a.json"
    with pytest.raises(StorageError), reporting(status):
        raise StorageError("The disk is full.")
    assert state(status) == State(False, "The disk is full.", 0.0, True)
    with pytest.raises(ZeroDivisionError), reporting(status):
        raise ZeroDivisionError
    assert state(status) == State(False, "ZeroDivisionError", 0.0, True)
    for text in ("{", "[]", '{"share": "x", "begun": "y"}', NESTED):
        status.write_text(text)
        assert not state(status).running


def test_without_a_status_file_nothing_is_written(tmp_path):
    with reporting(None) as report:
        report("stars", 1, 4)
    assert not list(tmp_path.iterdir())


def test_a_process_is_started_once_reports_its_progress_and_can_be_stopped(tmp_path, monkeypatch):
    status, out = tmp_path / "a.json", tmp_path / "stars.parquet"
    start(status, ["catalogue", "--stars", "20000", "--out", str(out)])
    assert state(status).running
    begun = []
    monkeypatch.setattr(background.subprocess, "Popen", lambda *args, **options: begun.append(args))
    start(status, ["catalogue"])
    assert not begun
    wait_for(lambda: "pid" in json.loads(status.read_text()))
    assert state(status).running
    stop(status)
    with FileLock(tmp_path / "a.json.lock", timeout=30):
        assert not out.exists()
    assert state(status) == State(False)


def test_a_killed_process_has_failed_by_the_signal(tmp_path):
    status = tmp_path / "a.json"
    start(status, ["catalogue", "--stars", "20000", "--out", str(tmp_path / "stars.parquet")])
    wait_for(lambda: "pid" in json.loads(status.read_text()))
    os.kill(json.loads(status.read_text())["pid"], signal.SIGKILL)
    wait_for(lambda: state(status).failed)
    wait_for(lambda: "SIGKILL, perhaps for lack of memory" in state(status).message)


def test_the_reason_of_a_failure_before_the_work_is_the_last_line_of_its_log(tmp_path):
    status = tmp_path / "a.json"
    start(status, ["catalogue", "--no-such-option"])
    wait_for(lambda: not state(status).running)
    assert state(status).failed and "--no-such-option" in state(status).message


def test_a_process_that_died_unseen_has_failed(tmp_path):
    status = tmp_path / "a.json"
    status.write_text('{"what": "stars", "share": 0.5, "pid": 1}')
    (tmp_path / "a.json.log").write_text("stars: 10 of 20\n")
    assert state(status) == State(False, "The process was killed, or the machine went down.", 0.5, True)
    status.write_text('{"what": "starting", "begun": 1.0}')
    (tmp_path / "a.json.log").write_text("Traceback\nModuleNotFoundError: No module named 'x'\n\n")
    assert state(status) == State(False, "ModuleNotFoundError: No module named 'x'", 0.0, True)


def test_commands_take_a_status_file(tmp_path):
    status = tmp_path / "a.json"
    done = CliRunner().invoke(app, ["fetch", "mist", "--out", str(tmp_path), "--feh", "0.1", "--status", str(status)])
    assert done.exit_code and state(status).failed and "MIST has no tracks" in state(status).message
