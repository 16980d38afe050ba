"""Posteriors of whole catalogues over one fixed set of track samples.

The samples are gathered once into bins of the observables about half an error wide. Each bin has its prior
weight, its weighted mean position, and the histograms of age, mass, lifetime, stage and phase of its samples.
Stars that are neighbours share the bins within reach: their likelihoods are one matrix product and an
exponential, their posteriors a second product with the histograms.

The work per star is the number of bins within reach, a few thousand whatever the number of samples, so time
grows linearly with the number of stars. The width of the bins follows the errors in powers of two, so time
hardly depends on the size of the errors, down to the spacing of the samples.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import groupby

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.intervals import LEVELS
from stellar_core.isochrones.bin_likelihood import REACH, likelihood, second_order
from stellar_core.isochrones.mesh import TrackSamples, Window, mesh_of
from stellar_core.isochrones.observable_bins import N_COLUMNS, N_HISTOGRAM, ObservableBins, bin_samples
from stellar_core.isochrones.posterior import MAX_CHI2
from stellar_core.isochrones.posterior_summaries import PosteriorSummaries, summarise
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import Tracks

#: Hottest samples, log10(K): above, errors of 75 K are smaller than the spacing of the fixed samples.
MAX_LOG_TEFF = 4.0
#: Smallest errors in units of `RESOLUTION`; below, `infer_posterior` is needed.
FINEST = 1.0 / 1.6
#: Largest spacing of the samples: log10 Teff, log g, surface [Fe/H]; about the errors of the SSPP.
RESOLUTION = (0.006, 0.15, 0.075)
#: Width of the bins at power 0: log10 Teff, log g, surface [Fe/H]; the other widths are powers of two of it.
BIN_SIZE = np.array([0.0033, 0.09, 0.048])
#: Largest width of a bin in units of the error.
BIN_WIDTH = np.array([0.8, 0.5, 0.5])
#: Stars within this many bins of each other share one matrix product.
TILE = 8
#: Candidates per draw, resampled by the likelihood at their own position inside the bin.
CANDIDATES = 4
#: Stars of a tile treated at a time: bounds the memory.
STARS_AT_ONCE = 256
#: Fewer stars than this use finer bins that exist already instead of bins of their own width.
FEW_STARS = 5000
#: Sets of bins are kept until they hold this many bins: bounds the memory.
MAX_BINS_KEPT = 100_000


def fixed_samples(
    tracks: Tracks | None = None, priors: Priors = Priors(), resolution: tuple[float, float, float] = RESOLUTION
) -> TrackSamples:
    """Samples of the mesh up to `MAX_LOG_TEFF`, refined to ``resolution``, float32; kept between calls."""
    return _fixed_samples(tracks if tracks is not None else load_tracks(), priors, tuple(resolution))


@lru_cache(maxsize=2)
def _fixed_samples(tracks: Tracks, priors: Priors, resolution: tuple[float, float, float]) -> TrackSamples:
    top = np.array([MAX_LOG_TEFF, np.inf, np.inf])
    return mesh_of(tracks, priors).samples(Window(np.full(3, -np.inf), top, np.asarray(resolution)), np.float32)


class CataloguePosterior:
    """Posteriors of many stars over fixed samples.

    Making one is cheap: samples and bins are kept by the process.

    Parameters
    ----------
    samples : TrackSamples, optional
        `fixed_samples` by default.
    resolution : tuple of float
        Largest spacing of these samples; sets the smallest errors accepted.
    workers : int
        Threads.
    """

    def __init__(
        self, samples: TrackSamples | None = None, resolution: tuple[float, float, float] = RESOLUTION, workers: int = 2
    ) -> None:
        self.samples = samples if samples is not None else fixed_samples(resolution=resolution)
        self.resolution, self.workers = np.asarray(resolution), workers
        self._kept: dict[tuple[int, int, int], ObservableBins] = {}
        self._weight = _relative_weight(self.samples)

    def supports(self, teff: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """(n_star,) bool: False where the errors are too small for the samples, or the star too hot."""
        covariance = np.broadcast_to(covariance, (len(teff), 3, 3))
        cool = teff + REACH * np.sqrt(covariance[:, 0, 0]) < 10.0**MAX_LOG_TEFF
        return cool & (self._conditional(teff, covariance) >= FINEST * self.resolution).all(axis=1)

    def evaluate(
        self,
        teff: np.ndarray,
        logg: np.ndarray,
        feh: np.ndarray,
        covariance: np.ndarray,
        levels: tuple[float, ...] = LEVELS,
    ) -> PosteriorSummaries:
        """Summarise the posterior of every star.

        Parameters
        ----------
        teff, logg, feh : (n_star,) float
            K, dex(cm/s2), dex; finite.
        covariance : (n_star, 3, 3) or (3, 3) float
            In K and dex; positive definite. `diagonal_covariance` makes one.
        levels : tuple of float
            Probabilities of the quantiles.
        """
        mean, covariance = self._check(teff, logg, feh, covariance)
        n_star = len(mean)
        sums = np.zeros((n_star, N_COLUMNS), np.float32)
        chi2_min = np.full(n_star, np.inf)

        def work(binned: ObservableBins, stars: np.ndarray) -> None:
            bins, log_like, pull, nearest = likelihood(binned, mean[stars], covariance[stars])
            if bins.size:
                chi2_min[stars] = nearest
                log_like = log_like - log_like.max(axis=1, keepdims=True)
                slopes, wider = second_order(binned, bins, covariance[stars], pull)
                weight = np.exp(log_like + wider)
                total = weight @ binned.sums[bins]
                tilts = binned.tilts[bins]
                for axis in range(3):
                    total[:, N_HISTOGRAM:] += (weight * slopes[axis]) @ tilts[:, axis]
                sums[stars] = total

        self._for_each_tile(mean, covariance, work)
        return summarise(sums, chi2_min, levels)

    def draws(
        self,
        teff: np.ndarray,
        logg: np.ndarray,
        feh: np.ndarray,
        covariance: np.ndarray,
        n_draw: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw samples from the posterior of every star: (n_star, n_draw) int64 into `samples`, -1 outside the models.

        Arguments as for `evaluate`; ``self.samples.select(index)`` gives the stars drawn.
        """
        mean, covariance = self._check(teff, logg, feh, covariance)
        uniform = rng.random((2, len(mean), CANDIDATES * n_draw))
        index = np.full((len(mean), n_draw), -1)
        ordered: dict[ObservableBins, np.ndarray] = {}

        def work(binned: ObservableBins, stars: np.ndarray) -> None:
            bins, log_like, _, nearest = likelihood(binned, mean[stars], covariance[stars])
            if not bins.size:
                return
            if binned not in ordered:
                ordered.clear()
                ordered[binned] = np.append(0.0, np.cumsum(self._weight[binned.order], dtype=float))
            before = ordered[binned]
            start, stop = before[binned.first[bins]], before[binned.first[bins + 1]]
            for row, star in enumerate(stars):
                if nearest[row] > MAX_CHI2:
                    continue
                total = np.cumsum(np.exp(log_like[row] - log_like[row].max()) * (stop - start), dtype=float)
                chosen = np.searchsorted(total, uniform[0, star] * total[-1], side="right").clip(0, bins.size - 1)
                target = start[chosen] + uniform[1, star] * (stop - start)[chosen]
                place = np.searchsorted(before, target, side="right") - 1
                first, last = binned.first[bins[chosen]], binned.first[bins[chosen] + 1] - 1
                samples = binned.order[np.clip(place, first, last)]
                # candidates were drawn by the likelihood of their bin: resample them by their own
                excess = self._sample_log_likelihood(samples, mean[star], covariance[star]) - log_like[row, chosen]
                share = np.cumsum(np.exp(excess - excess.max()))
                steps = (np.arange(n_draw) + uniform[0, star, 0]) / n_draw * share[-1]
                kept = np.searchsorted(share, steps).clip(0, len(samples) - 1)
                index[star] = samples[kept[np.argsort(uniform[1, star, :n_draw])]]

        self._for_each_tile(mean, covariance, work)
        return index

    def _sample_log_likelihood(self, samples: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Log likelihood of one star (3,) at the position of each sample (n,)."""
        place = [10.0 ** self.samples.log_teff[samples], self.samples.logg[samples], self.samples.feh_surface[samples]]
        offset = np.stack(place, axis=-1) - mean
        return -0.5 * np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset)

    def _check(
        self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        mean = np.stack([np.asarray(x, float).ravel() for x in (teff, logg, feh)], axis=-1)
        covariance = np.broadcast_to(np.asarray(covariance, float), (len(mean), 3, 3))
        if not np.isfinite(mean).all() or (mean[:, 0] <= 0).any():
            raise ParameterError("Every star needs finite Teff (K, positive), log g and [Fe/H].")
        if not np.isfinite(covariance).all() or (np.linalg.eigvalsh(covariance) <= 0).any():
            raise ParameterError("Every star needs finite, positive errors (K, dex, dex).")
        small = ~self.supports(mean[:, 0], covariance)
        if small.any():
            raise ParameterError(
                f"{int(small.sum())} stars are too hot, or their errors too small, for the catalogue posterior.",
                remedy="Use stellar_core.isochrones.infer_posterior for them.",
            )
        return mean, covariance

    @staticmethod
    def _conditional(teff: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """(n_star, 3) errors with the other two quantities fixed, in log10 Teff, dex, dex."""
        diagonal = np.diagonal(np.linalg.inv(covariance), axis1=-2, axis2=-1)
        conditional = np.broadcast_to(1.0 / np.sqrt(diagonal), (len(teff), 3)).copy()
        conditional[:, 0] /= teff * np.log(10.0)
        return conditional

    def _for_each_tile(
        self, mean: np.ndarray, covariance: np.ndarray, work: Callable[[ObservableBins, np.ndarray], None]
    ) -> None:
        """Call ``work(bins, stars)`` for every group of neighbouring stars with similar errors."""
        if not len(mean):
            return
        conditional = self._conditional(mean[:, 0], covariance)
        power = np.floor(np.log2(BIN_WIDTH * conditional / BIN_SIZE) + 1e-6).clip(-1, 3).astype(int)
        power = self._share_bins(power)
        place = np.stack([np.log10(mean[:, 0]), mean[:, 1], mean[:, 2]], axis=-1) / (BIN_SIZE * 2.0**power * TILE)
        keys = np.concatenate([power, np.floor(place).astype(int)], axis=1)
        order = np.lexsort(keys.T[::-1])  # by width of the bins, then by tile
        changes = np.flatnonzero((np.diff(keys[order], axis=0) != 0).any(axis=1)) + 1
        groups = [
            part
            for group in np.split(order, changes)
            for part in np.array_split(group, -(-len(group) // STARS_AT_ONCE))
        ]
        with ThreadPoolExecutor(self.workers) as pool:
            for key, tiles in groupby(groups, lambda group: tuple(keys[group[0], :3].tolist())):
                binned = self._binned(key)
                for _ in pool.map(partial(work, binned), tiles):
                    pass
                del binned  # before the next set is made

    def _share_bins(self, power: np.ndarray) -> np.ndarray:
        """Powers (n_star, 3), where few stars use finer bins that exist already: making bins costs more."""
        distinct, member, count = np.unique(power, axis=0, return_inverse=True, return_counts=True)
        existing = [np.array(key) for key in self._kept]
        for k in np.argsort(-count, kind="stable"):
            finer = [q for q in existing if (q <= distinct[k]).all() and (distinct[k] - q).sum() <= 2]
            if count[k] < FEW_STARS and finer:
                distinct[k] = max(finer, key=lambda q: q.sum())
            else:
                existing.append(distinct[k].copy())
        return distinct[member.ravel()]

    def _binned(self, power: tuple[int, int, int]) -> ObservableBins:
        """Bins of width ``BIN_SIZE * 2**power``."""
        if power not in self._kept:
            while sum(len(one.total) for one in self._kept.values()) > MAX_BINS_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[power] = _bins(self.samples, power)
        return self._kept[power]


def diagonal_covariance(errors: np.ndarray) -> np.ndarray:
    """Covariance (..., 3, 3) of independent ``errors`` (..., 3) in K, dex, dex."""
    return np.square(np.asarray(errors, float))[..., None] * np.eye(3)


def _relative_weight(samples: TrackSamples) -> np.ndarray:
    """(n_sample,) prior weight over the largest one."""
    return samples.weight / samples.weight.max()


@lru_cache(maxsize=3)
def _bins(samples: TrackSamples, power: tuple[int, int, int]) -> ObservableBins:
    """``samples`` in bins of width ``BIN_SIZE * 2**power``, kept for the next table."""
    return bin_samples(samples, _relative_weight(samples), BIN_SIZE * 2.0 ** np.array(power))
