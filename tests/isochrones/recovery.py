"""Recovery of stars drawn from the prior.

A correct posterior covers the truth as often as it states, on any sample chosen by observed quantities. Stars are
therefore drawn from the track samples with their prior weight, observed with noise, and chosen by their observed
stage, so that rare stages count as much as dwarfs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
from stellar_core.isochrones.mesh import TrackSamples, Window, mesh_of
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.tracks import Tracks
from stellar_core.stages import STAGES, classify

#: Central intervals whose coverage is measured.
COVERAGES = (0.68, 0.90, 0.95)
#: Quantile levels that bound them.
BOUNDS = tuple(0.5 * (1 + sign * c) for c in COVERAGES for sign in (-1, 1))


@dataclass(frozen=True)
class MockStars:
    """Stars drawn from the prior and observed with noise.

    Attributes
    ----------
    truth : TrackSamples
        The stars, (n_star,) each.
    observed : (n_star, 3) float
        Teff in K, log g, [Fe/H] with noise.
    stage : (n_star,) int
        Stage of the observed values, index into `STAGES`.
    """

    truth: TrackSamples
    observed: np.ndarray
    stage: np.ndarray


def draw_stars(
    tracks: Tracks,
    errors: tuple[float, float, float],
    per_stage: int,
    rng: np.random.Generator,
    max_teff: float = 8000.0,
) -> MockStars:
    """``per_stage`` stars of each observed stage, cooler than ``max_teff`` (K) as observed.

    Parameters
    ----------
    tracks : Tracks
        Where stars come from, drawn by flat priors.
    errors : tuple of float
        K, dex, dex.
    """
    samples = mesh_of(tracks, Priors()).samples(Window.everything((0.006, 0.15, 0.075)))
    cumulative = np.cumsum(samples.weight, dtype=float)
    chosen: list[list[np.ndarray]] = [[] for _ in STAGES]
    seen: list[list[np.ndarray]] = [[] for _ in STAGES]
    while min(sum(map(len, part)) for part in chosen) < per_stage:
        index = np.searchsorted(cumulative, rng.random(500_000) * cumulative[-1])
        star = np.stack([10.0 ** samples.log_teff[index], samples.logg[index], samples.feh_surface[index]], axis=-1)
        star = star + rng.normal(size=star.shape) * errors
        stage = np.where(star[:, 0] < max_teff, classify(star[:, 0], star[:, 1]), -1)
        for k in range(len(STAGES)):
            members = np.flatnonzero(stage == k)
            chosen[k].append(index[members])
            seen[k].append(star[members])
    index = np.concatenate([np.concatenate(part)[:per_stage] for part in chosen])
    observed = np.concatenate([np.concatenate(part)[:per_stage] for part in seen])
    return MockStars(samples.select(index), observed, np.repeat(np.arange(len(STAGES)), per_stage))


def coverage(truth: np.ndarray, bounds: np.ndarray) -> dict[str, float]:
    """Part of ``truth`` (n,) inside each interval of ``bounds`` (n, 2 n_coverage), NaN rows left out."""
    known = np.isfinite(bounds).all(axis=1)
    inside = {}
    for k, level in enumerate(COVERAGES):
        low, high = bounds[known, 2 * k], bounds[known, 2 * k + 1]
        inside[f"{100 * level:.0f}"] = float(np.mean((truth[known] >= low) & (truth[known] <= high)))
    return inside


def measure(
    engine: CataloguePosterior, errors: tuple[float, float, float], per_stage: int, rng: np.random.Generator
) -> dict[str, object]:
    """Coverage and RMSE of log age over all stars and by observed stage, from the catalogue posterior."""
    stars = draw_stars(engine.tracks, errors, per_stage, rng)
    found = engine.evaluate(*stars.observed.T, diagonal_covariance(np.asarray(errors)), BOUNDS)
    truth = stars.truth.log_age.astype(float)
    bounds, mean = found.quantiles["log_age"], found.mean["log_age"]

    def one(keep: np.ndarray) -> dict[str, float]:
        keep = keep & found.inside_models
        return {
            "n": int(keep.sum()),
            **coverage(truth[keep], bounds[keep]),
            "rmse_dex": float(np.sqrt(np.mean((mean[keep] - truth[keep]) ** 2))),
            "rmse_constant_dex": float(truth[keep].std()),
        }

    report = {name: one(stars.stage == k) for k, name in enumerate(STAGES)}
    return {"all": one(np.ones(len(truth), bool)), **report, "inside_models": float(found.inside_models.mean())}
