"""The head of Model 9: the likelihood of an atmosphere, and the posterior over the stars of the isochrones.

The network gives numbers h = (m, F, w). The log likelihood of an atmosphere x = (log Teff, log g, [Fe/H]) is a
Gaussian plus a sum of learned functions,

    log L(x) = -|F' (x - m)|^2 / 2 + w . phi(x).

With the prior of the isochrones, the posterior is log p(cell) = log prior(cell) + log L(x of the cell) + constant.
The likelihood depends on the atmosphere alone, so the isochrones alone weigh stars of one atmosphere but different
ages, exactly as in the grid posterior; and since the log prior is a summand, it can be exchanged.

In training, the cells are summed by voxel, and the prior is that of the training stars
(`IsochroneHead.log_density_ratio`): they follow a survey, evened out, and not the prior of the isochrones. The
network then learns the likelihood itself (logit adjustment, Menon et al. 2021, arXiv:2007.07314), and the posterior
is valid under any given prior.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from stellar_core.models.observable_bins import Voxels, load_voxels

#: Centre and scale of log10 Teff, log g and [Fe/H]: about zero mean and unit scatter over the survey's stars.
CENTRE, SCALE = (3.74, 3.8, -0.7), (0.07, 0.8, 0.7)
#: Bounds of the log of the Gaussian's inverse widths, in scaled units: widths of 0.0005 to 1.4 dex in log Teff.
LOG_SHARPNESS = (-3.0, 5.0)
#: Smoothing of the training stars' density, voxels.
SMOOTHING = 1.5
#: Fraction of training stars assumed to follow the isochrones' prior: floor of their density.
FLOOR = 0.02
#: Factor on the initial weights of the last layers.
START_WEIGHTS = 0.1
#: Frequencies of the sines and cosines read by the learned functions, per scaled unit.
_WAVES = (1.0, 2.0, 4.0)


class Likelihood(NamedTuple):
    """Log likelihood of the atmosphere for a batch, in scaled units, float32.

    Attributes
    ----------
    mean : (batch, 3)
    factor : (batch, 3, 3)
        Lower triangular; the precision is ``factor @ factor.T``.
    weights : (batch, rank)
    """

    mean: torch.Tensor
    factor: torch.Tensor
    weights: torch.Tensor


class VoxelPrediction(NamedTuple):
    """Output of Model 9 for a batch, over voxels of the atmosphere.

    Attributes
    ----------
    logits : (batch, n_voxel) float32
        Log posterior up to a constant, under the prior of the training stars.
    prior : (n_voxel,) float32
        Log prior of the isochrones.
    voxels : (n_voxel, 3) float32
        Scaled atmospheres.
    errors : (3,) float32
        Errors of the training atmospheres, K, dex, dex.
    step : (3,) float32
        Extent of a voxel in log10 Teff, log g, [Fe/H].
    """

    logits: torch.Tensor
    prior: torch.Tensor
    voxels: torch.Tensor
    errors: torch.Tensor
    step: torch.Tensor


class IsochroneHead(nn.Module):
    """Map the embedding of a star to its likelihood and to the posterior over voxels.

    Parameters
    ----------
    width : int
        Width of the embedding.
    rank : int
        Number of learned functions.
    voxel_table : Voxels, optional
        The shipped one by default.
    """

    def __init__(self, width: int, rank: int, voxel_table: Voxels | None = None) -> None:
        super().__init__()
        self.voxel_table = load_voxels() if voxel_table is None else voxel_table
        self.mean = nn.Linear(width, 3)
        self.factor = nn.Linear(width, 6)
        self.weights = nn.Linear(width, rank)
        self.functions = nn.Sequential(
            nn.Linear(3 + 6 * len(_WAVES), 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, rank)
        )
        self.register_buffer("voxels", scaled(torch.from_numpy(self.voxel_table.place)), persistent=False)
        self.register_buffer("prior", torch.from_numpy(self.voxel_table.log_prior.copy()), persistent=False)
        self.register_buffer("log_density_ratio", torch.zeros(len(self.voxel_table)), persistent=False)
        self.register_buffer("step", torch.from_numpy(self.voxel_table.step.astype(np.float32)), persistent=False)
        self.register_buffer("errors", torch.ones(3), persistent=False)

    @torch.no_grad()
    def initialise(self) -> None:
        """Start with one broad Gaussian for all stars, of scaled width 1.6.

        From random weights the first losses are hundreds of nats, and the optimiser only broadens the Gaussians until
        their means no longer matter.
        """
        for linear in (self.mean, self.factor, self.weights):
            linear.weight.mul_(START_WEIGHTS)
        low, high = LOG_SHARPNESS
        share = (-0.5 - low) / (high - low)
        self.factor.bias[:3] = np.log(share / (1.0 - share))

    @torch.no_grad()
    def set_population(self, atmosphere: np.ndarray, errors: tuple[float, float, float]) -> None:
        """Set `log_density_ratio`, the log of the training stars' density over the isochrones' prior.

        Both are smoothed with a Gaussian of `SMOOTHING` voxels.

        Parameters
        ----------
        atmosphere : (n, 3) float
            Teff [K], log g, [Fe/H] of the training stars, as their labels give them.
        errors : (float, float, float)
            Errors of these labels, K, dex, dex.
        """
        self.errors.copy_(torch.tensor(errors))
        position = np.column_stack([np.log10(atmosphere[:, 0]), atmosphere[:, 1:]])
        ratio = (1.0 - FLOOR) * self.voxel_table.density_ratio(position, SMOOTHING) + FLOOR
        self.log_density_ratio.copy_(torch.from_numpy(np.log(ratio)))

    def likelihood(self, embedding: torch.Tensor) -> Likelihood:
        """Compute the likelihood of stars from their ``embedding`` (batch, width)."""
        x = embedding.float()
        with torch.autocast(x.device.type, enabled=False):
            raw, low, high = self.factor(x), *LOG_SHARPNESS
            sharpness = torch.exp(low + (high - low) * torch.sigmoid(raw[:, :3]))
            rows = torch.stack([torch.zeros_like(raw[:, 0]), *raw[:, 3:].unbind(1)], dim=1)
            # Each row of the factor is in units of its own sharpness.
            lower = rows[:, [[0, 0, 0], [1, 0, 0], [2, 3, 0]]] * sharpness.unsqueeze(2)
            return Likelihood(self.mean(x), torch.diag_embed(sharpness) + lower, self.weights(x))

    def free(self, voxels: torch.Tensor) -> torch.Tensor:
        """Evaluate the learned functions (n, rank) at scaled atmospheres (n, 3)."""
        waves = torch.cat([wave * voxels for wave in _WAVES], dim=1)
        found = self.functions(torch.cat([voxels, waves.sin(), waves.cos()], dim=1))
        return found.float() * found.shape[1] ** -0.5

    def forward(self, embedding: torch.Tensor) -> VoxelPrediction:
        """Compute the posterior over voxels of a batch (batch, width), under the prior of the training stars."""
        found = self.likelihood(embedding)
        free = self.free(self.voxels)
        with torch.autocast(embedding.device.type, enabled=False):
            core = gaussian(found.mean, found.factor, self.voxels)
            logits = core + found.weights @ free.T + (self.prior + self.log_density_ratio)
        return VoxelPrediction(logits, self.prior, self.voxels, self.errors, self.step)


def scaled(atmosphere: torch.Tensor) -> torch.Tensor:
    """(n, 3) log10 Teff, log g, [Fe/H] in the units of the head."""
    return (atmosphere - atmosphere.new_tensor(CENTRE)) / atmosphere.new_tensor(SCALE)


def gaussian(mean: torch.Tensor, factor: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """-|factor' (x - mean)|^2 / 2 for a batch (batch, 3), (batch, 3, 3) at every x (n, 3), to (batch, n) float32.

    One product of coefficients and monomials, in double precision: large terms cancel.
    """
    mean, factor, x = mean.double(), factor.double(), x.double()
    precision = factor @ factor.transpose(1, 2)
    first, second = torch.triu_indices(3, 3, device=x.device)
    linear = (precision @ mean.unsqueeze(2)).squeeze(2)
    square = -torch.where(first == second, 0.5, 1.0).to(x) * precision[:, first, second]
    coefficients = torch.cat([square, linear, -0.5 * (linear * mean).sum(1, keepdim=True)], dim=1)  # (batch, 10)
    monomials = torch.cat([x[:, first] * x[:, second], x, torch.ones_like(x[:, :1])], dim=1)  # (n, 10)
    return (coefficients @ monomials.T).float()


def target_posterior(atmosphere: torch.Tensor, predicted: VoxelPrediction) -> torch.Tensor:
    """Compute the exact log posterior over voxels of stars with known atmospheres of small error: the training target.

    The isochrones' prior times a Gaussian whose variance is that of the errors plus that of a
    voxel. Training on this distribution is equivalent to training on all its draws at once.

    Parameters
    ----------
    atmosphere : (batch, 3)
        Teff [K], log g, [Fe/H].
    predicted : VoxelPrediction
        Voxels, prior and errors.

    Returns
    -------
    (batch, n_voxel) float32
        Normalised.
    """
    position = torch.cat([atmosphere[:, :1].log10(), atmosphere[:, 1:]], dim=1)
    to_log = torch.cat([1.0 / (atmosphere[:, :1] * np.log(10.0)), torch.ones_like(atmosphere[:, 1:])], dim=1)
    variance = (predicted.errors * to_log).square() + predicted.step.square() / 12
    factor = torch.diag_embed(atmosphere.new_tensor(SCALE) * variance.rsqrt())
    return torch.log_softmax(gaussian(scaled(position), factor, predicted.voxels) + predicted.prior, dim=1)
