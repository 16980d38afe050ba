"""The training loop: one epoch after another, resumable, on whatever device there is."""

from __future__ import annotations

import copy
import math
import os
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch import nn

from stellar_core.models.heads import ATMOSPHERE_WIDTH, Prediction
from stellar_core.models.zoo import build
from stellar_core.training.config import SETUPS, TrainingConfig
from stellar_core.training.data import StarSet


def loss_parts(predicted: Prediction, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The four losses of a batch: mean squared errors and the stage's cross-entropy."""
    width = torch.tensor(ATMOSPHERE_WIDTH, device=predicted.atmosphere.device)
    return {
        "age": nn.functional.mse_loss(predicted.log_age, batch["log_age"]),
        "lifetime": nn.functional.mse_loss(predicted.log_lifetime, batch["log_lifetime"]),
        "stage": nn.functional.cross_entropy(predicted.stage, batch["stage"]),
        "atmosphere": nn.functional.mse_loss(predicted.atmosphere / width, batch["atmosphere"] / width),
    }


def total_loss(parts: dict[str, torch.Tensor], config: TrainingConfig) -> torch.Tensor:
    """The paper's weighted sum (section 4.3) plus the atmosphere's."""
    age, lifetime, stage = SETUPS[config.setup]
    weighted = age * parts["age"] + lifetime * parts["lifetime"] + stage * parts["stage"]
    return weighted + config.atmosphere_weight * parts["atmosphere"]


def batch_of(stars: StarSet, rows: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
    """Inputs and labels of ``rows`` as tensors; nothing else of the stars enters."""
    inputs, labels = stars.inputs, stars.labels
    arrays = {
        "flux": inputs.flux[rows].astype(np.float32),
        "coverage": inputs.coverage[rows].astype(np.float32),
        "features": inputs.features[rows],
        "log_age": labels.log_age[rows].astype(np.float32),
        "log_lifetime": labels.log_lifetime[rows].astype(np.float32),
        "stage": labels.stage[rows],
        "atmosphere": labels.atmosphere[rows],
    }
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def learning_rate(step: int, total: int, peak: float) -> float:
    """A twentieth of the run up to ``peak``, then down a cosine to a hundredth of it."""
    warm = max(1, total // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))))


def train(
    config: TrainingConfig,
    stars: StarSet,
    checkpoint: Path | None = None,
    progress: Callable[[dict[str, float]], None] | None = None,
    device: str = "cpu",
) -> nn.Module:
    """Train a network; the result carries the running average of the weights.

    Parameters
    ----------
    config : TrainingConfig
    stars : StarSet
        Training stars.
    checkpoint : Path, optional
        File to save the state to after every epoch and to go on from. The order of the
        stars and the dropout follow from the seed and the step, so a resumed run ends as
        an unbroken one.
    progress : callable, optional
        Called every 50 steps with step, total, loss and seconds left.
    device : str
        A torch device.
    """
    target = torch.device(device)
    network = build(config.model, torch.Generator().manual_seed(config.seed))
    mean, std = stars.inputs.features.mean(0), stars.inputs.features.std(0)
    network.photometry.mean.copy_(torch.from_numpy(mean))
    network.photometry.std.copy_(torch.from_numpy(np.maximum(std, 1e-3)))
    network.to(target)
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    per_epoch = len(stars) // config.batch
    total = per_epoch * config.epochs
    first = 0
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=target)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"]

    dropout = torch.Generator(device=target)
    started = time.monotonic()
    running: dict[str, float] = {}
    for epoch in range(first, config.epochs):
        order = np.random.default_rng([config.seed, epoch]).permutation(len(stars))
        for index in range(per_epoch):
            step = epoch * per_epoch + index
            dropout.manual_seed(config.seed * 1_000_003 + step)
            batch = batch_of(stars, order[index * config.batch : (index + 1) * config.batch], target)
            hidden = torch.rand(config.batch, generator=dropout, device=target) < config.photometry_dropout
            batch["features"][hidden] = torch.nan
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, total, config.learning_rate)
            with torch.autocast(target.type, dtype=torch.bfloat16):
                predicted = network(batch["flux"], batch["coverage"], batch["features"], dropout)
            parts = loss_parts(predicted, batch)
            optimiser.zero_grad(set_to_none=True)
            total_loss(parts, config).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            decay = min(config.average, (1 + step) / (10 + step))
            with torch.no_grad():
                for kept, new in zip(average.parameters(), network.parameters()):
                    kept.lerp_(new, 1.0 - decay)
            for name, value in parts.items():
                now = float(value.detach())
                running[name] = 0.98 * running.get(name, now) + 0.02 * now
            if progress is not None and (step % 50 == 0 or step == total - 1):
                done = step + 1 - first * per_epoch
                left = (time.monotonic() - started) / done * (total - step - 1)
                progress({"step": step + 1, "total": total, "seconds_left": left, **running})
        if checkpoint is not None:
            state = {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "epoch": epoch + 1,
            }
            temporary = checkpoint.with_name(checkpoint.name + ".tmp")
            torch.save(state, temporary)
            os.replace(temporary, checkpoint)
    return average.eval()
