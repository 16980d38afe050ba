"""Training losses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

import torch
from torch import nn

from stellar_core.models.heads import ATMOSPHERE_WIDTH, Prediction
from stellar_core.models.isochrone_head import VoxelPrediction, target_posterior
from stellar_core.training.config import TrainingConfig

Losses = dict[str, torch.Tensor]


@singledispatch
def loss_parts(
    predicted: object, batch: Mapping[str, torch.Tensor], class_weights: torch.Tensor | None = None
) -> Losses:
    """Return the losses of a batch, by the type of the network's output.

    Register another type of output with ``@loss_parts.register``. Losses named "age", "lifetime",
    "stage" and "atmosphere" are weighted by the configuration, others by 1.

    Parameters
    ----------
    predicted : Prediction or another registered type
    batch : mapping of str to Tensor
        From `stellar_core.training.batches.Batches`.
    class_weights : (5,), optional
        Weights of the stages.

    Returns
    -------
    dict of str to scalar Tensor
    """
    raise TypeError(f"No loss is defined for the output {type(predicted).__name__}.")


@loss_parts.register
def _of_prediction(
    predicted: Prediction, batch: Mapping[str, torch.Tensor], class_weights: torch.Tensor | None = None
) -> Losses:
    """Mean squared errors of age, lifetime and reference atmosphere, cross-entropy of the stage."""
    width = torch.tensor(ATMOSPHERE_WIDTH, device=predicted.atmosphere.device)
    return {
        "age": nn.functional.mse_loss(predicted.log_age, batch["log_age"]),
        "lifetime": nn.functional.mse_loss(predicted.log_lifetime, batch["log_lifetime"]),
        "stage": nn.functional.cross_entropy(predicted.stage, batch["stage"], weight=class_weights),
        "atmosphere": nn.functional.mse_loss(predicted.atmosphere / width, batch["reference"] / width),
    }


@loss_parts.register
def _of_cells(
    predicted: VoxelPrediction, batch: Mapping[str, torch.Tensor], class_weights: torch.Tensor | None = None
) -> Losses:
    """Kullback-Leibler divergence from the reference posterior over voxels, nats; no stage weights."""
    target = target_posterior(batch["reference"], predicted)
    log_posterior = torch.log_softmax(predicted.logits, dim=1)
    return {"cells": nn.functional.kl_div(log_posterior, target, reduction="batchmean", log_target=True)}


def total_loss(parts: Losses, config: TrainingConfig) -> torch.Tensor:
    """Return the paper's weighted sum (section 4.3), plus the atmosphere loss and any others."""
    weights = dict(zip(("age", "lifetime", "stage"), config.task_weights))
    weights["atmosphere"] = config.atmosphere_weight
    return sum(weights.get(name, 1.0) * value for name, value in parts.items())
