"""Cells gathered into voxels of the observables, with the sums that answer for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.isochrones.mesh import Cells
from stellar_core.isochrones.tracks import PHASES
from stellar_core.stages import STAGES, classify

#: Edges of the histograms.
EDGES = {
    "log_age": np.append(6.0, np.arange(7.4, 10.16, 0.025)),
    "log_mass": np.arange(-1.0, 0.921, 0.03),
    "log_lifetime": np.append(np.arange(7.4, 10.4, 0.06), np.arange(10.4, 13.3, 0.2)),
}
#: Quantities whose moments are summed, about a typical value so that float32 holds them.
CENTRES = {"log_age": 9.5, "mass": 1.0, "log_lifetime": 10.0}
#: Columns of `Level.sums`: three histograms, stages, phases, moments.
WIDTHS = (*(edges.size - 1 for edges in EDGES.values()), len(STAGES), len(PHASES), 2 * len(CENTRES))
N_COLUMNS, N_HISTOGRAM = sum(WIDTHS), sum(WIDTHS[:3])
#: Elements of a symmetric 3x3 matrix.
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
#: Cells gathered at a time: bounds the memory.
CELLS_AT_ONCE = 300_000


@dataclass(frozen=True, eq=False)
class Level:
    """Voxels of one size, in order of their place; equal by identity.

    Attributes
    ----------
    total : (n_voxel,) float32, weight
    centroid : (n_voxel, 3) float32, weighted mean Teff in K, log g, [Fe/H]
    spread : (n_voxel, 6) float32, covariance inside each voxel: Teff, log g, [Fe/H] (K, dex, dex) in the order of `PAIRS`
    sums : (n_voxel, N_COLUMNS) float32: the histograms of `EDGES`, stages, phases, moments of `CENTRES`
    tilts : (n_voxel, 3, N_COLUMNS - N_HISTOGRAM) float32: the sums after the histograms, of cells weighted
        by their offset from the centroid (K, dex, dex): how age and stage change across a voxel
    order, first : cells sorted by voxel, and where each voxel starts (one more than there are voxels)
    """

    total: np.ndarray
    centroid: np.ndarray
    spread: np.ndarray
    sums: np.ndarray
    tilts: np.ndarray
    order: np.ndarray
    first: np.ndarray


def gather(cells: Cells, weight: np.ndarray, steps: np.ndarray) -> Level:
    """Put ``cells`` of ``weight`` (n_cell,) into voxels of size ``steps`` (3,): log10 Teff, log g, [Fe/H]."""
    key = np.zeros(len(cells), np.int64)
    for column, step in zip((cells.log_teff, cells.logg, cells.feh_surface), steps):
        place = np.floor(column / step).astype(np.int32)
        place -= place.min()
        key = key * (int(place.max()) + 1) + place
    order = np.argsort(key, kind="stable").astype(np.int32)
    key = key[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    bounds = np.append(first, len(key))
    del key
    n_voxel = first.size
    sums = np.empty((n_voxel, N_COLUMNS), np.float32)
    tilts = np.empty((n_voxel, 3, N_COLUMNS - N_HISTOGRAM), np.float32)
    centroid, spread = np.empty((n_voxel, 3), np.float32), np.empty((n_voxel, 6), np.float32)
    starts = np.unique(np.searchsorted(bounds[:-1], np.arange(0, len(order), CELLS_AT_ONCE)))
    for start, stop in zip(starts, np.append(starts[1:], n_voxel)):
        part = order[bounds[start] : bounds[stop]]
        voxel = np.repeat(np.arange(stop - start), np.diff(bounds[start : stop + 1]))
        inside = slice(start, stop)
        sums[inside], tilts[inside], centroid[inside], spread[inside] = _gather_voxels(
            cells.select(part), weight[part], voxel, stop - start
        )
    total = sums[:, N_HISTOGRAM : N_HISTOGRAM + len(STAGES)].sum(axis=1)
    return Level(total, centroid, spread, sums, tilts, order, bounds)


def _gather_voxels(
    cells: Cells, weight: np.ndarray, voxel: np.ndarray, n_voxel: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums, tilts, centroids and covariances of voxels, from cells with their ``voxel`` number (n_cell,)."""

    def add(values: np.ndarray) -> np.ndarray:
        return np.bincount(voxel, weights=weight * values, minlength=n_voxel)

    def histogram(bins: np.ndarray, n_bin: int, factor: np.ndarray | float = 1.0) -> np.ndarray:
        flat = np.bincount(voxel * n_bin + bins, weights=weight * factor, minlength=n_voxel * n_bin)
        return flat.reshape(n_voxel, n_bin)

    total = add(1.0)
    observables = [10.0 ** cells.log_teff.astype(float), cells.logg.astype(float), cells.feh_surface.astype(float)]
    centroid = np.stack([add(x) / total for x in observables], axis=-1)
    offsets = [x - c[voxel] for x, c in zip(observables, centroid.T)]
    spread = np.stack([add(offsets[i] * offsets[j]) / total for i, j in PAIRS], axis=-1)
    stage = classify(observables[0], cells.logg)
    starts = [first for first, _ in PHASES.values()]
    phase = (np.searchsorted(starts, cells.eep, side="right") - 1).clip(0)

    def moments(factor: np.ndarray | float) -> np.ndarray:
        columns = [histogram(stage, len(STAGES), factor), histogram(phase, len(PHASES), factor)]
        for name, centre in CENTRES.items():
            values = getattr(cells, name).astype(float) - centre
            columns.append(np.stack([add(values * factor), add(values**2 * factor)], axis=-1))
        return np.concatenate(columns, axis=1)

    parts = []
    for name, edges in EDGES.items():
        values = np.log10(cells.mass) if name == "log_mass" else getattr(cells, name)
        parts.append(
            histogram((np.searchsorted(edges, values, side="right") - 1).clip(0, edges.size - 2), edges.size - 1)
        )
    tilts = np.stack([moments(offset) for offset in offsets], axis=1)
    return np.concatenate([*parts, moments(1.0)], axis=1), tilts, centroid, spread


