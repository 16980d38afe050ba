"""The spectral ResNet (He et al. 2016) in two halves: a stem without dropout, which runs once, and an encoder with
it."""

from __future__ import annotations

import torch
from torch import nn

from stellar_core.models.branches import ResidualBlock
from stellar_core.models.dropout import Dropout


class ResidualStem(nn.Module):
    """Strided convolution, pooling and the first two stages: 6800 pixels to 425 places."""

    def __init__(self, width: int, depth: int, n_in: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, width // 8, 9, stride=4, padding=4)
        self.pool = nn.MaxPool1d(3, stride=2, padding=1)
        stages = (_stage(width // 8, width // 8, depth, 1), _stage(width // 8, width // 4, depth, 2))
        self.blocks = nn.ModuleList(block for stage in stages for block in stage)

    def forward(self, channels: torch.Tensor) -> torch.Tensor:
        """``channels`` (batch, n_in, 6800) to tokens (batch, 425, width / 4)."""
        x = self.pool(nn.functional.silu(self.conv(channels)))  # (batch, width / 8, 850)
        for block in self.blocks:
            x = block(x)
        return x.transpose(1, 2)


class ResidualEncoder(nn.Module):
    """The last two stages, 213 and 107 places, with dropout in every block; then the mean over places."""

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        stages = (_stage(width // 4, width // 2, depth, 2, dropout), _stage(width // 2, width, depth, 2, dropout))
        self.blocks = nn.ModuleList(block for stage in stages for block in stage)
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``tokens`` (batch, 425, width / 4) to (batch, width)."""
        x = tokens.transpose(1, 2)
        for block in self.blocks:
            x = block(x, generator)
        return self.dropout(self.norm(x.mean(dim=2)), generator)


def _stage(n_in: int, width: int, depth: int, stride: int, dropout: float = 0.0) -> list[ResidualBlock]:
    """Half of ``depth`` blocks, rounded up; the first changes width and resolution."""
    later = [ResidualBlock(width, width, 1, dropout) for _ in range((depth + 1) // 2 - 1)]
    return [ResidualBlock(n_in, width, stride, dropout), *later]
