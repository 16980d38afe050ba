"""A whole run: its files, interruption and resumption, and Ctrl-C on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stellar_core.errors import RunError
from stellar_core.pipeline import train_model as pipeline
from stellar_core.pipeline.train_model import train_model
from stellar_core.training.checkpoint import NEWEST
from stellar_core.training.config import TrainingConfig
from tests.small_run import config, stars

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fast_run(monkeypatch):
    """Invented stars, and no calibration or test; gives the sets that were made."""
    made = []

    def make(n, data, split, progress=None):
        progress(f"making {split} stars", n, n)
        made.append(split)
        return stars()

    def finish(config, network, used, folder, say, stop, progress, sets=None):
        return {"name": config.name, "training_stars": used}

    monkeypatch.setattr(pipeline, "make_stars", make)
    monkeypatch.setattr(pipeline, "finish", finish)
    return made


def test_a_finished_run_keeps_configuration_and_history_but_no_checkpoint(tmp_path, fast_run):
    reports = []
    card = train_model(config(epochs=2), tmp_path / "model", report=reports.append)
    assert card == {"name": "paper-setup-a", "training_stars": 200} and fast_run == ["train"]
    assert TrainingConfig.read(tmp_path / "model" / "config.json") == config(epochs=2)
    history = json.loads((tmp_path / "model" / "history.json").read_text())
    assert [record["epoch"] for record in history] == [1, 2] and reports[-1]["step"] == 20
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["config.json", "history.json"]


@pytest.mark.slow
def test_a_stopped_run_can_be_resumed(tmp_path, fast_run):
    said, counted, calls = [], [], iter(range(100))
    stop, progress = lambda: next(calls) >= 12, lambda *values: counted.append(values)
    assert train_model(config(epochs=2), tmp_path, say=said.append, stop=stop, progress=progress) is None
    assert counted == [("making train stars", 56_000, 56_000)]
    assert "Run the same command again" in said[-1] and (tmp_path / NEWEST).exists()
    (tmp_path / f".{NEWEST}.1-1.tmp").write_bytes(b"half a checkpoint")
    reports = []
    assert train_model(config(epochs=2), tmp_path, report=reports.append)
    assert reports[0]["step"] == 13 and not list(tmp_path.glob("*checkpoint*"))


def test_a_run_can_be_stopped_while_stars_are_made(tmp_path, fast_run):
    said = []
    assert train_model(config(), tmp_path, say=said.append, stop=lambda: True) is None
    assert "Stopped" in said[-1] and not fast_run


def test_an_unfinished_run_with_other_settings_is_refused_before_stars_are_made(tmp_path, fast_run):
    calls = iter(range(100))
    train_model(config(), tmp_path, stop=lambda: next(calls) >= 3)
    with pytest.raises(RunError, match="another folder"):
        train_model(config(setup="B"), tmp_path)
    assert fast_run == ["train"] and TrainingConfig.read(tmp_path / "config.json") == config()


@pytest.mark.slow
def test_ctrl_c_on_the_command_line_leaves_a_checkpoint_and_explains_how_to_continue(tmp_path):
    path, out = tmp_path / "run.json", tmp_path / "model"
    path.write_text(json.dumps(config(epochs=2000, data={"stars": 100, "calibration": 100, "test": 100}).to_dict()))
    process = subprocess.Popen(
        [sys.executable, "-m", "stellar_core", "train", str(path), "--out", str(out)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    said = []
    for line in process.stderr:
        said.append(line)
        if "step 1/" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, said
    assert "Traceback" not in "".join(said) and "Run the same command again" in said[-1]
    assert (out / NEWEST).exists() and TrainingConfig.read(out / "config.json").epochs == 2000
