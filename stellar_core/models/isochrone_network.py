"""Model 9: spectral patches and photometric tokens, one encoder, the isochrone head."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from stellar_core.models.branches import Perceptron
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.models.isochrone_head import IsochroneHead, VoxelPrediction
from stellar_core.models.patches import PatchEncoder, PhotometryTokens, SpectrumTokens
from stellar_core.models.registry import N_PIXEL


class IsochroneNetwork(nn.Module):
    """Map a star's spectrum, photometry or both to the posterior over stars of the isochrones.

    The output is ``head(embed(tokens(flux, coverage, ivar), features, generator))``, with the same
    parts as the paper's networks: `tokens` has no dropout, `embed` has.

    Parameters
    ----------
    config : IsochroneConfig
    """

    def __init__(self, config: IsochroneConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrum = SpectrumTokens(config.width, config.patch, config.centred)
        self.photometry = PhotometryTokens(config.width, config.dropout)
        n_token = N_PIXEL // config.patch + PhotometryTokens.N_TOKEN
        self.encoder = PatchEncoder(n_token, config.width, config.depth, config.heads, config.dropout, config.readout)
        self.perceptron = Perceptron(2 * config.width, config.embedding_width, config.embedding_depth, config.dropout)
        self.head = IsochroneHead(config.embedding_width, config.rank)

    @property
    def n_parameter(self) -> int:
        """Trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())

    @torch.no_grad()
    def scale_features(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Set the mean and standard deviation, each (29,), that scale the features."""
        self.photometry.joint.mean.copy_(mean)
        self.photometry.joint.std.copy_(std)

    def scale_spectra(self, flux: torch.Tensor, coverage: torch.Tensor) -> None:
        """Set the mean of training spectra, (n, 6800) each, if spectra are centred; see `SpectrumTokens.scale`."""
        if self.config.centred:
            self.spectrum.scale(flux, coverage)

    def initialise(self) -> None:
        """Adjust the random initial weights."""
        self.spectrum.initialise()
        self.head.initialise()

    def set_population(self, atmosphere: np.ndarray, errors: tuple[float, float, float]) -> None:
        """Set the distribution of the training stars; see `IsochroneHead.set_population`."""
        self.head.set_population(atmosphere, errors)

    def tokens(self, flux: torch.Tensor, coverage: torch.Tensor, ivar: torch.Tensor | None = None) -> torch.Tensor:
        """Compute spectral tokens (batch, 6800 / patch, width)."""
        return self.spectrum(flux, coverage, torch.zeros_like(flux) if ivar is None else ivar)

    def embed(
        self, tokens: torch.Tensor, features: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Compute the penultimate layer (batch, embedding_width) from the output of `tokens` and ``features`` (batch,
        29)."""
        photometry = self.photometry(features, generator).to(tokens.dtype)
        return self.perceptron(self.encoder(torch.cat([photometry, tokens], dim=1), generator), generator)

    def forward(
        self,
        flux: torch.Tensor,
        coverage: torch.Tensor,
        features: torch.Tensor,
        generator: torch.Generator | None = None,
        ivar: torch.Tensor | None = None,
    ) -> VoxelPrediction:
        """Compute the posterior over voxels of the atmosphere for a batch.

        Parameters
        ----------
        flux, coverage : (batch, 6800)
            As `stellar_core.preprocessing.spectra.prepare` gives them; a spectrum without coverage
            counts as missing.
        features : (batch, 29)
            As `stellar_core.preprocessing.features`; NaN counts as missing.
        generator : torch.Generator, optional
            Source of dropout; no dropout without it.
        ivar : (batch, 6800), optional
            Inverse variance of ``flux``; large noise is assumed without it.
        """
        return self.head(self.embed(self.tokens(flux, coverage, ivar), features, generator))
