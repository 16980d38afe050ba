"""Learning rate and early stopping."""

import math

import pytest
import torch

from stellar_core.training.config import TrainingConfig
from stellar_core.training.schedule import EarlyStopping, Schedule, learning_rate


def optimiser(rate: float = 1.0) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def test_the_cosine_schedule_rises_for_a_twentieth_and_falls_to_a_hundredth():
    rates = [learning_rate(step, 1000, 1.0) for step in range(1000)]
    assert max(rates) == pytest.approx(1.0) and rates.index(max(rates)) == pytest.approx(50, abs=2)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)
    assert rates[525] == pytest.approx(0.505, abs=1e-3)


def test_the_plateau_schedule_equals_torchs_and_resumes():
    config = TrainingConfig.paper(learning_rate=0.1, plateau_patience=2)
    losses = [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.5, 1.5, 1.5, 1.5]
    plain = optimiser(0.1)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(plain, factor=0.1, patience=2)
    schedule = Schedule(config, optimiser(0.1), 100)
    for loss in losses:
        reference.step(loss)
        schedule.before_step(0)
        schedule.after_epoch(loss)
        assert schedule.rate == plain.param_groups[0]["lr"]
        again = Schedule(config, optimiser(schedule.rate), 100)
        again.load_state_dict(schedule.state_dict())
        schedule = again
    assert schedule.rate == pytest.approx(0.001)


def test_early_stopping_keeps_the_best_weights_and_resumes():
    network, stopping = torch.nn.Linear(1, 1), EarlyStopping(patience=2)
    for loss in (3.0, 1.0, 2.0, math.inf):
        assert not stopping.over
        with torch.no_grad():
            network.weight.fill_(loss)
        stopping.after_epoch(loss, network)
        again = EarlyStopping(patience=2)
        again.load_state_dict(stopping.state_dict())
        stopping = again
    assert stopping.over and stopping.best == 1.0
    assert float(stopping.weights["weight"]) == 1.0


def test_without_patience_there_is_no_early_stopping():
    stopping = EarlyStopping(patience=0)
    for loss in (1.0, 2.0, 3.0):
        stopping.after_epoch(loss, torch.nn.Linear(1, 1))
    assert not stopping.over and stopping.weights is None
