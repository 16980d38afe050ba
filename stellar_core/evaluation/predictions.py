"""Predictions of a model for MOCK stars with known truth, star by star.

For every kind of model: the calibrated distribution of each quantity, as its mean, quantiles, PIT value and CRPS, and
the same before calibration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.reliability import crps
from stellar_core.evaluation.views import views
from stellar_core.inference.calibration.isochrone import SPREAD, VIEWS, posterior_weights
from stellar_core.inference.calibration.pit_recalibration import pit
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone import IsochroneEstimator, embed
from stellar_core.inference.mc_dropout import QUANTITIES, run_passes
from stellar_core.inference.out_of_distribution import SCORES
from stellar_core.inference.parallax_term import ParallaxTerm
from stellar_core.inference.result import entropy, mutual_information
from stellar_core.inference.spectral_diagnostics import diagnose
from stellar_core.intervals import weighted_quantiles
from stellar_core.stages import STAGES

#: Quantiles kept.
LEVELS = (0.025, 0.05, 0.16, 0.5, 0.84, 0.95, 0.975)
#: Passes of MC dropout for each star.
PASSES = 10
#: Stars per batch.
_AT_ONCE = 200


@dataclass(frozen=True)
class Predictions:
    """Arrays by star; quantities in the order of `QUANTITIES`.

    Attributes
    ----------
    truth : (n, 5), K, dex, dex, log10(yr), log10(yr)
    stage : (n,) true stage
    snr : (n,)
    mean, std : (n, 5)
    quantiles : (n, 5, 7) at `LEVELS`
    u, crps : (n, 5)
        PIT value (probability below the truth) and continuous ranked probability score.
    plain_mean, plain_std, plain_u, plain_crps : (n, 5)
        The same before calibration: MC dropout alone, or Model 9 under its flat prior.
    probability : (n, 5)
        Probabilities of the stages.
    mutual_information : (n,)
        Mutual information of stage and network, nats; 0 without MC dropout.
    scores : (n, 8)
        Out-of-distribution scores, each over its limit; 0 without a spectrum, and where they were left out.
    log_age_range : (float, float)
        Smallest and largest age in any distribution.
    older : int
        Number of points older than their lifetime, over all distributions.
    """

    truth: np.ndarray
    stage: np.ndarray
    snr: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    quantiles: np.ndarray
    u: np.ndarray
    crps: np.ndarray
    plain_mean: np.ndarray
    plain_std: np.ndarray
    plain_u: np.ndarray
    plain_crps: np.ndarray
    probability: np.ndarray
    mutual_information: np.ndarray
    scores: np.ndarray
    log_age_range: tuple[float, float]
    older: int

    @property
    def predicted(self) -> np.ndarray:
        """(n,) most probable stage."""
        return self.probability.argmax(axis=1)

    @property
    def domain_score(self) -> np.ndarray:
        """(n,) largest out-of-distribution score over its limit."""
        return self.scores.max(axis=1)

    @property
    def flagged(self) -> np.ndarray:
        """(n,) bool, True for stars flagged as out of distribution."""
        return self.domain_score > 1.0

    @property
    def entropy(self) -> np.ndarray:
        """(n,) predictive entropy of the stage, nats."""
        return entropy(self.probability)

    def select(self, rows: np.ndarray) -> Predictions:
        """The stars of ``rows``; the ages' range and the number of old points remain those of all."""
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)

    def __len__(self) -> int:
        return len(self.stage)


class _Star(NamedTuple):
    """Points (n, 5) and their weights, before and after calibration, of one star.

    With ``half_width`` (n, 5) and ``plain_half_width`` each weight is spread over so much on both sides of its point;
    0 for none.
    """

    points: np.ndarray
    weight: np.ndarray
    plain_points: np.ndarray
    plain_weight: np.ndarray
    probability: np.ndarray
    mutual_information: float
    embedding: np.ndarray
    atmosphere: np.ndarray
    half_width: np.ndarray | None = None
    plain_half_width: np.ndarray | None = None


def truth_of(stars: StarSet, tracks: bool = False) -> np.ndarray:
    """(n, 5) true values in the order of `QUANTITIES`; the lifetime is 10 Gyr M^-2.5, or with ``tracks`` that of the
    track."""
    truth = stars.truth
    return np.column_stack(
        [truth.atmosphere, truth.log_age, truth.track_log_lifetime if tracks else truth.log_lifetime]
    )


def predict_stars(
    estimator: Estimator, stars: StarSet, view: str, seed: int = 0, terms: Sequence[ParallaxTerm | None] | None = None
) -> Predictions:
    """Predict ``stars`` from the inputs of one of `VIEWS`, in batches.

    ``terms`` add their parallaxes; the out-of-distribution scores, which do not depend on them, are then left out.
    """
    isochrone = isinstance(estimator, IsochroneEstimator)
    truth, arrays = truth_of(stars, tracks=isochrone), views(stars)[view]
    found = _from_posteriors(estimator, view, arrays, terms) if isochrone else _from_dropout(estimator, arrays, seed)
    rows, scores = [], []
    low, high, older = np.inf, -np.inf, 0
    pending: list[_Star] = []
    for number, star in enumerate(found):
        rows.append(_row(star, truth[number]))
        age, life = star.points[star.weight > 0, 3], star.points[star.weight > 0, 4]
        low, high = min(low, age.min()), max(high, age.max())
        older += int((age > life + 1e-6).sum())
        pending.append(star)
        if len(pending) == _AT_ONCE or number == len(stars) - 1:
            part = slice(number + 1 - len(pending), number + 1)
            shown = [array[part] for array in arrays]
            scores.append(
                _scores(estimator, shown, pending) if terms is None else np.zeros((len(pending), len(SCORES)))
            )
            pending = []
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Predictions(
        truth,
        np.asarray(stars.truth.stage),
        np.asarray(stars.truth.snr),
        **columns,
        scores=np.concatenate(scores),
        log_age_range=(float(low), float(high)),
        older=older,
    )


