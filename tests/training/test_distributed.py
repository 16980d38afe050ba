"""Several processes: nothing seen twice, one result whatever their number, devices by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from stellar_core.errors import ParameterError
from stellar_core.training import learner, loop
from stellar_core.training.checkpoint import NEWEST
from stellar_core.training.distributed import Processes, device_of, processes
from stellar_core.training.loop import train
from stellar_core.training.losses import loss_parts
from tests.small_run import MODEL, config, stars

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


@pytest.mark.slow
def test_two_processes_give_nearly_the_weights_of_one(tmp_path):
    """torchrun, gloo, a batch of 16 as 2 x 8; without dropout, whose masks each process draws for itself."""
    settings = {"epochs": 2, "precision": "f32", "average": 0.9, "model": {**vars(MODEL), "dropout": 0.0}}
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node=2",
        "-m",
        "tests.small_run",
    ]
    done = subprocess.run(
        [*command, str(tmp_path), json.dumps(settings)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert [int(line) for line in done.stdout.split()] == list(range(1, 21))
    alone = train(config(**settings), stars())
    start = train(config(**{**settings, "epochs": 1, "learning_rate": 1e-12}), stars()).network.state_dict()
    found = np.load(tmp_path / "weights.npz")
    ends = {name: value.numpy() for name, value in alone.network.state_dict().items()}
    apart, moved = (
        np.sqrt(sum(np.sum((other[name] - value) ** 2) for name, value in ends.items()))
        for other in (found, {name: value.numpy() for name, value in start.items()})
    )
    assert apart < 0.03 * moved  # half the stars of each batch alone would end 0.46 apart
    history = json.loads((tmp_path / "history.json").read_text())
    for one, two in zip(alone.history, history, strict=True):
        for part in ("train", "validation"):
            assert two[part] == pytest.approx(one[part], rel=1e-3)
    assert (tmp_path / NEWEST).exists()


@pytest.mark.parametrize("world", [1, 2, 3])
def test_parts_of_processes_are_disjoint_and_complete(world):
    rows = np.random.default_rng(0).permutation(20)
    shares = [Processes(rank, world, CPU).share(rows) for rank in range(world)]
    assert np.array_equal(np.sort(np.concatenate(shares)), np.arange(20))


class Unjoined(Processes):
    """One of several processes, without the others."""

    def parallel(self, network):
        return network

    def any(self, flag):
        return flag


def first_batch(monkeypatch, rank: int, world: int) -> dict[str, np.ndarray]:
    """What a process's network is shown and taught at its first step."""
    seen = {}

    def watch(predicted, batch, class_weights=None):
        seen.update({name: value.numpy().copy() for name, value in batch.items()})
        return loss_parts(predicted, batch, class_weights)

    monkeypatch.setattr(learner, "loss_parts", watch)
    monkeypatch.setattr(loop, "processes", lambda device: Unjoined(rank, world, CPU))
    train(config(), stars(), stop=lambda: True)
    return seen


def test_two_processes_together_see_the_batch_of_one(monkeypatch):
    """The same stars, and the same of them without photometry."""
    whole = first_batch(monkeypatch, 0, 1)
    parts = [first_batch(monkeypatch, rank, 2) for rank in range(2)]
    missing = np.isnan(whole["features"]).any(axis=1)
    assert 0 < missing.sum() < 16
    for name in ("flux", "features", "log_age"):
        together = np.stack([part[name] for part in parts], axis=1).reshape(whole[name].shape)
        assert np.array_equal(together, whole[name], equal_nan=True), name


def test_a_batch_that_cannot_be_divided_is_refused(monkeypatch):
    monkeypatch.setattr(loop, "processes", lambda device: Processes(0, 3, CPU))
    with pytest.raises(ParameterError, match="batch of 16 cannot be divided among 3"):
        train(config(), stars())


def test_without_torchrun_there_is_one_process():
    alone = processes("cpu")
    assert (alone.rank, alone.world, alone.first) == (0, 1, True)
    assert alone.any(True) and not alone.any(False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused():
    assert device_of("auto") == CPU
    with pytest.raises(ParameterError, match="no device 'cuda'"):
        device_of("cuda")
