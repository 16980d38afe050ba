"""Dropout whose randomness is an argument.

A shared model is never switched to training mode: without a generator the layer
does nothing, with one it drops, so that the passes of MC dropout (Gal & Ghahramani
2016) are reproducible by seed and safe between threads.
"""

from __future__ import annotations

import torch
from torch import nn

from stellar_core.errors import ParameterError


class Dropout(nn.Module):
    """Drop channels with probability ``p`` if a generator is given.

    On token sequences (batch, token, channel) one mask serves all tokens of a
    spectrum, as in variational dropout.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise ParameterError(f"The dropout probability must lie in [0, 1); got {p}.", value=p)
        self.p = p

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``x`` (batch, ..., channel) with channels dropped and the rest scaled by 1 / (1 - p)."""
        if generator is None or self.p == 0.0:
            return x
        shape = (x.shape[0], *([1] * (x.dim() - 2)), x.shape[-1])
        keep = torch.rand(shape, generator=generator, device=x.device) >= self.p
        return x * keep.to(x.dtype) / (1.0 - self.p)
