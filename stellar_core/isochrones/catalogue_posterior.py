"""Posteriors of whole catalogues over one fixed set of cells.

`brute_force` sums over every cell for every star: the reference. `FastGrid` gives the same
sums in three steps. Cells are gathered once into voxels of the observables about half an
error wide, each with its prior weight, its weighted mean position, and the histograms of
age, mass, lifetime, stage and phase of its cells. Stars that are neighbours share the
voxels within reach. Their likelihoods are one matrix product and an exponential, their
answers a second product with the histograms.

The work per star is the number of voxels within reach, a few thousand whatever the number
of cells, so time grows linearly with the number of stars; voxels follow the errors in
powers of two, so it hardly depends on the size of the errors, down to the cells' own size.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.isochrones.mesh import Cells, Window, mesh_of
from stellar_core.isochrones.observable_bins import (
    CENTRES,
    EDGES,
    N_COLUMNS,
    N_HISTOGRAM,
    PAIRS,
    WIDTHS,
    Level,
    gather,
    histogram_quantiles,
)
from stellar_core.isochrones.posterior import MAX_CHI2
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.summary import LEVELS
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import Tracks

#: Hottest cells, log10(K): beyond, 75 K are too small an error for the fixed cells anyway.
MAX_LOG_TEFF = 4.0
#: Errors smaller than this part of `RESOLUTION` need the posterior of single stars.
FINEST = 1.0 / 1.6
#: Largest extent of a cell: log10 Teff, log g, surface [Fe/H]; about the SDSS pipeline's errors.
RESOLUTION = (0.006, 0.15, 0.075)
#: Voxels of level 0, log10 Teff, log g, surface [Fe/H]; other levels are powers of two of it.
VOXEL = np.array([0.0033, 0.09, 0.048])
#: A voxel is no wider than this, and the sum reaches this far, in units of the error: dwarfs outnumber the
#: stars of the Hertzsprung gap by more than their distance of five errors makes up for.
VOXEL_SIZE, REACH = np.array([0.8, 0.5, 0.5]), 6.0
#: Log of the part of a star's sum below which a voxel is left out.
NEGLIGIBLE = -14.0
#: Stars within this many voxels of each other share their sums.
TILE = 8
#: Cells drawn for every cell kept, to correct for the place inside a voxel.
CANDIDATES = 4
#: Stars of a tile summed at a time: bounds the memory.
STARS_AT_ONCE = 256
#: Fewer stars than this do not get voxels of their own size where somewhat finer ones are at hand.
FEW_STARS = 5000
#: Levels are kept until they hold this many voxels: bounds the memory.
MAX_VOXELS_KEPT = 100_000


@lru_cache(maxsize=2)
def grid_cells(
    tracks: Tracks | None = None, priors: Priors = Priors(), resolution: tuple[float, float, float] = RESOLUTION
) -> Cells:
    """The fixed cells: the mesh up to `MAX_LOG_TEFF` refined to ``resolution``, float32."""
    mesh = mesh_of(tracks if tracks is not None else load_tracks(), priors)
    top = np.array([MAX_LOG_TEFF, np.inf, np.inf])
    return mesh.cells(Window(np.full(3, -np.inf), top, np.asarray(resolution)), np.float32)


def brute_force(
    cells: Cells, teff: float, logg: float, feh: float, errors: tuple[float, float, float]
) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each quantity for one star, by summing over every cell.

    Units K, dex, dex in; log10(yr), Msun, log10(yr) out, keyed like `posterior.QUANTITIES`.
    """
    chi2 = ((10.0**cells.log_teff - teff) / errors[0]) ** 2
    chi2 += ((cells.logg - logg) / errors[1]) ** 2
    chi2 += ((cells.feh_surface - feh) / errors[2]) ** 2
    weight = cells.weight * np.exp(-0.5 * (chi2 - chi2.min()))
    total = weight.sum(dtype=float)
    answer = {}
    for name in ("log_age", "mass", "log_lifetime"):
        values = getattr(cells, name)
        mean = (weight * values).sum(dtype=float) / total
        answer[name] = (float(mean), float(np.sqrt((weight * (values - mean) ** 2).sum(dtype=float) / total)))
    return answer


