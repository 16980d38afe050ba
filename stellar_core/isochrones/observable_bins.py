"""Track samples gathered into bins of the observables, with the sums that posteriors are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.isochrones.mesh import TrackSamples
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
#: Columns of `ObservableBins.sums`: three histograms, stages, phases, moments.
WIDTHS = (*(edges.size - 1 for edges in EDGES.values()), len(STAGES), len(PHASES), 2 * len(CENTRES))
N_COLUMNS, N_HISTOGRAM = sum(WIDTHS), sum(WIDTHS[:3])
#: Elements of a symmetric 3x3 matrix.
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
#: Samples gathered at a time: bounds the memory.
SAMPLES_AT_ONCE = 300_000


@dataclass(frozen=True, eq=False)
class ObservableBins:
    """Bins of one size over log10 Teff, log g and surface [Fe/H], ordered by position; equal by identity.

    Attributes
    ----------
    total : (n_bin,) float32
        Weight.
    centroid : (n_bin, 3) float32
        Weighted mean Teff in K, log g and [Fe/H] in dex.
    spread : (n_bin, 6) float32
        Covariance of Teff, log g and [Fe/H] (K, dex, dex) inside each bin, in the order of `PAIRS`.
    sums : (n_bin, N_COLUMNS) float32
        Histograms of `EDGES`, stages, phases, moments about `CENTRES`.
    tilts : (n_bin, 3, N_COLUMNS - N_HISTOGRAM) float32
        The columns after the histograms, of samples weighted by their offset from the centroid (K, dex, dex):
        the gradients of age and stage across a bin.
    order : (n_sample,) int32
        Samples sorted by bin.
    first : (n_bin + 1,) int
        Where each bin starts in ``order``.
    """

    total: np.ndarray
    centroid: np.ndarray
    spread: np.ndarray
    sums: np.ndarray
    tilts: np.ndarray
    order: np.ndarray
    first: np.ndarray


def bin_samples(samples: TrackSamples, weight: np.ndarray, steps: np.ndarray) -> ObservableBins:
    """Gather ``samples`` of ``weight`` (n_sample,) into bins of size ``steps`` (3,) in log10 Teff, log g and [Fe/H]."""
    key = np.zeros(len(samples), np.int64)
    for column, step in zip((samples.log_teff, samples.logg, samples.feh_surface), steps):
        lattice = np.floor(column / step).astype(np.int32)
        lattice -= lattice.min()
        key = key * (int(lattice.max()) + 1) + lattice
    order = np.argsort(key, kind="stable").astype(np.int32)
    key = key[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    bounds = np.append(first, len(key))
    del key
    n_bin = first.size
    sums = np.empty((n_bin, N_COLUMNS), np.float32)
    tilts = np.empty((n_bin, 3, N_COLUMNS - N_HISTOGRAM), np.float32)
    centroid, spread = np.empty((n_bin, 3), np.float32), np.empty((n_bin, 6), np.float32)
    starts = np.unique(np.searchsorted(bounds[:-1], np.arange(0, len(order), SAMPLES_AT_ONCE)))
    for start, stop in zip(starts, np.append(starts[1:], n_bin)):
        part = order[bounds[start] : bounds[stop]]
        owner = np.repeat(np.arange(stop - start), np.diff(bounds[start : stop + 1]))
        inside = slice(start, stop)
        sums[inside], tilts[inside], centroid[inside], spread[inside] = _bin_sums(
            samples.select(part), weight[part], owner, stop - start
        )
    total = sums[:, N_HISTOGRAM : N_HISTOGRAM + len(STAGES)].sum(axis=1)
    return ObservableBins(total, centroid, spread, sums, tilts, order, bounds)


def _bin_sums(
    samples: TrackSamples, weight: np.ndarray, owner: np.ndarray, n_bin: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums, tilts, centroids and covariances of bins; ``owner`` (n_sample,) is the bin of each sample."""

    def add(values: np.ndarray) -> np.ndarray:
        return np.bincount(owner, weights=weight * values, minlength=n_bin)

    def histogram(column: np.ndarray, n_column: int, factor: np.ndarray | float = 1.0) -> np.ndarray:
        flat = np.bincount(owner * n_column + column, weights=weight * factor, minlength=n_bin * n_column)
        return flat.reshape(n_bin, n_column)

    total = add(1.0)
    observables = [
        10.0 ** samples.log_teff.astype(float),
        samples.logg.astype(float),
        samples.feh_surface.astype(float),
    ]
    centroid = np.stack([add(x) / total for x in observables], axis=-1)
    offsets = [x - c[owner] for x, c in zip(observables, centroid.T)]
    spread = np.stack([add(offsets[i] * offsets[j]) / total for i, j in PAIRS], axis=-1)
    stage = classify(observables[0], samples.logg)
    starts = [first for first, _ in PHASES.values()]
    phase = (np.searchsorted(starts, samples.eep, side="right") - 1).clip(0)

    def moments(factor: np.ndarray | float) -> np.ndarray:
        columns = [histogram(stage, len(STAGES), factor), histogram(phase, len(PHASES), factor)]
        for name, centre in CENTRES.items():
            values = getattr(samples, name).astype(float) - centre
            columns.append(np.stack([add(values * factor), add(values**2 * factor)], axis=-1))
        return np.concatenate(columns, axis=1)

    parts = []
    for name, edges in EDGES.items():
        values = np.log10(samples.mass) if name == "log_mass" else getattr(samples, name)
        parts.append(
            histogram((np.searchsorted(edges, values, side="right") - 1).clip(0, edges.size - 2), edges.size - 1)
        )
    tilts = np.stack([moments(offset) for offset in offsets], axis=1)
    return np.concatenate([*parts, moments(1.0)], axis=1), tilts, centroid, spread
