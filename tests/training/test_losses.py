"""Losses: the paper's weighted sum, by type of output, with class weights as scikit-learn makes them."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from stellar_core.models.heads import Prediction
from stellar_core.training.config import TrainingConfig
from stellar_core.training.losses import loss_parts, total_loss


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(1)
    return {
        "log_age": 9 + torch.rand(6, generator=rng),
        "log_lifetime": 10 + torch.rand(6, generator=rng),
        "stage": torch.tensor([0, 1, 2, 3, 4, 1]),
        "atmosphere": torch.tensor([5500.0, 4.0, -0.5]).repeat(6, 1),
        "reference": torch.tensor([5500.0, 4.0, -0.5]).repeat(6, 1),
    }


@pytest.fixture
def predicted(batch):
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(2))
    return Prediction(
        batch["log_age"] + 0.3,
        batch["log_lifetime"] - 0.2,
        logits,
        batch["atmosphere"] + torch.tensor([1000.0, 2.0, 2.1]),
    )


def test_parts_are_mean_squared_errors_and_cross_entropy(predicted, batch):
    parts = loss_parts(predicted, batch)
    assert list(parts) == ["age", "lifetime", "stage", "atmosphere"]
    assert float(parts["age"]) == pytest.approx(0.09, rel=1e-4)
    assert float(parts["lifetime"]) == pytest.approx(0.04, rel=1e-4)
    assert float(parts["atmosphere"]) == pytest.approx((1 + 4 + 9) / 3, rel=1e-4)
    logit = predicted.stage.numpy().astype(float)
    probability = np.exp(logit) / np.exp(logit).sum(axis=1, keepdims=True)
    expected = -np.log(probability[np.arange(6), batch["stage"]])
    assert float(parts["stage"]) == pytest.approx(expected.mean(), rel=1e-5)
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    weighted = loss_parts(predicted, batch, torch.tensor(weights, dtype=torch.float32))["stage"]
    at = weights[batch["stage"]]
    assert float(weighted) == pytest.approx((at * expected).sum() / at.sum(), rel=1e-5)


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"setup": "A"}, 0.5 * 1 + 0.4 * 2 + 0.1 * 3 + 4),
        ({"setup": "C", "atmosphere_weight": 0.0}, 0.35 * 1 + 0.35 * 2 + 0.3 * 3),
        ({"loss_weights": (0.0, 0.0, 2.0), "atmosphere_weight": 0.5}, 2 * 3 + 0.5 * 4),
    ],
)
def test_the_total_is_the_weighted_sum(changes, expected):
    parts = {
        name: torch.tensor(float(value)) for value, name in enumerate(("age", "lifetime", "stage", "atmosphere"), 1)
    }
    assert float(total_loss(parts, TrainingConfig(**changes))) == pytest.approx(expected)


def test_other_outputs_can_register_their_losses():
    class Guess(NamedTuple):
        value: torch.Tensor

    with pytest.raises(TypeError, match="Guess"):
        loss_parts(Guess(torch.zeros(1)), {})
    loss_parts.register(Guess, lambda predicted, batch, class_weights=None: {"guess": predicted.value.sum()})
    assert float(total_loss(loss_parts(Guess(torch.ones(3)), {}), TrainingConfig())) == 3.0