def _row(star: _Star, truth: np.ndarray) -> dict[str, np.ndarray]:
    """The numbers of one star."""
    found = summaries(star.points, star.weight, truth, star.half_width)
    found["quantiles"] = np.array(
        [
            weighted_quantiles(values, star.weight, LEVELS, _spread(star.half_width, column))
            for column, values in enumerate(star.points.T)
        ]
    )
    plain = summaries(star.plain_points, star.plain_weight, truth, star.plain_half_width)
    plain = {f"plain_{name}": values for name, values in plain.items()}
    return {**found, **plain, "probability": star.probability, "mutual_information": star.mutual_information}


def _spread(half_width: np.ndarray | None, column: int) -> np.ndarray | None:
    """The half widths of one quantity; None where its weights are points."""
    return None if half_width is None or QUANTITIES[column] not in SPREAD else half_width[:, column]


def summaries(
    points: np.ndarray, weight: np.ndarray, truth: np.ndarray, half_width: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Mean, standard deviation, PIT value and CRPS of each quantity (5,), from weighted points (n, 5); each weight is
    spread over ``half_width`` (n, 5) on both sides in age and lifetime."""
    rows = []
    for column, true in enumerate(truth):
        values = points[:, column]
        mean = float(weight @ values)
        std = np.sqrt(weight @ (values - mean) ** 2)
        u = pit(true, values, weight, _spread(half_width, column))
        rows.append((mean, std, u, crps(values, weight, true)))
    return dict(zip(("mean", "std", "u", "crps"), np.array(rows).T))


def _scores(estimator: Estimator, arrays: list[np.ndarray], stars: list[_Star]) -> np.ndarray:
    flux, coverage, ivar, features, snr = arrays
    if not coverage.any():
        return np.zeros((len(stars), len(SCORES)))
    atmosphere, embedding = (np.stack([getattr(star, name) for star in stars]) for name in ("atmosphere", "embedding"))
    found = diagnose(estimator.emulator, flux.astype(np.float32), coverage, ivar, features, atmosphere, snr)
    return estimator.domain_check.scores(embedding, found) / estimator.domain_check.thresholds


def _from_posteriors(
    estimator: IsochroneEstimator,
    view: str,
    arrays: tuple[np.ndarray, ...],
    terms: Sequence[ParallaxTerm | None] | None,
) -> Iterator[_Star]:
    engine, snr = estimator.engine, arrays[4]
    points = np.column_stack(
        [
            10.0**engine.cells.stars.log_teff,
            engine.cells.stars.logg,
            engine.cells.stars.feh_surface,
            engine.cells.stars.log_age,
            engine.cells.stars.log_lifetime,
        ]
    )
    half_width = np.zeros_like(points)
    for name in SPREAD:
        spread = engine.cells.segments.half_width_of(name, engine.cells.stars)
        half_width[:, QUANTITIES.index(name)] = spread
    embedding = embed(estimator.network, *arrays[:4])
    temperature = estimator.calibration.temperature[VIEWS[view]]
    for row, (index, plain) in enumerate(posterior_weights(engine, embedding, temperature)):
        term = None if terms is None else terms[row]
        cells, weight = index, plain
        if estimator.recalibrated:
            weight = estimator.calibration.recalibrate(engine, index, plain, VIEWS[view], float(snr[row]))
        mine = before = points[index].astype(float)
        spread = plain_spread = half_width[index]
        atmosphere = weight @ mine[:, :3]
        if term is not None:
            cells, weight, _ = estimator.with_parallax(term, index, weight, VIEWS[view])
            mine, spread = points[cells].astype(float), half_width[cells]
        stage = np.bincount(engine.cells.stage[cells], weights=weight, minlength=len(STAGES))
        parts = mine, weight, before, plain, stage / stage.sum(), 0.0, embedding[row], atmosphere
        yield _Star(*parts, spread, plain_spread)


def _from_dropout(estimator: Estimator, arrays: tuple[np.ndarray, ...], seed: int) -> Iterator[_Star]:
    flux, coverage, _, features, snr = arrays
    calibration = estimator.calibration
    even = np.full(PASSES, 1.0 / PASSES)
    for start in range(0, len(flux), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        passes = run_passes(estimator.network, flux[part], coverage[part], features[part], PASSES, seed)
        known = np.isfinite(features[part]).all(axis=1)
        for row, values in enumerate(passes.values):
            raw, photometry = passes.stage[row].mean(axis=0), bool(known[row])
            draws = calibration.draws(values, int(raw.argmax()), photometry, float(snr[start + row]))
            heated = calibration.stage(passes.stage[row], photometry)
            yield _Star(
                draws,
                np.full(len(draws), 1.0 / len(draws)),
                values,
                even,
                calibration.stage(raw[None], photometry)[0],
                mutual_information(heated),
                passes.embedding[row],
                values[:, :3].mean(axis=0),
            )
