"""Errands: one process each, seen from outside whether it lives, and what it says when it fails."""

import json
import time

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from stellar_core import background
from stellar_core.__main__ import app
from stellar_core.background import State, start, state, stop, watched
from stellar_core.errors import ArchiveError, ParameterError


def test_the_lock_says_whether_it_lives_and_the_file_what_it_does(tmp_path):
    status = tmp_path / "folder" / "a.json"
    assert state(status) == State(False)
    with watched(status) as note:
        note("stars", 1, 4)
        assert state(status) == State(True, "stars", 0.25)
        with pytest.raises(ParameterError, match="already"), watched(status):
            pass
        assert state(status).running
    assert state(status) == State(False) and not status.exists()


def test_failures_are_told_and_damage_is_no_status(tmp_path):
    status = tmp_path / "a.json"
    with pytest.raises(ArchiveError), watched(status):
        raise ArchiveError("The disk is full.")
    assert state(status) == State(False, "The disk is full.", 0.0, True)
    for text in ("{", "[]", '{"share": "x", "begun": "y"}'):
        status.write_text(text)
        assert not state(status).running


def test_without_a_status_file_nothing_is_written(tmp_path):
    with watched(None) as note:
        note("stars", 1, 4)
    assert not list(tmp_path.iterdir())


def test_a_process_is_started_once_tells_its_progress_and_can_be_stopped(tmp_path, monkeypatch):
    status, out = tmp_path / "a.json", tmp_path / "stars.parquet"
    start(status, ["catalogue", "--stars", "20000", "--out", str(out)])
    assert state(status).running
    begun = []
    monkeypatch.setattr(background.subprocess, "Popen", lambda *args, **options: begun.append(args))
    start(status, ["catalogue"])
    assert not begun
    while "pid" not in json.loads(status.read_text()):
        time.sleep(0.05)
    assert state(status).running
    stop(status)
    with FileLock(tmp_path / "a.json.lock", timeout=30):
        assert not out.exists()
    assert state(status) == State(False)


def test_commands_take_a_status_file(tmp_path):
    status = tmp_path / "a.json"
    done = CliRunner().invoke(app, ["fetch", "mist", "--out", str(tmp_path), "--feh", "0.1", "--status", str(status)])
    assert done.exit_code and state(status).failed and "MIST has no tracks" in state(status).what
