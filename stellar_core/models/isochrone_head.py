"""The head of Model 9: how likely a star is under each atmosphere, and so under each star of the models.

The network gives numbers h, from which the log likelihood of any atmosphere
x = (log Teff, log g, [Fe/H]) is a Gaussian plus a sum of learned functions,

    log L(x) = -|F' (x - m)|^2 / 2 + w . phi(x),    h = (m, F, w).

With the prior of the isochrones it makes the posterior: log p(cell) = log prior(cell) +
log L(x of the cell) + constant. The likelihood knows nothing but the atmosphere, so between
stars of one atmosphere but different ages the isochrones alone decide, exactly as in the
grid posterior; and since the prior enters as a summand, any other can take its place.

While it learns, the cells are summed by voxel, and the prior is that of the training stars,
`IsochroneHead.tilt`: they are drawn as a survey finds them and evened out, not from the prior of
the isochrones. The network then learns the likelihood itself (Menon et al. 2021,
arXiv:2007.07314, logit adjustment), and the answer holds under the prior it is given.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from stellar_core.models.observable_bins import Voxels, load_voxels

#: Centre and scale of log10 Teff, log g and [Fe/H], about 0 and 1 over the survey's stars.
CENTRE, SCALE = (3.74, 3.8, -0.7), (0.07, 0.8, 0.7)
#: Bounds of the log of the Gaussian's inverse widths, in scaled units: widths of 0.0005 to 1.4 dex in log Teff.
LOG_SHARPNESS = (-3.0, 5.0)
#: Smoothing of the training stars' density, in voxels.
SMOOTHING = 1.5
#: Share of training stars that are taken to be drawn from the isochrones' prior: floor of their density.
FLOOR = 0.02
#: Part of the drawn weights that the last layers start with.
START_WEIGHTS = 0.1
#: Frequencies of the waves that the learned functions are made of, per scaled unit.
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


class CellPrediction(NamedTuple):
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
        Errors of the atmospheres that teach, K, dex, dex.
    step : (3,) float32
        Extent of a voxel in log10 Teff, log g, [Fe/H].
    """

    logits: torch.Tensor
    prior: torch.Tensor
    voxels: torch.Tensor
    errors: torch.Tensor
    step: torch.Tensor


class IsochroneHead(nn.Module):
    """From the embedding of a star to its likelihood, and to the posterior over voxels.

    Parameters
    ----------
    width : int
        Of the embedding.
    rank : int
        Learned functions.
    boxes : Voxels, optional
        The shipped ones by default.
    """

    def __init__(self, width: int, rank: int, boxes: Voxels | None = None) -> None:
        super().__init__()
        self.boxes = load_voxels() if boxes is None else boxes
        self.mean = nn.Linear(width, 3)
        self.factor = nn.Linear(width, 6)
        self.weights = nn.Linear(width, rank)
        self.functions = nn.Sequential(
            nn.Linear(3 + 6 * len(_WAVES), 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, rank)
        )
        self.register_buffer("voxels", scaled(torch.from_numpy(self.boxes.place)), persistent=False)
        self.register_buffer("prior", torch.from_numpy(self.boxes.log_prior.copy()), persistent=False)
        self.register_buffer("tilt", torch.zeros(len(self.boxes)), persistent=False)
        self.register_buffer("step", torch.from_numpy(self.boxes.step.astype(np.float32)), persistent=False)
        self.register_buffer("errors", torch.ones(3), persistent=False)

    @torch.no_grad()
    def settle(self) -> None:
        """Start with one broad Gaussian for all stars, of scaled width 1.6.

        From drawn weights the first losses are hundreds of nats, and the quickest way down is to ever
        broader Gaussians, under which no mean matters any more.
        """
        for linear in (self.mean, self.factor, self.weights):
            linear.weight.mul_(START_WEIGHTS)
        low, high = LOG_SHARPNESS
        share = (-0.5 - low) / (high - low)
        self.factor.bias[:3] = np.log(share / (1.0 - share))

    @torch.no_grad()
    def know_population(self, atmosphere: np.ndarray, errors: tuple[float, float, float]) -> None:
        """Set `tilt`, the log of the training stars' density over the isochrones' prior.

        Both are smoothed with a Gaussian of `SMOOTHING` voxels.

        Parameters
        ----------
        atmosphere : (n, 3) float
            Teff [K], log g, [Fe/H] of the training stars, as their labels give them.
        errors : (float, float, float)
            Of these labels, K, dex, dex.
        """
        self.errors.copy_(torch.tensor(errors))
        place = np.column_stack([np.log10(atmosphere[:, 0]), atmosphere[:, 1:]])
        ratio = (1.0 - FLOOR) * self.boxes.density_ratio(place, SMOOTHING) + FLOOR
        self.tilt.copy_(torch.from_numpy(np.log(ratio)))

    def likelihood(self, embedding: torch.Tensor) -> Likelihood:
        """The likelihood of stars from their ``embedding`` (batch, width)."""
        x = embedding.float()
        with torch.autocast(x.device.type, enabled=False):
            raw, low, high = self.factor(x), *LOG_SHARPNESS
            sharpness = torch.exp(low + (high - low) * torch.sigmoid(raw[:, :3]))
            rows = torch.stack([torch.zeros_like(raw[:, 0]), *raw[:, 3:].unbind(1)], dim=1)
            # Row i of the factor is measured in units of its own sharpness.
            lower = rows[:, [[0, 0, 0], [1, 0, 0], [2, 3, 0]]] * sharpness.unsqueeze(2)
            return Likelihood(self.mean(x), torch.diag_embed(sharpness) + lower, self.weights(x))

    def free(self, voxels: torch.Tensor) -> torch.Tensor:
        """The learned functions (n, rank) of scaled atmospheres (n, 3)."""
        waves = torch.cat([wave * voxels for wave in _WAVES], dim=1)
        found = self.functions(torch.cat([voxels, waves.sin(), waves.cos()], dim=1))
        return found.float() * found.shape[1] ** -0.5

    def forward(self, embedding: torch.Tensor) -> CellPrediction:
        """Posterior over voxels for a batch (batch, width), under the prior of the training stars."""
        found = self.likelihood(embedding)
        free = self.free(self.voxels)
        with torch.autocast(embedding.device.type, enabled=False):
            core = gaussian(found.mean, found.factor, self.voxels)
            logits = core + found.weights @ free.T + (self.prior + self.tilt)
        return CellPrediction(logits, self.prior, self.voxels, self.errors, self.step)


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


def teacher(atmosphere: torch.Tensor, predicted: CellPrediction) -> torch.Tensor:
    """Exact log posterior over voxels of stars whose atmosphere is known with small errors.

    The isochrones' prior times a Gaussian whose variance is that of the errors plus that of a
    voxel. To learn this whole distribution is to learn all its draws at once.

    Parameters
    ----------
    atmosphere : (batch, 3)
        Teff [K], log g, [Fe/H].
    predicted : CellPrediction
        Gives voxels, prior and errors.

    Returns
    -------
    (batch, n_voxel) float32
        Normalised.
    """
    place = torch.cat([atmosphere[:, :1].log10(), atmosphere[:, 1:]], dim=1)
    to_log = torch.cat([1.0 / (atmosphere[:, :1] * np.log(10.0)), torch.ones_like(atmosphere[:, 1:])], dim=1)
    variance = (predicted.errors * to_log).square() + predicted.step.square() / 12
    factor = torch.diag_embed(atmosphere.new_tensor(SCALE) * variance.rsqrt())
    return torch.log_softmax(gaussian(scaled(place), factor, predicted.voxels) + predicted.prior, dim=1)
