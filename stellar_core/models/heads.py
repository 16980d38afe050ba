"""The output layers: age, lifetime, stage and atmosphere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from stellar_core.constants import UNIVERSE_LOG_AGE

#: Bounds of log10(age/yr): 1 Myr and 13.8 Gyr; the network cannot leave them.
LOG_AGE_BOUNDS = (6.0, UNIVERSE_LOG_AGE)

#: Bounds of log10(lifetime/yr): 10 Gyr M^-2.5 at 16 and at 0.1 Msun.
LOG_LIFETIME_BOUNDS = (7.0, 12.5)

#: log10(yr): initial values, near the Sun's age and 10 Gyr; factor on the initial weights.
START_LOG_AGE, START_LOG_LIFETIME, START_WEIGHTS = 9.66, 10.0, 0.1

#: Centre and width of Teff [K], log g [dex], [Fe/H] [dex] in the output of the atmosphere head.
ATMOSPHERE_CENTRE = (5500.0, 3.8, -0.7)
ATMOSPHERE_WIDTH = (1000.0, 1.0, 0.7)


class Prediction(NamedTuple):
    """Output of a network for a batch.

    Attributes
    ----------
    log_age, log_lifetime : (batch,)
        log10(yr), inside their bounds if the heads are bounded.
    stage : (batch, 5)
        Logits.
    atmosphere : (batch, 3)
        Teff in K, log g in dex, [Fe/H] in dex.
    """

    log_age: torch.Tensor
    log_lifetime: torch.Tensor
    stage: torch.Tensor
    atmosphere: torch.Tensor


class Heads(nn.Module):
    """One linear layer per output.

    Age and lifetime pass through a bounded sigmoid. If ``bounded`` is False they are the linear layers themselves, in
    log10(yr): the heads of the paper, which can predict any age. It states neither a scaling of the labels nor initial
    values, so that these start near 0; they are computed in float32, as half precision has steps of 0.06 dex there.
    """

    def __init__(self, width: int, n_stage: int = 5, bounded: bool = True) -> None:
        super().__init__()
        self.bounded = bounded
        self.age = nn.Linear(width, 1)
        self.lifetime = nn.Linear(width, 1)
        self.stage = nn.Linear(width, n_stage)
        self.atmosphere = nn.Linear(width, 3)
        self.register_buffer("centre", torch.tensor(ATMOSPHERE_CENTRE), persistent=False)
        self.register_buffer("width", torch.tensor(ATMOSPHERE_WIDTH), persistent=False)

    @torch.no_grad()
    def initialise(self) -> None:
        """Start all stars near one age and lifetime; unbounded heads keep their weights.

        From random weights the first steps drive many ages to the upper end of the sigmoid, near most labels, where the
        gradient vanishes.
        """
        if not self.bounded:
            return
        for linear, start, (low, high) in (
            (self.age, START_LOG_AGE, LOG_AGE_BOUNDS),
            (self.lifetime, START_LOG_LIFETIME, LOG_LIFETIME_BOUNDS),
        ):
            place = (start - low) / (high - low)
            linear.weight.mul_(START_WEIGHTS)
            linear.bias.fill_(np.log(place / (1.0 - place)))

    def forward(self, x: torch.Tensor) -> Prediction:
        """Map ``x`` (batch, width) to a `Prediction` in float32."""
        log_age, log_lifetime = self._ages(x)
        return Prediction(
            log_age=log_age,
            log_lifetime=log_lifetime,
            stage=self.stage(x).float(),
            atmosphere=self.centre + self.width * self.atmosphere(x).float(),
        )

    def _ages(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.bounded:
            with torch.autocast(x.device.type, enabled=False):
                return self.age(x.float()).squeeze(1), self.lifetime(x.float()).squeeze(1)
        return (
            _between(self.age(x).float().squeeze(1), LOG_AGE_BOUNDS),
            _between(self.lifetime(x).float().squeeze(1), LOG_LIFETIME_BOUNDS),
        )


def _between(x: torch.Tensor, bounds: tuple[float, float]) -> torch.Tensor:
    low, high = bounds
    return low + (high - low) * torch.sigmoid(x)
