"""Summaries of many posteriors, from sums over bins of the observables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.isochrones.observable_bins import CENTRES, EDGES, WIDTHS
from stellar_core.isochrones.posterior import MAX_CHI2


@dataclass(frozen=True)
class PosteriorSummaries:
    """Posterior summaries of many stars; the first axis of every array is the star.

    Attributes
    ----------
    inside_models : (n_star,) bool
        Where False, every number is NaN.
    chi2_min : (n_star,)
        Squared distance to the nearest bin, in errors.
    mean, std : mapping of str to (n_star,)
        Of log_age, mass and log_lifetime.
    quantiles : mapping of str to (n_star, n_level)
        At 2.5, 16, 50, 84 and 97.5 % by default.
    stage, phase : (n_star, 5)
        Probabilities in the order of `STAGES` and of `PHASES`.
    """

    inside_models: np.ndarray
    chi2_min: np.ndarray
    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    quantiles: dict[str, np.ndarray]
    stage: np.ndarray
    phase: np.ndarray


def summarise(sums: np.ndarray, chi2_min: np.ndarray, levels: tuple[float, ...]) -> PosteriorSummaries:
    """Summaries from sums over bins (n_star, N_COLUMNS), the smallest chi-square (n_star,) and levels of quantiles."""
    inside = chi2_min <= MAX_CHI2
    log_age, log_mass, log_life, stage, phase, moments = np.split(sums.astype(float), np.cumsum(WIDTHS)[:-1], axis=1)
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
    return PosteriorSummaries(inside, chi2_min, mean, std, quantiles, stage, phase)


def histogram_quantiles(
    counts: np.ndarray, edges: np.ndarray, mean: np.ndarray, std: np.ndarray, levels: tuple[float, ...]
) -> np.ndarray:
    """Quantiles (n_star, n_level) of histograms (n_star, n_column), linear inside a column.

    The histograms ignore the gradient across a bin of the observables. Their quantiles are therefore shifted and
    stretched to ``mean`` and ``std`` (n_star,), which include it, and clipped to the range of the histogram.
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
