"""The loop: it learns, it validates, it stops when asked, and a killed run ends as one left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from stellar_core import model_store
from stellar_core.errors import ModelError, ParameterError, RunError
from stellar_core.models.checkpoints import save_network
from stellar_core.training.batches import Batches
from stellar_core.training.checkpoint import NEWEST, PREVIOUS
from stellar_core.training.distributed import processes
from stellar_core.training.learner import Learner, half_precision
from stellar_core.training.loop import train
from tests.small_run import config, stars

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def sample():
    return stars()


@pytest.fixture(scope="module")
def whole(sample, one_thread):
    """A run left alone."""
    return train(config(), sample)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    return all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def stopper(after: int):
    """A ``stop`` that turns true at the given call."""
    calls = iter(range(1, 10_000))
    return lambda: next(calls) >= after


def small_run(folder: Path, **settings: object) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.small_run", str(folder), json.dumps(settings)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_weights_of_an_uninterrupted_one(tmp_path, whole):
    """SIGKILL to a process of its own; the same bits on a CPU with one thread."""
    killed = small_run(tmp_path)
    for text in killed.stdout:
        if int(text) >= 24 and (tmp_path / NEWEST).exists():
            killed.send_signal(signal.SIGKILL)
            break
    assert killed.wait(60) == -signal.SIGKILL
    assert not (tmp_path / "weights.npz").exists()
    resumed = small_run(tmp_path)
    steps = [int(text) for text in resumed.stdout]
    assert resumed.wait(60) == 0
    assert 2 < steps[0] and steps == list(range(steps[0], 41))
    found = np.load(tmp_path / "weights.npz")
    expected = whole.network.state_dict()
    assert set(found.files) == set(expected)
    for name, value in expected.items():
        assert np.array_equal(value.numpy(), found[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_a_run_stopped_at_any_step_resumes_to_the_same_weights_and_history(tmp_path, sample, schedule):
    settings = config(schedule=schedule, patience=2, plateau_patience=0, learning_rate=3e-3)
    alone = train(settings, sample)
    for rounds in range(1, 20):  # noqa: B007  (used below)
        trained = train(settings, sample, tmp_path, stop=stopper(7))
        if trained.finished:
            break
    assert rounds > 3
    assert same(alone.network, trained.network)
    for first, second in zip(alone.history, trained.history, strict=True):
        assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert json.loads((tmp_path / "history.json").read_text()) == trained.history


def test_a_stopped_run_leaves_a_checkpoint_of_the_last_step(tmp_path, sample):
    stopped = train(config(), sample, tmp_path, stop=stopper(13))
    assert not stopped.finished and len(stopped.history) == 1
    steps = []
    train(config(), sample, tmp_path, lambda state: steps.append(state["step"]), report_seconds=0.0)
    assert steps == list(range(14, 41))


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty", "missing"])
def test_a_damaged_checkpoint_is_replaced_by_the_one_before(tmp_path, sample, whole, damage):
    train(config(), sample, tmp_path, stop=stopper(23), save_seconds=0.0)
    newest = tmp_path / NEWEST
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    contents = {"cut short": content[: len(content) // 3], "one bit": content, "empty": b""}
    newest.unlink() if damage == "missing" else newest.write_bytes(contents[damage])
    steps = []
    resumed = train(config(), sample, tmp_path, lambda state: steps.append(state["step"]), report_seconds=0.0)
    assert steps[0] == 23
    assert same(whole.network, resumed.network)


def test_without_an_undamaged_checkpoint_a_run_starts_again(tmp_path, sample, whole):
    for name in (NEWEST, PREVIOUS):
        (tmp_path / name).write_bytes(b"nothing of use")
    assert same(whole.network, train(config(), sample, tmp_path).network)


def test_a_checkpoint_of_other_settings_or_stars_is_refused(tmp_path, sample):
    train(config(), sample, tmp_path, stop=stopper(3))
    for settings, others in ((config(learning_rate=1e-3), sample), (config(), stars(seed=1))):
        with pytest.raises(RunError, match="another folder"):
            train(settings, others, tmp_path)
    assert not train(config(name="renamed"), sample, tmp_path, stop=stopper(1)).finished


def test_training_lowers_both_losses(whole):
    first, last = whole.history[0], whole.history[-1]
    assert [record["epoch"] for record in whole.history] == [1, 2, 3, 4]
    for part in ("train", "validation"):
        assert set(last[part]) == {"age", "lifetime", "stage", "atmosphere", "total"}
        assert last[part]["total"] < 0.9 * first[part]["total"]
    assert all(record["seconds"] > 0 for record in whole.history)


def test_validation_stars_are_not_trained_on(sample):
    """Other labels of the validation stars change the validation loss and no weight."""
    from stellar_core.datasets.balancing import split

    _, held = split(len(sample), 0.2, 0)
    other = stars()
    other.labels.log_age[held] -= 1.0
    first, second = train(config(epochs=1), sample), train(config(epochs=1), other)
    assert same(first.network, second.network)
    assert first.history[0]["validation"]["age"] != second.history[0]["validation"]["age"]


def test_early_stopping_keeps_the_best_epoch():
    """A rate that wrecks the network: the epochs that follow the best one leave no trace."""
    settings = {"patience": 2, "average": 0.0, "schedule": "plateau", "plateau_factor": 0.9, "learning_rate": 0.3}
    few = stars(100)
    stopped = train(config(epochs=30, **settings), few)
    totals = [record["validation"]["total"] for record in stopped.history]
    best = int(np.argmin(totals))
    assert len(totals) == best + 3 < 30
    until = train(config(**{**settings, "epochs": best + 1, "patience": 30}), few)
    assert same(stopped.network, until.network)


def test_the_plateau_schedule_lowers_the_rate_at_a_constant_loss(sample):
    history = train(config(schedule="plateau", plateau_patience=0, learning_rate=2e-8, average=0.0), sample).history
    rates = [record["learning_rate"] for record in history]
    assert rates[0] == 2e-8 and rates[-1] < 0.4e-8


def test_undersampling_trains_on_the_same_number_of_each_stage(sample):
    counts = np.bincount(sample.labels.stage)
    steps = []
    settings = config(balancing="undersample", validation=0.0, batch=5, epochs=1)
    train(settings, sample, report=lambda state: steps.append(state["total"]))
    assert counts.min() < counts.max() and steps[-1] == counts.min()


def test_class_weights_raise_the_loss_of_rare_stages(sample):
    plain, weighted = (train(config(balancing=kind, epochs=1), sample).history[0] for kind in ("none", "class weights"))
    assert plain["train"]["stage"] != weighted["train"]["stage"]
    assert plain["train"]["atmosphere"] == pytest.approx(weighted["train"]["atmosphere"], rel=0.2)


def test_full_and_half_precision_differ_only_by_rounding(sample):
    full, half = (train(config(precision=kind, epochs=1), sample).history[0] for kind in ("f32", "bf16"))
    assert full["train"]["total"] != half["train"]["total"]
    assert full["validation"]["total"] == pytest.approx(half["validation"]["total"], rel=0.1)


def test_half_precision_is_used_only_where_the_processor_supports_it(monkeypatch):
    cpu = torch.device("cpu")
    for amx, avx in ((False, False), (True, False), (False, True)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda found=amx: found)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda found=avx: found)
        assert half_precision("auto", cpu) == (amx or avx)
    assert half_precision("bf16", cpu) and not half_precision("f32", cpu)


def test_a_run_starts_from_a_stored_model(sample, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(model_store, "TRAINED_DIR", tmp_path)
    save_network(tmp_path / "first", whole.network, {}, {})
    one = {"epochs": 1, "learning_rate": 1e-6}
    fresh, tuned = (train(config(**one, start_from=name), sample).history[0] for name in ("", "first"))
    assert tuned["validation"]["total"] < fresh["validation"]["total"]
    with pytest.raises(ModelError, match="nothing"):
        train(config(start_from="nothing"), sample)
    with pytest.raises(ModelError, match="not the name"):
        train(config(start_from="../first"), sample)


def test_reports_give_epoch_step_losses_rate_and_time_left(sample):
    told = []
    train(config(epochs=2), sample, report=told.append, report_seconds=0.0)
    assert [state["step"] for state in told] == list(range(1, 21))
    assert [state["epoch"] for state in told] == [1] * 10 + [2] * 10
    assert told[0]["validation"] is None and told[-1]["validation"]["total"] > 0
    assert all(state["total"] == 20 and state["epochs"] == 2 and state["learning_rate"] > 0 for state in told)
    assert told[-1]["seconds_left"] == 0 < told[0]["seconds_left"]
    assert set(told[0]["losses"]) == {"age", "lifetime", "stage", "atmosphere", "total"}


def test_too_few_stars_and_an_infinite_loss_give_one_line_errors(sample):
    with pytest.raises(ParameterError, match="fewer than a batch"):
        train(config(batch=500), sample)
    wrecked = stars()
    wrecked.labels.log_age[:] = np.nan
    with pytest.raises(ModelError, match="not finite after epoch 1"):
        train(config(), wrecked)
    with pytest.raises(ParameterError, match="no device 'abacus'"):
        train(config(device="abacus"), sample)


def test_a_share_of_the_spectra_is_given_as_lines_alone(sample):
    settings = config(lines_alone=0.5)
    learner = Learner(settings, processes("cpu"), sample, np.arange(len(sample)), None, 10)
    batch = Batches(sample, learner.device)(np.arange(64))
    before = {name: batch[name].clone() for name in ("flux", "coverage", "root_ivar")}
    learner._hide(0, batch)
    seen = before["coverage"].bool() & batch["coverage"].bool()
    changed = ((batch["flux"] - before["flux"]).abs() * seen).amax(dim=1) > 1e-3
    assert 15 < int(changed.sum()) < 50
    means = (batch["flux"] * batch["coverage"]).sum(1) / batch["coverage"].sum(1)
    assert float((means[changed] - 1.0).abs().max()) < 0.1
    again = Batches(sample, learner.device)(np.arange(64))
    learner._hide(0, again)
    assert torch.equal(again["flux"], batch["flux"])
