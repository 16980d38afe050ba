"""The training loop: resumable within an epoch, in one process or several, on any device."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stellar_core.datasets.balancing import class_weights, partition
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.errors import ModelError, ParameterError
from stellar_core.files import write_text
from stellar_core.training.batches import Batches
from stellar_core.training.checkpoint import Checkpoints
from stellar_core.training.config import TrainingConfig
from stellar_core.training.distributed import processes
from stellar_core.training.learner import Learner

#: Called with epoch, epochs, step, total, losses, validation, seconds_left, learning_rate.
Report = Callable[[dict[str, object]], None]
Stop = Callable[[], bool]
#: Called with the number of a finished epoch, from 1, and the network.
AfterEpoch = Callable[[int, nn.Module], None]


@dataclass(frozen=True)
class Trained:
    """Result of a run.

    Attributes
    ----------
    network : Module
        With the averaged weights.
    history : list of dict
        For each epoch: ``epoch`` (from 1), ``train`` and ``validation`` losses by name (None without
        validation stars), ``learning_rate``, ``seconds``.
    finished : bool
        False if it was stopped.
    """

    network: nn.Module
    history: list[dict[str, object]]
    finished: bool


def train(
    config: TrainingConfig,
    stars: StarSet,
    folder: Path | None = None,
    report: Report | None = None,
    stop: Stop | None = None,
    save_seconds: float = 300.0,
    report_seconds: float = 1.0,
    after_epoch: AfterEpoch | None = None,
) -> Trained:
    """Train a network.

    The order of the stars and all dropout depend on the seed and the step alone, so that a run
    killed at any moment and resumed ends with the weights of an uninterrupted one: bit for bit
    on a CPU with the same number of threads. Under torchrun each process takes its share of
    every batch, and only the first writes and reports.

    Parameters
    ----------
    config : TrainingConfig
    stars : StarSet
        Training stars; the validation stars are taken from them.
    folder : Path, optional
        Folder of checkpoints and history.json; the run continues from a checkpoint there.
    report : callable, optional
        As `Report`. ``seconds_left`` is extrapolated from the steps of this run so far.
    stop : callable, optional
        Called after every step; if it returns true the run writes a checkpoint and ends.
    save_seconds, report_seconds : float
        Time between checkpoints within an epoch, and between calls of ``report``.
    after_epoch : callable, optional
        As `AfterEpoch`; it must not change the network. After an interruption it may be called
        twice for an epoch, never less than once.

    Raises
    ------
    ParameterError
        If there are fewer stars than a batch, or a batch cannot be divided among the processes.
    RunError
        If the folder holds a checkpoint of another run.
    ModelError
        If the loss is not finite.
    """
    return _Run(config, stars, folder, report, stop, save_seconds, report_seconds, after_epoch).run()


def fingerprint(config: TrainingConfig, stars: StarSet) -> str:
    """Return a hash of settings and stars; a run may continue only from a checkpoint with the same."""
    digest = hashlib.sha256(json.dumps(config.settings(), sort_keys=True).encode())
    for array in (stars.labels.log_age, stars.labels.stage):
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


class _Run:
    """State of one run: stars, position, losses so far."""

    def __init__(
        self,
        config: TrainingConfig,
        stars: StarSet,
        folder: Path | None,
        report: Report | None,
        stop: Stop | None,
        save_seconds: float,
        report_seconds: float,
        after_epoch: AfterEpoch | None,
    ) -> None:
        self.config, self.report, self.stop, self.report_seconds = config, report, stop, report_seconds
        self.after_epoch = after_epoch
        self.processes = processes(config.device)
        self.rows, self.held = partition(
            np.asarray(stars.labels.stage), config.validation, config.seed, config.balancing
        )
        self.per_epoch = len(self.rows) // config.batch
        if not self.per_epoch:
            raise ParameterError(f"{len(self.rows)} training stars are fewer than a batch of {config.batch}.")
        if config.batch % self.processes.world:
            raise ParameterError(f"A batch of {config.batch} cannot be divided among {self.processes.world} processes.")
        self.total = self.per_epoch * config.epochs
        weights = class_weights(stars.labels.stage[self.rows]) if config.balancing == "class weights" else None
        self.learner = Learner(config, self.processes, stars, self.rows, weights, self.total, folder)
        self.batches = Batches(stars, self.processes.device)
        self.epoch = self.index = 0
        self.sums: torch.Tensor | None = None
        self.seconds = 0.0
        self.history: list[dict[str, object]] = []
        self.checkpoints = None
        if folder is not None:
            self.checkpoints = Checkpoints(folder, fingerprint(config, stars), save_seconds)
            self._restore(self.checkpoints.load(self.processes.device))
        self.started, self.first, self.reported = time.monotonic(), self.step, -np.inf

    @property
    def step(self) -> int:
        """Steps done."""
        return self.epoch * self.per_epoch + self.index

    def run(self) -> Trained:
        """Train to the end or until stopped."""
        while self.epoch < self.config.epochs and not self.learner.stopping.over:
            if not self._epoch():
                return Trained(self.learner.average.eval(), self.history, finished=False)
        return Trained(self.learner.result(), self.history, finished=True)

    def _epoch(self) -> bool:
        """Train the rest of an epoch; false if stopped."""
        since, before = time.monotonic(), self.seconds
        size = self.config.batch
        order = self.rows[np.random.default_rng([self.config.seed, self.epoch]).permutation(len(self.rows))]
        while self.index < self.per_epoch:
            rows = self.processes.share(order[self.index * size : (self.index + 1) * size])
            losses = self.learner.step(self.step, self.batches(rows))
            self.sums = losses if self.sums is None else self.sums + losses
            self.index += 1
            self.seconds = before + time.monotonic() - since
            self._report()
            if self.stop is not None and self.processes.any(self.stop()):
                self._save()
                return False
            if self.checkpoints is not None and self.checkpoints.due:
                self._save()
        self._finish_epoch(since - before)
        return True

    def _finish_epoch(self, since: float) -> None:
        """Validate, record the epoch and write a checkpoint."""
        means = self.processes.summed(self.sums) / (self.per_epoch * self.processes.world)
        record = {
            "epoch": self.epoch + 1,
            "train": self._named(means),
            "validation": self._validation(),
            "learning_rate": self.learner.schedule.rate,
            "seconds": time.monotonic() - since,
        }
        monitored = record["train"] if record["validation"] is None else record["validation"]
        if not np.isfinite(monitored["total"]):
            raise ModelError(f"The loss is not finite after epoch {self.epoch + 1}.", remedy="Lower the learning rate.")
        self.history.append(record)
        self.learner.schedule.after_epoch(monitored["total"])
        self.learner.stopping.after_epoch(monitored["total"], self.learner.average)
        if self.after_epoch is not None and self.processes.first:
            self.after_epoch(record["epoch"], self.learner.average)
        self.epoch, self.index, self.sums, self.seconds = self.epoch + 1, 0, None, 0.0
        self._save()
        if self.checkpoints is not None and self.processes.first:
            write_text(self.checkpoints.folder / "history.json", json.dumps(self.history, indent=1) + "\n")

    def _validation(self) -> dict[str, float] | None:
        """Losses of the validation stars, photometry hidden for the same share as in training."""
        if not len(self.held):
            return None
        hidden = np.random.default_rng([self.config.seed, 3]).random(len(self.held)) < self.config.photometry_dropout
        rows, hidden = self.processes.share(self.held), self.processes.share(hidden)
        sums = torch.zeros(len(self.learner.names) + 1, device=self.processes.device)
        for start in range(0, len(rows), self.config.batch):
            part = slice(start, start + self.config.batch)
            unseen = torch.from_numpy(hidden[part]).to(self.processes.device)
            losses = self.learner.evaluate(self.batches(rows[part]), unseen)
            sums += torch.cat([losses, losses.new_ones(1)]) * len(unseen)
        sums = self.processes.summed(sums)
        return self._named(sums[:-1] / sums[-1])

    def _named(self, losses: torch.Tensor) -> dict[str, float]:
        return dict(zip(self.learner.names, losses.tolist()))

    def _report(self) -> None:
        now = time.monotonic()
        if self.report is None or not self.processes.first:
            return
        if now - self.reported < self.report_seconds and self.step < self.total:
            return
        self.reported = now
        self.report(
            {
                "epoch": self.epoch + 1,
                "epochs": self.config.epochs,
                "step": self.step,
                "total": self.total,
                "losses": self._named(self.sums / self.index),
                "validation": self.history[-1]["validation"] if self.history else None,
                "seconds_left": (now - self.started) / (self.step - self.first) * (self.total - self.step),
                "learning_rate": self.learner.schedule.rate,
            }
        )

    def _save(self) -> None:
        if self.checkpoints is None or not self.processes.first:
            return
        names = ("epoch", "index", "sums", "seconds", "history")
        self.checkpoints.save({name: getattr(self, name) for name in names} | {"learner": self.learner.state_dict()})

    def _restore(self, state: dict[str, object] | None) -> None:
        if state is not None:
            self.learner.load_state_dict(state.pop("learner"))
            for name, value in state.items():
                setattr(self, name, value)
