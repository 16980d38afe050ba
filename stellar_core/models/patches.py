"""The encoder of Model 9: spectral patches and photometric tokens in one Transformer."""

from __future__ import annotations

import torch
from torch import nn

from stellar_core.models.attention import TransformerLayer
from stellar_core.models.branches import PhotometryBranch, spectrum_channels
from stellar_core.models.dropout import Dropout
from stellar_core.models.registry import N_FEATURE, N_PIXEL
from stellar_core.photometry import BANDS

#: First wavelength of the grid, Angstrom, and its step.
_FIRST, _STEP = 3600.0, 1.0
#: Channels of the convolution in front of the patches, and its stride.
_CHANNELS, _STRIDE = 32, 4
#: Channels per token in the readout by position.
_READ = 16
#: Typical log(1 + S/N per pixel), so that the noise channel is about zero.
_TYPICAL_NOISE = 3.5


def noise_channel(ivar: torch.Tensor, coverage: torch.Tensor) -> torch.Tensor:
    """(batch, n_pixel): log of one plus the S/N of normalised flux 1, less its typical value; 0 outside the
    coverage."""
    return (torch.log1p(ivar.clamp_min(0.0).sqrt()) - _TYPICAL_NOISE) * coverage


def wavelength_waves(n_token: int, patch: int, n_wave: int = 16) -> torch.Tensor:
    """(n_token, 2 n_wave) sines and cosines of the log wavelength of each patch's middle."""
    with torch.device("cpu"):  # on the device "meta", arange loads PyTorch's compiler, for a second and more
        middle = _FIRST + _STEP * patch * (torch.arange(n_token) + 0.5)
        place = torch.log(middle / _FIRST) / torch.log(torch.tensor((_FIRST + _STEP * N_PIXEL) / _FIRST))
        phase = place[:, None] * torch.logspace(0.0, 2.0, n_wave)[None, :]
        return torch.cat([phase.sin(), phase.cos()], dim=1)