@dataclass(frozen=True)
class CatalogueAnswer:
    """Posterior summaries of many stars; every array starts with (n_star,).

    Attributes
    ----------
    inside_models : bool; where False every number is NaN
    chi2_min : squared distance to the nearest voxel, in errors
    mean, std : mapping of quantity to (n_star,): log_age, mass, log_lifetime
    quantiles : mapping of quantity to (n_star, n_level), at 2.5, 16, 50, 84 and 97.5 % by default
    stage : (n_star, 5) probabilities in the order of `STAGES`
    phase : (n_star, 5) probabilities in the order of `PHASES`
    """

    inside_models: np.ndarray
    chi2_min: np.ndarray
    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    quantiles: dict[str, np.ndarray]
    stage: np.ndarray
    phase: np.ndarray


class FastGrid:
    """Posteriors of many stars over fixed cells.

    Parameters
    ----------
    cells : Cells, optional
        `grid_cells` by default.
    resolution : tuple of float
        Largest extent of these cells; sets the smallest errors accepted.
    workers : int
        Threads.
    """

    def __init__(
        self, cells: Cells | None = None, resolution: tuple[float, float, float] = RESOLUTION, workers: int = 2
    ) -> None:
        self.cells = cells if cells is not None else grid_cells(resolution=resolution)
        self.resolution, self.workers = np.asarray(resolution), workers
        self._levels: dict[tuple[int, int, int], Level] = {}
        self._weight = self.cells.weight / self.cells.weight.max()

    def supports(self, teff: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """(n_star,) bool: True where the errors are not too small for the cells, and the star not too hot."""
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
    ) -> CatalogueAnswer:
        """Summaries of every star.

        Parameters
        ----------
        teff, logg, feh : (n_star,) float
            K, dex(cm/s2), dex; finite.
        covariance : (n_star, 3, 3) or (3, 3) float
            In K and dex; positive definite. `from_errors` makes one.
        levels : tuple of float
            Probabilities of the quantiles.
        """
        mean, covariance = self._check(teff, logg, feh, covariance)
        n_star = len(mean)
        sums = np.zeros((n_star, N_COLUMNS), np.float32)
        chi2_min = np.full(n_star, np.inf)

        def work(level: Level, stars: np.ndarray) -> None:
            voxels, log_like, pull, nearest = self._likelihood(level, mean[stars], covariance[stars])
            if voxels.size:
                chi2_min[stars] = nearest
                log_like = log_like - log_like.max(axis=1, keepdims=True)
                slopes, wider = self._second_order(level, voxels, covariance[stars], pull)
                likelihood = np.exp(log_like + wider)
                total = likelihood @ level.sums[voxels]
                tilts = level.tilts[voxels]
                for axis in range(3):
                    total[:, N_HISTOGRAM:] += (likelihood * slopes[axis]) @ tilts[:, axis]
                sums[stars] = total

        self._for_each_tile(mean, covariance, work)
        return self._summarise(sums, chi2_min, levels)

    def draws(
        self,
        teff: np.ndarray,
        logg: np.ndarray,
        feh: np.ndarray,
        covariance: np.ndarray,
        n_draw: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Cells drawn from every star's posterior: (n_star, n_draw) int64 into `cells`, -1 outside the models.

        Arguments as for `evaluate`; ``self.cells.select(index)`` gives the stars drawn.
        """
        mean, covariance = self._check(teff, logg, feh, covariance)
        uniform = rng.random((2, len(mean), CANDIDATES * n_draw))
        index = np.full((len(mean), n_draw), -1)
        ordered: dict[Level, np.ndarray] = {}

        def work(level: Level, stars: np.ndarray) -> None:
            voxels, log_like, _, nearest = self._likelihood(level, mean[stars], covariance[stars])
            if not voxels.size:
                return
            if level not in ordered:
                ordered.clear()
                ordered[level] = np.append(0.0, np.cumsum(self._weight[level.order], dtype=float))
            before = ordered[level]
            start, stop = before[level.first[voxels]], before[level.first[voxels + 1]]
            for row, star in enumerate(stars):
                if nearest[row] > MAX_CHI2:
                    continue
                total = np.cumsum(np.exp(log_like[row] - log_like[row].max()) * (stop - start), dtype=float)
                chosen = np.searchsorted(total, uniform[0, star] * total[-1], side="right").clip(0, voxels.size - 1)
                target = start[chosen] + uniform[1, star] * (stop - start)[chosen]
                place = np.searchsorted(before, target, side="right") - 1
                first, last = level.first[voxels[chosen]], level.first[voxels[chosen] + 1] - 1
                cells = level.order[np.clip(place, first, last)]
                # the voxel's likelihood stood for the cell's: correct by resampling
                excess = self._cell_log_likelihood(cells, mean[star], covariance[star]) - log_like[row, chosen]
                share = np.cumsum(np.exp(excess - excess.max()))
                steps = (np.arange(n_draw) + uniform[0, star, 0]) / n_draw * share[-1]
                kept = np.searchsorted(share, steps).clip(0, len(cells) - 1)
                index[star] = cells[kept[np.argsort(uniform[1, star, :n_draw])]]

        self._for_each_tile(mean, covariance, work)
        return index

    def _cell_log_likelihood(self, cells: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Log likelihood of one star (3,) at the very place of each cell (n,)."""
        place = [10.0 ** self.cells.log_teff[cells], self.cells.logg[cells], self.cells.feh_surface[cells]]
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
                f"The errors of {int(small.sum())} stars are too small for the fixed cells, or the stars too hot.",
                remedy="Use stellar_core.isochrones.posterior for them.",
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
        self, mean: np.ndarray, covariance: np.ndarray, work: Callable[[Level, np.ndarray], None]
    ) -> None:
        """Call ``work(level, stars)`` for every group of neighbours with like errors."""
        if not len(mean):
            return
        conditional = self._conditional(mean[:, 0], covariance)
        power = np.floor(np.log2(VOXEL_SIZE * conditional / VOXEL) + 1e-6).clip(-1, 3).astype(int)
        power = self._share_levels(power)
        place = np.stack([np.log10(mean[:, 0]), mean[:, 1], mean[:, 2]], axis=-1) / (VOXEL * 2.0**power * TILE)
        keys = np.concatenate([power, np.floor(place).astype(int)], axis=1)
        order = np.lexsort(keys.T[::-1])  # by level, then by tile
        changes = np.flatnonzero((np.diff(keys[order], axis=0) != 0).any(axis=1)) + 1
        groups = [
            part
            for group in np.split(order, changes)
            for part in np.array_split(group, -(-len(group) // STARS_AT_ONCE))
        ]
        with ThreadPoolExecutor(self.workers) as pool:
            for key, tiles in groupby(groups, lambda group: tuple(keys[group[0], :3].tolist())):
                level = self._level(key)
                for _ in pool.map(partial(work, level), tiles):
                    pass
                del level  # before the next one is built

    def _share_levels(self, power: np.ndarray) -> np.ndarray:
        """Levels (n_star, 3) with few stars moved to finer ones at hand: to gather a level costs more."""
        levels, member, count = np.unique(power, axis=0, return_inverse=True, return_counts=True)
        at_hand = [np.array(key) for key in self._levels]
        for k in np.argsort(-count, kind="stable"):
            finer = [q for q in at_hand if (q <= levels[k]).all() and (levels[k] - q).sum() <= 2]
            if count[k] < FEW_STARS and finer:
                levels[k] = max(finer, key=lambda q: q.sum())
            else:
                at_hand.append(levels[k].copy())
        return levels[member.ravel()]

    def _likelihood(
        self, level: Level, mean: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, Callable[[int], np.ndarray], np.ndarray]:
        """Voxels that matter to a tile's stars, log likelihoods (n_star, n_voxel), their slope, nearest chi-square.

        Of the voxels within reach those are left out that add less than exp(`NEGLIGIBLE`) of the
        largest part to every star. The slope along an axis is that of the log likelihood at
        the voxel, per unit of the voxel's own coordinates (K, dex, dex).
        """
        reach = REACH * np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        low, high = (mean - reach).min(axis=0), (mean + reach).max(axis=0)
        near = ((level.centroid >= low) & (level.centroid <= high)).all(axis=1)
        voxels = np.flatnonzero(near)
        origin = mean.mean(axis=0)
        scale = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).mean(axis=0)
        point = (level.centroid[voxels] - origin) / scale  # (n_voxel, 3)
        star = (mean - origin) / scale
        precision = np.linalg.inv(covariance / np.outer(scale, scale))
        linear = np.einsum("nij,nj->ni", precision, star)
        left = [-0.5 * precision[:, i, j] * (1 if i == j else 2) for i, j in PAIRS]
        left += [*linear.T, -0.5 * np.einsum("ni,ni->n", star, linear)]
        right = [point[:, i] * point[:, j] for i, j in PAIRS] + [*point.T, np.ones(len(point))]
        log_like = np.stack(left, axis=1).astype(np.float32) @ np.stack(right).astype(np.float32)
        nearest = -2.0 * log_like.max(axis=1, initial=-np.inf)
        if voxels.size:
            part = log_like + np.log(level.total[voxels])
            matters = (part - part.max(axis=1, keepdims=True)).max(axis=0) > NEGLIGIBLE
            voxels, log_like, point = voxels[matters], log_like[:, matters], point[matters]

        def pull(axis: int) -> np.ndarray:
            slope = linear[:, axis, None] - precision[:, axis] @ point.T
            return (slope / scale[axis]).astype(np.float32)

        return voxels, log_like, pull, nearest

    @staticmethod
    def _second_order(
        level: Level, voxels: np.ndarray, covariance: np.ndarray, pull: Callable[[int], np.ndarray]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Slopes of the log likelihood at the voxels, and what their extent adds to it, (n_star, n_voxel) each.

        The mean of the likelihood over a voxel of covariance S is that at its centroid times
        exp(tr(S (u u' - P)) / 2) to second order, u the slope and P the precision.
        """
        slopes = [pull(axis) for axis in range(3)]
        precision = np.linalg.inv(covariance)
        spread = level.spread[voxels]
        constant = [precision[:, i, j] * (1 if i == j else 2) for i, j in PAIRS]
        added = -0.5 * (np.stack(constant, axis=1).astype(np.float32) @ spread.T)
        for k, (i, j) in enumerate(PAIRS):
            added += (0.5 if i == j else 1.0) * spread[:, k] * slopes[i] * slopes[j]
        return slopes, added

    def _level(self, power: tuple[int, int, int]) -> Level:
        """Voxels of size ``VOXEL * 2**power``, gathered on first use."""
        if power not in self._levels:
            while sum(len(level.sums) for level in self._levels.values()) > MAX_VOXELS_KEPT:
                self._levels.pop(next(iter(self._levels)))
            self._levels[power] = gather(self.cells, self._weight, VOXEL * 2.0 ** np.array(power))
        return self._levels[power]

    def _summarise(self, sums: np.ndarray, chi2_min: np.ndarray, levels: tuple[float, ...]) -> CatalogueAnswer:
        inside = chi2_min <= MAX_CHI2
        log_age, log_mass, log_life, stage, phase, moments = np.split(
            sums.astype(float), np.cumsum(WIDTHS)[:-1], axis=1
        )
        total = np.where(inside, stage.sum(axis=1), np.nan)
        histograms = {"log_age": log_age, "mass": log_mass, "log_lifetime": log_life}
        mean, std, quantiles = {}, {}, {}
        for k, (name, centre) in enumerate(CENTRES.items()):
            first, second = moments[:, 2 * k] / total, moments[:, 2 * k + 1] / total
            mean[name], std[name] = centre + first, np.sqrt(np.maximum(second - first**2, 1e-12))
            edges = EDGES["log_mass" if name == "mass" else name]
            quantiles[name] = histogram_quantiles(
                histograms[name], 10.0**edges if name == "mass" else edges, mean[name], std[name], levels
            )
            quantiles[name][~inside] = np.nan
        stage, phase = np.maximum(stage, 0.0), np.maximum(phase, 0.0)
        stage, phase = (p / np.where(inside, p.sum(axis=1), np.nan)[:, None] for p in (stage, phase))
        return CatalogueAnswer(inside, chi2_min, mean, std, quantiles, stage, phase)


def from_errors(errors: np.ndarray) -> np.ndarray:
    """(..., 3, 3) covariance of independent ``errors`` (..., 3) in K, dex, dex."""
    return np.square(np.asarray(errors, float))[..., None] * np.eye(3)
