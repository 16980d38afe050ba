"""The networks, by the names of the paper's Table 1."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import nn

from stellar_core.errors import ModelError
from stellar_core.models.branches import (
    ConvolutionalStem,
    Perceptron,
    PhotometryBranch,
    TransformerEncoder,
    spectrum_channels,
)
from stellar_core.models.heads import Heads, Prediction

N_FEATURE = 29
N_PIXEL = 6800
N_TOKEN = 68


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of a network; the defaults are the paper's final configuration (section 4.2).

    Attributes
    ----------
    name : str
        Name in Table 1.
    spectrum_depth, spectrum_width, heads : int
        Transformer layers, d_model, attention heads (the heads are not stated in the paper).
    photometry_depth, photometry_width : int
        Layers and width of the photometric MLP.
    fusion_depth, fusion_width : int
        Layers and width of the fusion module.
    dropout : float
        Probability in every `Dropout` (not stated in the paper).
    """

    name: str = "MLP+CNN+Transformer"
    spectrum_depth: int = 4
    spectrum_width: int = 256
    heads: int = 8
    photometry_depth: int = 2
    photometry_width: int = 256
    fusion_depth: int = 4
    fusion_width: int = 512
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.name not in ARCHITECTURES:
            raise ModelError(
                f"There is no architecture {self.name!r}; known are {', '.join(ARCHITECTURES)}.", value=self.name
            )

    def to_dict(self) -> dict[str, object]:
        """Plain values for the card."""
        return asdict(self)


class MLPCNNTransformer(nn.Module):
    """Model 6: MLP on photometry, CNN + Transformer on the spectrum, fusion, four heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.photometry = PhotometryBranch(
            N_FEATURE, config.photometry_width, config.photometry_depth, config.dropout
        )
        self.stem = ConvolutionalStem(config.spectrum_width)
        self.encoder = TransformerEncoder(
            N_TOKEN, config.spectrum_width, config.spectrum_depth, config.heads, config.dropout
        )
        self.fusion = Perceptron(
            config.photometry_width + config.spectrum_width, config.fusion_width, config.fusion_depth, config.dropout
        )
        self.heads = Heads(config.fusion_width)

    def tokens(self, flux: torch.Tensor, coverage: torch.Tensor) -> torch.Tensor:
        """The deterministic part: ``flux``, ``coverage`` (batch, 6800) to tokens (batch, 68, width)."""
        return self.stem(spectrum_channels(flux, coverage))

    def embed(
        self, tokens: torch.Tensor, features: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """The penultimate layer (batch, fusion_width)."""
        spectrum = self.encoder(tokens, generator)
        photometry = self.photometry(features, generator)
        return self.fusion(torch.cat([photometry.to(spectrum.dtype), spectrum], dim=1), generator)

    def forward(
        self,
        flux: torch.Tensor,
        coverage: torch.Tensor,
        features: torch.Tensor,
        generator: torch.Generator | None = None,
    ) -> Prediction:
        """Predict a batch.

        Parameters
        ----------
        flux, coverage : (batch, 6800)
            As `stellar_core.preprocessing.prepare` gives them; coverage 0 or 1.
        features : (batch, 29)
            As `stellar_core.preprocessing.features`; rows with NaN count as missing.
        generator : torch.Generator, optional
            Source of dropout; none means no dropout.
        """
        return self.heads(self.embed(self.tokens(flux, coverage), features, generator))


#: Architectures by name.
ARCHITECTURES = {"MLP+CNN+Transformer": MLPCNNTransformer}


def build(config: ModelConfig, generator: torch.Generator) -> nn.Module:
    """A new network whose initial weights come from ``generator``."""
    network = ARCHITECTURES[config.name](config)
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d)):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
    for name, parameter in network.named_parameters():
        if name.endswith("position"):
            nn.init.normal_(parameter, std=0.02, generator=generator)
    return network