class SpectrumTokens(nn.Module):
    """Map patches of the spectrum to tokens; a learned token replaces a patch that was not observed.

    Four channels (flux, flux over its running mean, coverage, noise) go through one
    convolution and then, patch by patch, through one linear map. If ``centred``, the mean over the
    training stars is subtracted from the first two: else features common to all stars dominate the first
    hundreds of steps.
    """

    def __init__(self, width: int, patch: int, centred: bool) -> None:
        super().__init__()
        self.patch, n_token = patch, N_PIXEL // patch
        self.conv = nn.Conv1d(4, _CHANNELS, 9, stride=_STRIDE, padding=4)
        self.linear = nn.Linear(_CHANNELS * patch // _STRIDE, width)
        self.place = nn.Linear(32, width)
        self.absent = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(2, N_PIXEL), persistent=centred)
        self.register_buffer("std", torch.ones(2, 1), persistent=centred)
        self.register_buffer("waves", wavelength_waves(n_token, patch), persistent=False)

    @torch.no_grad()
    def scale(self, flux: torch.Tensor, coverage: torch.Tensor) -> None:
        """Set the mean of training spectra, (n, 6800) each, and the scatter about it."""
        channels, count = spectrum_channels(flux, coverage)[:, :2], coverage.sum(0)
        self.mean.copy_(channels.sum(0) / count.clamp_min(1.0))
        scatter = ((channels - self.mean) * coverage.unsqueeze(1)).square().sum(dim=(0, 2)) / count.sum()
        self.std.copy_(scatter.sqrt().clamp_min(1e-3).unsqueeze(1))

    @torch.no_grad()
    def initialise(self) -> None:
        """Start with tokens that depend more on the star than on their position."""
        self.place.weight.mul_(0.3)

    def forward(self, flux: torch.Tensor, coverage: torch.Tensor, ivar: torch.Tensor) -> torch.Tensor:
        """``flux``, ``coverage``, ``ivar`` (batch, 6800) to (batch, 6800 / patch, width)."""
        spectrum = spectrum_channels(flux, coverage)
        lines = (spectrum[:, :2] - self.mean) / self.std * coverage.unsqueeze(1)
        channels = torch.cat([lines, spectrum[:, 2:], noise_channel(ivar, coverage).unsqueeze(1)], dim=1)
        x = nn.functional.silu(self.conv(channels))  # (batch, channel, pixel / stride)
        x = (
            x.unflatten(2, (-1, self.patch // _STRIDE)).transpose(1, 2).flatten(2)
        )  # (batch, token, channel * patch / stride)
        observed = coverage.unflatten(1, (-1, self.patch)).amax(dim=2, keepdim=True) > 0  # (batch, token, 1)
        tokens = self.linear(x)
        return torch.where(observed, tokens, self.absent.to(tokens.dtype)) + self.place(self.waves)


class PhotometryTokens(nn.Module):
    """Six tokens: one for each band with its error, and one for all 29 features together.

    A band's token holds its dereddened magnitude, that less the mean of all bands, error,
    extinction, and model minus PSF magnitude. A learned token replaces missing photometry.
    """

    N_TOKEN = 1 + len(BANDS)

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.joint = PhotometryBranch(N_FEATURE, width, 2, dropout)
        self.linear = nn.Linear(5, width)
        self.band = nn.Parameter(torch.zeros(len(BANDS), width))
        self.absent = nn.Parameter(torch.zeros(width))

    def forward(self, features: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``features`` (batch, 29), NaN where missing, to (batch, 6, width)."""
        psf, error, extinction, corrected = features[:, :20].unflatten(1, (4, 5)).unbind(1)  # (batch, 5) each
        colour = corrected - corrected.nanmean(dim=1, keepdim=True)
        model = (features[:, 24:] - psf).clamp(-1.0, 1.0)
        numbers = [
            (corrected - 17.5) / 2.0,
            colour,
            torch.log(error.clamp_min(1e-3)) + 3.5,
            3.0 * extinction,
            5.0 * model,
        ]
        bands = torch.stack(numbers, dim=2)  # (batch, band, 5)
        present = torch.isfinite(bands).all(dim=2, keepdim=True)
        tokens = self.linear(torch.where(present, bands, torch.zeros_like(bands)).clamp(-8.0, 8.0))
        tokens = torch.where(present, tokens, self.absent.to(tokens.dtype)) + self.band.to(tokens.dtype)
        return torch.cat([self.joint(features, generator).unsqueeze(1).to(tokens.dtype), tokens], dim=1)


class PatchEncoder(nn.Module):
    """Tokens with a summary token through ``depth`` pre-norm layers.

    The readout "places" has learned weights for each token position; "mean", which the shipped network was
    trained with, averages the tokens, so that one line or one band has a seventieth of the weight.
    """

    def __init__(
        self, n_token: int, width: int, depth: int, heads: int, dropout: float, readout: str = "places"
    ) -> None:
        super().__init__()
        self.summary = nn.Parameter(torch.zeros(1, 1, width))
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(TransformerLayer(width, heads, 2 * width, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.readout = readout
        if readout == "places":
            self.narrow = nn.Linear(width, _READ)
            self.read = nn.Linear(n_token * _READ, width)

    def forward(self, tokens: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """``tokens`` (batch, n_token, width) to (batch, 2 width): the summary token and the readout of the others."""
        x = torch.cat(
            [self.summary.to(tokens.dtype).expand(len(tokens), -1, -1), self.dropout(tokens, generator)], dim=1
        )
        for layer in self.layers:
            x = layer(x, generator)
        x = self.norm(x)
        rest = x[:, 1:].mean(dim=1) if self.readout == "mean" else self.read(self.narrow(x[:, 1:]).flatten(1))
        return torch.cat([x[:, 0], rest], dim=1)