def histogram_quantiles(
    counts: np.ndarray, edges: np.ndarray, mean: np.ndarray, std: np.ndarray, levels: tuple[float, ...]
) -> np.ndarray:
    """(n_star, n_level) quantiles of histograms (n_star, n_bin), linear inside a bin.

    The histograms do not know how a quantity changes across a voxel; their quantiles are
    shifted and stretched to the ``mean`` and ``std`` (n_star,) that do, and kept within the
    histogram's own range.
    """
    cumulative = np.cumsum(counts, axis=1)
    rows = np.arange(len(counts))
    total = np.maximum(cumulative[:, -1], 1e-300)
    columns = []
    for level in levels:
        bins = (cumulative < level * total[:, None]).sum(axis=1).clip(0, counts.shape[1] - 1)
        inside = counts[rows, bins]
        before = cumulative[rows, bins] - inside
        fraction = np.where(inside > 0, (level * total - before) / np.where(inside > 0, inside, 1.0), 0.5)
        columns.append(edges[bins] + fraction * (edges[bins + 1] - edges[bins]))
    centres = 0.5 * (edges[1:] + edges[:-1])
    rough_mean = counts @ centres / total
    rough_std = np.sqrt(np.maximum(counts @ centres**2 / total - rough_mean**2, 1e-12))
    quantiles = np.stack(columns, axis=1)
    moved = mean[:, None] + (quantiles - rough_mean[:, None]) * (std / rough_std)[:, None]
    filled = counts > 0
    low = edges[filled.argmax(axis=1)]
    high = edges[counts.shape[1] - filled[:, ::-1].argmax(axis=1)]
    return np.clip(moved, low[:, None], high[:, None])
