"""Posterior of Model 9 over the stars of the isochrones, from the likelihood of its head.

The likelihood is a smooth function of the atmosphere. It is evaluated at the voxels first, to select the relevant
ones, then at every cell inside them, and multiplied by the prior of the cells. The result is a
`stellar_core.isochrones.Posterior`, as from the exact engine. Every cell is a point of the tracks, so every draw is a
physically possible star.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import torch

from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.isochrones import Posterior, Priors, load_tracks
from stellar_core.isochrones.mesh import mesh_of
from stellar_core.isochrones.track_samples import BinnedTrackSamples, load_track_samples
from stellar_core.models.isochrone_head import IsochroneHead, Likelihood, gaussian, scaled
from stellar_core.stages import STAGES

#: Voxels this far below the best (natural log) are dropped, and cells with less than this fraction of the best weight.
REACH, NEGLIGIBLE = 16.0, 1e-7
#: Cells per evaluation of the learned functions: bounds the memory.
_AT_ONCE = 50_000


@dataclass(frozen=True, eq=False)
class PosteriorEngine:
    """Posteriors over cells from the likelihoods of one head.

    Attributes
    ----------
    head : IsochroneHead
    cells : BinnedTrackSamples
        The cells whose voxels the head uses.
    """

    head: IsochroneHead
    cells: BinnedTrackSamples = field(default_factory=load_track_samples)

    @cached_property
    def _position(self) -> torch.Tensor:
        """(n_cell, 3) float32, scaled atmosphere of every cell."""
        return scaled(torch.from_numpy(self.cells.atmosphere))

    @cached_property
    def _free(self) -> torch.Tensor:
        """(n_cell, rank) float16, the learned functions at every cell."""
        with torch.inference_mode():
            return torch.cat([self.head.free(part).half() for part in self._position.split(_AT_ONCE)])

    @cached_property
    def _free_voxel(self) -> torch.Tensor:
        """(n_voxel, rank) float32, the learned functions at every voxel."""
        with torch.inference_mode():
            return self.head.free(self.head.voxels)

    def voxel_log_likelihood(self, found: Likelihood) -> torch.Tensor:
        """(batch, n_voxel) log likelihood of every voxel."""
        return gaussian(found.mean, found.factor, self.head.voxels) + found.weights @ self._free_voxel.T

    def log_likelihood_at(self, found: Likelihood, position: torch.Tensor) -> torch.Tensor:
        """(batch,) log likelihood of one scaled atmosphere, ``position`` (batch, 3), for each star."""
        offset = torch.einsum("bi,bij->bj", position - found.mean, found.factor)
        return (found.weights * self.head.free(position)).sum(1) - 0.5 * offset.square().sum(1)

    @torch.inference_mode()
    def weights(
        self, found: Likelihood, temperature: np.ndarray | float = 1.0, priors: Priors = Priors()
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Compute the posterior of each star of a batch: its cells and their probabilities.

        Parameters
        ----------
        found : Likelihood
            As `IsochroneHead.likelihood` gives it.
        temperature : (batch,) float or float
            Divisor of the log likelihoods.
        priors : Priors
            Any priors within the cells; the network needs no new training.

        Yields
        ------
        index : (n,) int
            Into ``cells.stars``.
        probability : (n,) float
            Sums to 1.
        """
        prior = _cell_prior(self.cells, priors)
        divisor = torch.from_numpy(np.broadcast_to(np.asarray(temperature, np.float32), len(found.mean)).copy())
        voxels = self.voxel_log_likelihood(found) / divisor[:, None] + _voxel_prior(self.cells, priors)
        near = voxels > voxels.amax(dim=1, keepdim=True) - REACH
        for star in range(len(near)):
            index = self._inside(np.flatnonzero(near[star].numpy()))
            offset = (self._position[index] - found.mean[star]) @ found.factor[star]
            log_likelihood = self._free[index].float() @ found.weights[star] - 0.5 * offset.square().sum(1)
            log_posterior = (log_likelihood / divisor[star]).numpy().astype(float) + prior[index.numpy()]
            weight = np.exp(log_posterior - log_posterior.max())
            kept = weight > NEGLIGIBLE
            yield index.numpy()[kept], weight[kept] / weight[kept].sum()

    def posterior(self, index: np.ndarray, probability: np.ndarray, priors: Priors = Priors()) -> Posterior:
        """Wrap the output of `weights` for one star, like the exact engine's."""
        mesh, segments = mesh_of(load_tracks(), priors), self.cells.segments.select(index)
        return Posterior(self.cells.stars.select(index), probability, priors, mesh, 0.0, segments=segments)

    def posteriors(
        self, found: Likelihood, temperature: np.ndarray | float = 1.0, priors: Priors = Priors()
    ) -> list[Posterior]:
        """Compute the posterior of every star of a batch; parameters as for `weights`."""
        return [self.posterior(*star, priors) for star in self.weights(found, temperature, priors)]

    @torch.inference_mode()
    def means(
        self, found: Likelihood, temperature: np.ndarray | float = 1.0, priors: Priors = Priors()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute posterior means and stage probabilities by voxel: coarser and faster than `posteriors`.

        Returns
        -------
        values : (batch, 5)
            In the order of `QUANTITIES`: K, dex, dex, log10(yr), log10(yr) to the end of the track.
        stage : (batch, 5)
        """
        divisor = torch.as_tensor(np.asarray(temperature, np.float32)).reshape(-1, 1)
        voxels = self.voxel_log_likelihood(found) / divisor + _voxel_prior(self.cells, priors)
        sums = torch.softmax(voxels, dim=1).double() @ _voxel_means(self.cells, priors)
        values, stage = sums.numpy()[:, : len(QUANTITIES)], sums.numpy()[:, len(QUANTITIES) :]
        return values, stage / stage.sum(axis=1, keepdims=True)

    @torch.inference_mode()
    def means_at(
        self, found: Likelihood, temperature: float, priors: Priors, index: np.ndarray, log_factor: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the same as `means` over the cells ``index`` (n,) alone, weighed by a further ``log_factor`` (n,)."""
        position, free = self._position[index], self._free[index].float()
        log_likelihood = found.weights @ free.T  # (batch, n)
        for star in range(len(log_likelihood)):
            offset = (position - found.mean[star]) @ found.factor[star]
            log_likelihood[star] -= 0.5 * offset.square().sum(1)
        extra = _cell_prior(self.cells, priors)[index].astype(float) + log_factor
        probability = torch.softmax(log_likelihood.double() / temperature + torch.from_numpy(extra), dim=1).numpy()
        stars = self.cells.stars.select(index)
        columns = [10.0**stars.log_teff, stars.logg, stars.feh_surface, stars.log_age, stars.log_lifetime]
        stage = self.cells.stage[index, None] == np.arange(len(STAGES))
        return probability @ np.column_stack(columns), probability @ stage

    def order(self, name: str, index: np.ndarray) -> np.ndarray:
        """(n,) order that sorts the cells ``index`` (n,) by one of their fields, ties by their number."""
        return np.argsort(self._ranks[name][index])

    @cached_property
    def _ranks(self) -> Mapping[str, np.ndarray]:
        """(n_cell,) int32 rank by each field of the cells, computed on first use: sorting ranks is ten times faster."""
        return _Ranks(self.cells)

    def _inside(self, voxels: np.ndarray) -> torch.Tensor:
        """Index of every cell in ``voxels``."""
        first, count = self.cells.first[voxels], np.diff(self.cells.first)[voxels]
        start = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        return torch.from_numpy(start + np.arange(count.sum()))


class _Ranks(dict):
    """Rank of every cell by one of its fields, by the field's name."""

    def __init__(self, cells: BinnedTrackSamples) -> None:
        self._cells = cells

    def __missing__(self, name: str) -> np.ndarray:
        order = np.argsort(getattr(self._cells.stars, name), kind="stable")
        rank = np.empty(order.size, np.int32)
        rank[order] = np.arange(order.size, dtype=np.int32)
        return self.setdefault(name, rank)


@lru_cache(maxsize=4)
def _cell_prior(cells: BinnedTrackSamples, priors: Priors) -> np.ndarray:
    return cells.log_prior(priors)


@lru_cache(maxsize=4)
def _voxel_prior(cells: BinnedTrackSamples, priors: Priors) -> torch.Tensor:
    """(n_voxel,) float32, log prior; far below all others in a voxel without any."""
    share = np.add.reduceat(np.exp(_cell_prior(cells, priors).astype(float)), cells.first[:-1])
    return torch.from_numpy(np.log(np.maximum(share, 1e-37)).astype(np.float32))


@lru_cache(maxsize=4)
def _voxel_means(cells: BinnedTrackSamples, priors: Priors) -> torch.Tensor:
    """(n_voxel, 5 + 5) float64: means of `QUANTITIES` and stage fractions of the stars in each voxel."""
    weight = np.exp(_cell_prior(cells, priors).astype(float))
    stars = cells.stars
    columns = [10.0**stars.log_teff, stars.logg, stars.feh_surface, stars.log_age, stars.log_lifetime]
    columns += [cells.stage == k for k in range(len(STAGES))]
    total = np.maximum(np.add.reduceat(weight, cells.first[:-1]), 1e-300)
    return torch.from_numpy(np.stack([np.add.reduceat(weight * c, cells.first[:-1]) / total for c in columns], axis=1))
