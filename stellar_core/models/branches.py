"""The photometric and spectral branches, and the module that fuses them."""

from __future__ import annotations

import math

import torch
from torch import nn

from stellar_core.models.attention import TransformerLayer
from stellar_core.models.dropout import Dropout


class Perceptron(nn.Module):
    """``depth`` layers of ``width`` with layer norm, SiLU and dropout."""

    def __init__(self, n_in: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        sizes = [n_in] + [width] * depth
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``x`` (batch, n_in) to (batch, width)."""
        for linear, norm in zip(self.linears, self.norms):
            x = self.dropout(nn.functional.silu(norm(linear(x))), generator)
        return x


class PhotometryBranch(nn.Module):
    """The paper's MLP on the 29 features; a learned vector replaces missing photometry."""

    def __init__(self, n_feature: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_feature))
        self.register_buffer("std", torch.ones(n_feature))
        self.perceptron = Perceptron(n_feature, width, depth, dropout)
        self.missing = nn.Parameter(torch.zeros(width))

    def forward(self, features: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``features`` (batch, n_feature), missing if any is NaN, to (batch, width)."""
        present = torch.isfinite(features).all(dim=1, keepdim=True)
        scaled = torch.where(present, (features - self.mean) / self.std, torch.zeros_like(features))
        encoded = self.perceptron(scaled.clamp(-8.0, 8.0), generator)
        return torch.where(present, encoded, self.missing.to(encoded.dtype))


class FusionModule(Perceptron):
    """The paper's fusion module: a perceptron on both branches side by side."""

    def __init__(self, photometry: int, spectrum: int, width: int, depth: int, dropout: float) -> None:
        super().__init__(photometry + spectrum, width, depth, dropout)

    def forward(
        self, photometry: torch.Tensor, spectrum: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """``photometry`` and ``spectrum``, both (batch, their width), to (batch, width)."""
        return super().forward(torch.cat([photometry.to(spectrum.dtype), spectrum], dim=1), generator)


def spectrum_channels(flux: torch.Tensor, coverage: torch.Tensor, window: int = 151) -> torch.Tensor:
    """Compute the input channels of a spectral branch; pixels without coverage have no influence.

    Parameters
    ----------
    flux : (batch, n_pixel)
        Median-normalised flux; its value where ``coverage`` is 0 is ignored.
    coverage : (batch, n_pixel)
        1 where measured, 0 where not.
    window : int
        Width of the running mean, pixels, odd.

    Returns
    -------
    (batch, 3, n_pixel)
        Flux minus one; flux over its running mean, minus one, times five; coverage. The
        first two are 0 outside the coverage.
    """
    masked = torch.where(coverage > 0, flux, torch.zeros_like(flux))
    padded = nn.functional.pad(torch.stack([masked, coverage], 1), (window // 2 + 1, window // 2))
    total = padded.cumsum(dim=-1)
    running = total[..., window:] - total[..., :-window]  # (batch, 2, n_pixel)
    continuum = running[:, 0] / running[:, 1].clamp_min(0.5)
    lines = (masked / continuum.clamp_min(0.02) - 1.0).clamp(-2.0, 2.0)
    return torch.stack([(masked.clamp(-1.0, 6.0) - 1.0) * coverage, 5.0 * lines * coverage, coverage], 1)


def flux_channel(flux: torch.Tensor, coverage: torch.Tensor) -> torch.Tensor:
    """Return the flux itself, (batch, 1, n_pixel), its median, 1, where ``coverage`` is 0; as `spectrum_channels`."""
    return torch.where(coverage > 0, flux, torch.ones_like(flux)).unsqueeze(1)


class ResidualBlock(nn.Module):
    """Two convolutions added to their input (He et al. 2016), normalisation first.

    Groups of channels are normalised, not the batch: the output for a star must not depend on
    the rest of the batch. If width or resolution change, the input passes through a one-pixel
    convolution.
    """

    def __init__(
        self, n_in: int, width: int | None = None, stride: int = 1, dropout: float = 0.0, kernel: int = 5
    ) -> None:
        super().__init__()
        width = n_in if width is None else width
        self.norm1, self.norm2 = _group_norm(n_in), _group_norm(width)
        self.conv1 = nn.Conv1d(n_in, width, kernel, stride=stride, padding=kernel // 2)
        self.conv2 = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        same = n_in == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv1d(n_in, width, 1, stride=stride)
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``x`` (batch, n_in, n) to (batch, width, n / stride)."""
        y = self.conv1(nn.functional.silu(self.norm1(x)))
        y = self.conv2(nn.functional.silu(self.norm2(y)))
        return self.shortcut(x) + self.dropout(y.transpose(1, 2), generator).transpose(1, 2)


def _group_norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(8, width), width)


class ConvolutionalStem(nn.Module):
    """The paper's CNN pre-processor: 6800 pixels to 68 tokens of 100 A."""

    def __init__(self, width: int, n_in: int = 3, channels: tuple[int, int] = (48, 128)) -> None:
        super().__init__()
        first, second = channels
        self.conv1 = nn.Conv1d(n_in, first, 9, stride=4, padding=4)
        self.conv2 = nn.Conv1d(first, second, 7, stride=5, padding=3)
        self.block = ResidualBlock(second)
        self.conv3 = nn.Conv1d(second, width, 5, stride=5)

    def forward(self, channels: torch.Tensor) -> torch.Tensor:
        """``channels`` (batch, n_in, 6800) to tokens (batch, 68, width)."""
        x = nn.functional.silu(self.conv1(channels))  # (batch, 48, 1700)
        x = self.block(self.conv2(x))  # (batch, 128, 340)
        return self.conv3(nn.functional.silu(x)).transpose(1, 2)  # (batch, 68, width)


class PatchEmbedding(nn.Module):
    """Map patches of ``patch`` pixels to tokens by one linear map (no CNN before the Transformer)."""

    def __init__(self, width: int, patch: int, n_in: int = 3) -> None:
        super().__init__()
        self.patch = patch
        self.linear = nn.Linear(n_in * patch, width)

    def forward(self, channels: torch.Tensor) -> torch.Tensor:
        """``channels`` (batch, n_in, n_pixel) to tokens (batch, n_pixel / patch, width)."""
        pieces = channels.unflatten(2, (-1, self.patch))  # (batch, n_in, token, patch)
        return self.linear(pieces.transpose(1, 2).flatten(2))


class TransformerEncoder(nn.Module):
    """Tokens with learned positions and a summary token through ``depth`` layers.

    Models with either kind of attention share it, so that they differ by the attention alone.
    (With Hadamard gates, which pass nothing between tokens, the summary token is a learned constant.)
    """

    def __init__(
        self, n_token: int, width: int, depth: int, heads: int, dropout: float, kind: str = "standard"
    ) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, n_token, width))
        self.summary = nn.Parameter(torch.zeros(1, 1, width))
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(TransformerLayer(width, heads, 2 * width, dropout, kind) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``tokens`` (batch, n_token, width) to (batch, width): the summary token plus the mean."""
        x = self.dropout(tokens + self.position.to(tokens.dtype), generator)
        x = torch.cat([self.summary.to(x.dtype).expand(len(x), -1, -1), x], dim=1)
        for layer in self.layers:
            x = layer(x, generator)
        x = self.norm(x)
        return x[:, 0] + x[:, 1:].mean(dim=1)
