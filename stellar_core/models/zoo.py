"""Build networks: the paper's eight from shared branches, and Model 9."""

from __future__ import annotations

import torch
from torch import nn

from stellar_core.models.branches import (
    ConvolutionalStem,
    FusionModule,
    PatchEmbedding,
    PhotometryBranch,
    TransformerEncoder,
    flux_channel,
    spectrum_channels,
)
from stellar_core.models.heads import Heads, Prediction
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.models.isochrone_network import IsochroneNetwork
from stellar_core.models.registry import ARCHITECTURES, CNN_TOKENS, N_FEATURE, N_PIXEL, Architecture, ModelConfig
from stellar_core.models.resnet import ResidualEncoder, ResidualStem

__all__ = ["ARCHITECTURES", "Architecture", "ModelConfig", "Network", "build"]


class Network(nn.Module):
    """One of the paper's eight networks, with an atmosphere head in addition to the paper's three.

    The output is ``heads(embed(tokens(flux, coverage), features, generator))``: `tokens` has no
    dropout and runs once per star, `embed` runs once per pass of MC dropout. `forward` does
    all of it.

    Parameters
    ----------
    config : ModelConfig
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config, self.architecture = config, config.architecture
        self.photometry: PhotometryBranch | None = None
        self.stem: nn.Module | None = None
        self.encoder: nn.Module | None = None
        self.fusion: FusionModule | None = None
        if self.architecture.uses_photometry:
            self.photometry = PhotometryBranch(
                N_FEATURE, config.photometry_width, config.photometry_depth, config.dropout
            )
            width = config.photometry_width
        if self.architecture.uses_spectrum:
            self.stem, self.encoder = _spectral_branch(config)
            width = config.spectrum_width
        if self.architecture.uses_photometry and self.architecture.uses_spectrum:
            self.fusion = FusionModule(
                config.photometry_width, config.spectrum_width, config.fusion_width, config.fusion_depth, config.dropout
            )
            width = config.fusion_width
        self.heads = Heads(width, bounded=config.bounded)

    @property
    def n_parameter(self) -> int:
        """Trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())

    @torch.no_grad()
    def scale_features(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Set the mean and standard deviation, each (29,), that scale the features; no effect without photometry."""
        if self.photometry is not None:
            self.photometry.mean.copy_(mean)
            self.photometry.std.copy_(std)

    def tokens(self, flux: torch.Tensor, coverage: torch.Tensor) -> torch.Tensor:
        """Run the part without dropout: ``flux``, ``coverage`` (batch, 6800) to (batch, n_token, channel).

        Model 1, which ignores the spectrum, has no tokens: (batch, 0, 0).
        """
        if self.stem is None:
            return flux.new_zeros(len(flux), 0, 0)
        prepare = flux_channel if self.config.channels == 1 else spectrum_channels
        return self.stem(prepare(flux, coverage))

    def embed(
        self, tokens: torch.Tensor, features: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Compute the penultimate layer (batch, width) from the output of `tokens` and ``features`` (batch, 29)."""
        if self.encoder is None:
            return self.photometry(features, generator)
        spectrum = self.encoder(tokens, generator)
        if self.photometry is None:
            return spectrum
        return self.fusion(self.photometry(features, generator), spectrum, generator)

    def forward(
        self,
        flux: torch.Tensor,
        coverage: torch.Tensor,
        features: torch.Tensor,
        generator: torch.Generator | None = None,
        ivar: torch.Tensor | None = None,
    ) -> Prediction:
        """Predict a batch.

        Parameters
        ----------
        flux, coverage : (batch, 6800)
            As `stellar_core.preprocessing.spectra.prepare` gives them; coverage 0 or 1. No influence
            on Model 1.
        features : (batch, 29)
            As `stellar_core.preprocessing.features`; rows with NaN count as missing. No
            influence on Models 2, 3 and 4.
        generator : torch.Generator, optional
            Source of dropout; no dropout without it.
        ivar : (batch, 6800), optional
            Inverse variance, for networks that read it; the paper's eight do not.
        """
        return self.heads(self.embed(self.tokens(flux, coverage), features, generator))


def _spectral_branch(config: ModelConfig) -> tuple[nn.Module, nn.Module]:
    """The modules from spectrum to tokens and from tokens to one vector."""
    entry, width, depth = config.architecture, config.spectrum_width, config.spectrum_depth
    if entry.spectrum == "ResNet":
        return ResidualStem(width, depth, config.channels), ResidualEncoder(width, depth, config.dropout)
    if entry.spectrum == "Transformer":
        stem, n_token = PatchEmbedding(width, config.patch, config.channels), N_PIXEL // config.patch
    else:
        stem, n_token = ConvolutionalStem(width, config.channels), CNN_TOKENS
    return stem, TransformerEncoder(n_token, width, depth, config.heads, config.dropout, entry.attention)


def skeleton(config: ModelConfig | IsochroneConfig) -> Network | IsochroneNetwork:
    """Build a network whose weights will be replaced."""
    return IsochroneNetwork(config) if isinstance(config, IsochroneConfig) else Network(config)


def build(config: ModelConfig | IsochroneConfig, generator: torch.Generator) -> Network | IsochroneNetwork:
    """Build a network, one of the paper's or Model 9, with initial weights drawn from ``generator``."""
    network = skeleton(config)
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d)):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
    for name, parameter in network.named_parameters():
        if name.endswith("position"):
            nn.init.normal_(parameter, std=0.02, generator=generator)
    for module in network.modules():
        if isinstance(module, (Heads, IsochroneNetwork)):
            module.initialise()
    return network
