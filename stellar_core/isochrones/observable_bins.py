"""Track samples gathered into bins of the observables, with the sums that posteriors are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from stellar_core.isochrones.mesh import TrackSamples
from stellar_core.isochrones.tracks import PHASES
from stellar_core.stages import STAGES, classify

#: Edges of the histograms.
EDGES = {
    "log_age": np.append(6.0, np.arange(7.4, 10.16, 0.025)),
    "log_mass": np.arange(-1.0, 0.921, 0.02),
    "log_lifetime": np.append(np.arange(7.4, 10.4, 0.05), np.arange(10.4, 13.3, 0.2)),
}
#: Quantities whose moments are summed, about a typical value so that float32 holds them.
CENTRES = {"log_age": 9.5, "mass": 1.0, "log_lifetime": 10.0}
_AGES, _MASSES, _LIVES = (edges.size - 1 for edges in EDGES.values())
#: Columns of `ObservableBins.sums`: histogram of age, stages, phases, moments, histograms of mass and lifetime. Those
#: before the last two have gradients too.
WIDTHS = (_AGES, len(STAGES), len(PHASES), 2 * len(CENTRES), _MASSES, _LIVES)
N_COLUMNS, N_TILTED = sum(WIDTHS), sum(WIDTHS[:4])
#: Elements of a symmetric 3x3 matrix.
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True, eq=False)
class ObservableBins:
    """Clusters of samples that are neighbours in log10 Teff, log g and surface [Fe/H], in order of Teff.

    Attributes
    ----------
    total : (n_bin,) float64
        Weight.
    centroid : (n_bin, 3) float64
        Weighted mean Teff in K, log g and [Fe/H] in dex.
    spread : (n_bin, 6) float64
        Covariance of Teff, log g and [Fe/H] (K, dex, dex) inside each bin, in the order of `PAIRS`.
    metallicity : (n_bin,) float64
        Weighted mean initial metallicity, dex.
    sums : (n_bin, N_COLUMNS) float32
        Histograms of `EDGES`, stages, phases, moments about `CENTRES`, in the order of `WIDTHS`.
    tilts : (n_bin, 3, N_TILTED) float32
        The first of these sums with samples weighted by their offset from the centroid (K, dex, dex): the gradients
        of age, mass and stage across a bin.
    """

    total: np.ndarray
    centroid: np.ndarray
    spread: np.ndarray
    metallicity: np.ndarray
    sums: np.ndarray
    tilts: np.ndarray


def bin_samples(samples: TrackSamples, weight: np.ndarray, steps: np.ndarray) -> ObservableBins:
    """Gather ``samples`` of ``weight`` (n_sample,) into bins of size ``steps`` (3,) in log10 Teff, log g and [Fe/H]."""
    place = [np.floor(x / s).astype(np.int64) for x, s in zip(_observables(samples), steps)]
    shape = [int(x.max() - x.min()) + 1 for x in place]
    key = np.ravel_multi_index([x - x.min() for x in place], shape)
    number = np.cumsum(np.bincount(key, minlength=int(np.prod(shape))) > 0) - 1
    owner, n_bin = number[key], int(number[-1]) + 1
    teff = 10.0 ** samples.log_teff.astype(float)
    phase = (np.searchsorted([first for first, _ in PHASES.values()], samples.eep, side="right") - 1).clip(0)
    columns = [
        (np.searchsorted(edges, values, side="right") - 1).clip(0, edges.size - 2)
        for edges, values in zip(EDGES.values(), (samples.log_age, np.log10(samples.mass), samples.log_lifetime))
    ]
    ages, masses, lives = columns
    starts = np.cumsum((0, *WIDTHS))
    hot = np.stack([ages, classify(teff, samples.logg), phase, masses, lives], axis=-1) + starts[[0, 1, 2, 4, 5]]
    values = np.stack([getattr(samples, name).astype(float) - centre for name, centre in CENTRES.items()], axis=-1)
    means = np.zeros((n_bin, 5))
    place = np.stack([teff, samples.logg, samples.feh_surface, samples.feh], axis=-1)
    _first_moments(owner, weight, place, means)
    total = means[:, 4]
    means[:, :4] /= total[:, None]
    spread = np.zeros((n_bin, 6))
    sums, tilts = np.zeros((n_bin, N_COLUMNS), np.float32), np.zeros((n_bin, 3, N_TILTED), np.float32)
    _second_moments(owner, weight, place, means, hot.astype(np.int32), values, spread, sums, tilts)
    return ObservableBins(total, means[:, :3], spread / total[:, None], means[:, 3], sums, tilts)


def merge(
    parts: list[ObservableBins], shares: list[np.ndarray], offsets: np.ndarray, steps: np.ndarray
) -> ObservableBins:
    """Merge sets of bins, each bin repeated at several [alpha/Fe].

    Parameters
    ----------
    parts : list of ObservableBins
    shares : list of (n_bin, n_node) float
        Weight of each node for each bin of a part.
    offsets : (n_node,) float
        [M/H] - [Fe/H] of the nodes, dex: a bin of metallicity M becomes one of [Fe/H] = M - offset.
    steps : (3,) float
        Size of the bins.
    """
    from scipy.sparse import csr_array

    join = lambda name: np.concatenate([getattr(part, name) for part in parts])
    centroid, share = join("centroid"), np.concatenate(shares)
    bins, node = np.nonzero(share > 1e-4 * share.max(axis=1, keepdims=True))
    factor = share[bins, node]
    centre = centroid[bins] - offsets[node, None] * np.array([0.0, 0.0, 1.0])
    lattice = np.floor(np.column_stack([np.log10(centre[:, 0]), centre[:, 1:]]) / steps).astype(np.int64)
    lattice -= lattice.min(axis=0)
    key = np.ravel_multi_index(lattice.T, lattice.max(axis=0) + 1)
    distinct, owner = np.unique(key, return_inverse=True)
    n_bin = distinct.size
    weight = factor * join("total")[bins]
    total = np.bincount(owner, weight, n_bin)
    mean = np.stack([np.bincount(owner, weight * x, n_bin) / total for x in centre.T], axis=-1)
    offset = centre - mean[owner]
    inner = join("spread")[bins]
    spread = np.stack(
        [np.bincount(owner, weight * (inner[:, p] + offset[:, i] * offset[:, j]), n_bin) / total
         for p, (i, j) in enumerate(PAIRS)], axis=-1,
    )  # fmt: skip
    shape = (n_bin, len(centroid))
    mixture = lambda values: csr_array((values, (owner, bins)), shape=shape)
    sums, tilts = join("sums"), join("tilts")
    plain = mixture(factor.astype(np.float32))
    moved, tilted = np.empty((n_bin, 3, N_TILTED), np.float32), np.ascontiguousarray(sums[:, :N_TILTED])
    for axis in range(3):
        moved[:, axis] = plain @ tilts[:, axis] + mixture((factor * offset[:, axis]).astype(np.float32)) @ tilted
    metallicity = np.bincount(owner, weight * join("metallicity")[bins], n_bin) / total
    order = np.argsort(mean[:, 0], kind="stable")
    columns = (total, mean, spread, metallicity, plain @ sums, moved)
    return ObservableBins(*(column[order] for column in columns))


def _observables(samples: TrackSamples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return samples.log_teff.astype(float), samples.logg.astype(float), samples.feh_surface.astype(float)


@njit(cache=True, nogil=True, error_model="numpy")
def _first_moments(owner, weight, place, means):
    """Add the weighted ``place`` (n, 4) and the weight of every sample to its bin's row of ``means`` (n_bin, 5)."""
    for n in range(owner.size):
        row = means[owner[n]]
        for q in range(4):
            row[q] += weight[n] * place[n, q]
        row[4] += weight[n]


