"""Summaries of many posteriors: from samples of single stars, or from sums over bins of the observables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.isochrones.mesh import TrackSamples
from stellar_core.isochrones.observable_bins import CENTRES, EDGES, WIDTHS
from stellar_core.isochrones.photometric_summaries import PhotometricSummaries
from stellar_core.isochrones.posterior import MAX_CHI2
from stellar_core.isochrones.tracks import PHASES
from stellar_core.stages import STAGES, classify

#: Columns of the histogram of one star, from its smallest to its largest value.
N_COLUMN = 400


@dataclass(frozen=True)
class PosteriorSummaries:
    """Posterior summaries of many stars; the first axis of every array is the star.

    Attributes
    ----------
    inside_models : (n_star,) bool
        Where False, every number is NaN.
    chi2_min : (n_star,)
        Squared distance from the models, in errors.
    mean, std : mapping of str to (n_star,)
        Of log_age, mass and log_lifetime.
    quantiles : mapping of str to (n_star, n_level)
        At 2.5, 16, 50, 84 and 97.5 % by default.
    stage, phase : (n_star, 5)
        Probabilities in the order of `STAGES` and of `PHASES`.
    photometry : PhotometricSummaries or None
        Where a star has magnitudes.
    """

    inside_models: np.ndarray
    chi2_min: np.ndarray
    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    quantiles: dict[str, np.ndarray]
    stage: np.ndarray
    phase: np.ndarray
    photometry: PhotometricSummaries | None = None

    @classmethod
    def empty(cls, n_star: int, n_level: int) -> PosteriorSummaries:
        """No star inside the models, every number NaN, to be filled."""

        def numbers(*shape: int) -> np.ndarray:
            return np.full((n_star, *shape), np.nan)

        return cls(
            np.zeros(n_star, bool),
            np.full(n_star, np.inf),
            {name: numbers() for name in CENTRES},
            {name: numbers() for name in CENTRES},
            {name: numbers(n_level) for name in CENTRES},
            numbers(len(STAGES)),
            numbers(len(PHASES)),
        )

    def fill(self, rows: np.ndarray, other: PosteriorSummaries) -> None:
        """Write the summaries ``other`` (m stars) into ``rows`` (m,)."""
        self.inside_models[rows], self.chi2_min[rows] = other.inside_models, other.chi2_min
        for name in CENTRES:
            for mine, theirs in ((self.mean, other.mean), (self.std, other.std), (self.quantiles, other.quantiles)):
                mine[name][rows] = theirs[name]
        self.stage[rows], self.phase[rows] = other.stage, other.phase
        if self.photometry is not None and other.photometry is not None:
            self.photometry.fill(rows, other.photometry)

    def fill_star(self, row: int, samples: TrackSamples, weight: np.ndarray, levels: tuple[float, ...]) -> None:
        """Write the summary of one star from its samples of ``weight`` (n_sample,), not normalised."""
        self.inside_models[row] = True
        total = weight.sum()
        for name in CENTRES:
            values = getattr(samples, name).astype(float)
            mean = (weight * values).sum() / total
            self.mean[name][row] = mean
            self.std[name][row] = np.sqrt(max((weight * (values - mean) ** 2).sum() / total, 0.0))
            self.quantiles[name][row] = binned_quantiles(values, weight, levels)
        stage = classify(10.0**samples.log_teff, samples.logg)
        self.stage[row] = np.bincount(stage, weight, len(STAGES)) / total
        phase = np.searchsorted([first for first, _ in PHASES.values()], samples.eep, side="right") - 1
        self.phase[row] = np.bincount(phase.clip(0), weight, len(PHASES)) / total


def binned_quantiles(values: np.ndarray, weight: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles of the weighted values of one star, from `N_COLUMN` columns: faster than sorting them."""
    low, high = values.min(), values.max()
    step = max((high - low) / N_COLUMN, 1e-12)
    counts = np.bincount(np.minimum((values - low) / step, N_COLUMN - 1).astype(np.intp), weight, N_COLUMN)
    running = np.append(0.0, np.cumsum(counts))
    return np.interp(np.asarray(levels) * running[-1], running, low + step * np.arange(N_COLUMN + 1))


def summarise(sums: np.ndarray, chi2_min: np.ndarray, levels: tuple[float, ...]) -> PosteriorSummaries:
    """Summaries from sums over bins (n_star, N_COLUMNS), the smallest chi-square (n_star,) and levels of quantiles."""
    inside = chi2_min <= MAX_CHI2
    sums = np.where(inside[:, None], sums, np.nan).astype(float)
    log_age, stage, phase, moments, log_mass, log_life = np.split(sums, np.cumsum(WIDTHS)[:-1], axis=1)
    total = stage.sum(axis=1)
    mean, std, quantiles = {}, {}, {}
    for k, ((name, centre), counts) in enumerate(zip(CENTRES.items(), (log_age, log_mass, log_life))):
        first, second = moments[:, 2 * k] / total, moments[:, 2 * k + 1] / total
        mean[name], std[name] = centre + first, np.sqrt(np.maximum(second - first**2, 1e-12))
        edges = EDGES["log_mass" if name == "mass" else name]
        edges = 10.0**edges if name == "mass" else edges
        quantiles[name] = histogram_quantiles(counts, edges, levels)
        if name != "log_age":
            quantiles[name] = _stretched(quantiles[name], counts, edges, mean[name], std[name])
    stage, phase = np.maximum(stage, 0.0), np.maximum(phase, 0.0)
    stage, phase = (p / p.sum(axis=1, keepdims=True) for p in (stage, phase))
    return PosteriorSummaries(inside, chi2_min, mean, std, quantiles, stage, phase)


def histogram_quantiles(counts: np.ndarray, edges: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles (n_star, n_level) of histograms (n_star, n_column), linear inside a column; NaN where counts are."""
    running = np.cumsum(np.maximum(counts, 0.0), axis=1)
    running = np.concatenate([np.zeros((len(counts), 1)), running / running[:, -1:]], axis=1)
    rows, columns = np.arange(len(counts)), []
    for level in levels:
        after = (running[:, 1:] < level).sum(axis=1).clip(0, counts.shape[1] - 1)
        low, high = running[rows, after], running[rows, after + 1]
        fraction = np.clip((level - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
        columns.append(edges[after] + fraction * (edges[after + 1] - edges[after]))
    return np.stack(columns, axis=1)


def _stretched(
    quantiles: np.ndarray, counts: np.ndarray, edges: np.ndarray, mean: np.ndarray, std: np.ndarray
) -> np.ndarray:
    """Quantiles shifted and stretched to ``mean`` and ``std`` (n_star,).

    Histograms without gradients miss the change across a bin of the observables; these moments include it.
    """
    centres, total = 0.5 * (edges[1:] + edges[:-1]), counts.sum(axis=1)
    rough = counts @ centres / total
    rough_std = np.sqrt(np.maximum(counts @ centres**2 / total - rough**2, 1e-12))
    moved = mean[:, None] + (quantiles - rough[:, None]) * (std / rough_std)[:, None]
    return np.clip(moved, edges[0], edges[-1])
