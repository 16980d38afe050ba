"""Modes and probabilities of weighted points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.intervals import weighted_quantiles
from stellar_core.isochrones.tracks import PHASES
from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES, StageThresholds, classify

#: Bin of the histograms in which modes are sought, and the width of its smoothing, in units of the 95 % range.
MODE_BIN, MODE_WIDTH = 0.01, 0.03
#: Two peaks count as two modes if the valley between them is below this fraction of the lower peak.
VALLEY = 0.75


@dataclass(frozen=True)
class Mode:
    """A peak of a distribution: its position, and the probability between the valleys beside it."""

    value: float
    probability: float


def modes(values: np.ndarray, weights: np.ndarray) -> tuple[Mode, ...]:
    """Peaks of the smoothed density of weighted points, most probable first.

    Parameters
    ----------
    values, weights : (n,) float
    """
    from scipy.ndimage import gaussian_filter1d

    low, high = weighted_quantiles(values, weights, (0.005, 0.995))
    width = max(high - low, 1e-6)
    n_bin = int(round(1.2 / MODE_BIN))
    edges = np.linspace(low - 0.1 * width, high + 0.1 * width, n_bin + 1)
    counts = np.histogram(values, edges, weights=weights)[0]
    density = gaussian_filter1d(counts, MODE_WIDTH / MODE_BIN, mode="constant")
    peaks = [
        i
        for i in range(n_bin)
        if density[i] > 0 and density[i] >= density[max(i - 1, 0)] and density[i] > density[min(i + 1, n_bin - 1)]
    ]
    kept: list[int] = []
    for peak in sorted(peaks, key=lambda i: -density[i]):
        valleys = [density[min(peak, other) : max(peak, other) + 1].min() for other in kept]
        if all(valley < VALLEY * density[peak] for valley in valleys):
            kept.append(peak)
    kept.sort()
    cuts = [a + int(density[a : b + 1].argmin()) for a, b in zip(kept[:-1], kept[1:])]
    parts = [part.sum() for part in np.split(counts, cuts)]
    centres = 0.5 * (edges[:-1] + edges[1:])
    found = [Mode(float(centres[p]), float(part / counts.sum())) for p, part in zip(kept, parts)]
    return tuple(sorted(found, key=lambda mode: -mode.probability))


def stage_probabilities(
    teff: np.ndarray, logg: np.ndarray, weights: np.ndarray, thresholds: StageThresholds = DEFAULT_THRESHOLDS
) -> dict[str, float]:
    """Probability of each stage, from weighted points with ``teff`` in K and ``logg`` in dex."""
    counts = np.bincount(classify(teff, logg, thresholds), weights=weights, minlength=len(STAGES))
    return {name: float(p) for name, p in zip(STAGES, counts / counts.sum())}


def phase_probabilities(eep: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Probability of each evolutionary phase of `PHASES` from weighted EEPs."""
    total = weights.sum()
    return {name: float(weights[(eep >= first) & (eep < last)].sum() / total) for name, (first, last) in PHASES.items()}