@njit(cache=True, nogil=True, error_model="numpy")
def _second_moments(owner, weight, place, means, hot, values, spread, sums, tilts):
    """Add every sample to its bin: covariance, histograms, stage, phase, moments and their gradients.

    ``hot`` (n, 5) are the columns of ``sums`` to raise; ``values`` (n, 3) are the quantities about `CENTRES`.
    """
    offset = np.empty(3)
    first = tilts.shape[2] - 2 * values.shape[1]
    for n in range(owner.size):
        b, w = owner[n], weight[n]
        for q in range(3):
            offset[q] = place[n, q] - means[b, q]
        spread[b, 0] += w * offset[0] * offset[0]
        spread[b, 1] += w * offset[1] * offset[1]
        spread[b, 2] += w * offset[2] * offset[2]
        spread[b, 3] += w * offset[0] * offset[1]
        spread[b, 4] += w * offset[0] * offset[2]
        spread[b, 5] += w * offset[1] * offset[2]
        for h in range(5):
            sums[b, hot[n, h]] += w
            if hot[n, h] < tilts.shape[2]:
                for q in range(3):
                    tilts[b, q, hot[n, h]] += w * offset[q]
        for m in range(values.shape[1]):
            v = w * values[n, m]
            for power in range(2):
                column = first + 2 * m + power
                sums[b, column] += v
                for q in range(3):
                    tilts[b, q, column] += v * offset[q]
                v *= values[n, m]
