"""What the product delivers for MOCK stars whose truth is known, star by star.

The same for every kind of model: the calibrated distribution of each quantity, as its mean, quantiles,
place of the truth and score, beside the distribution before calibration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.reliability import crps
from stellar_core.evaluation.views import views
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.calibration.isochrone import VIEWS, posterior_weights
from stellar_core.inference.calibration.pit_recalibration import pit
from stellar_core.inference.isochrone import IsochroneEstimator, embed
from stellar_core.inference.mc_dropout import run_passes
from stellar_core.inference.out_of_distribution import SCORES
from stellar_core.inference.result import entropy, mutual_information
from stellar_core.inference.spectral_diagnostics import diagnose
from stellar_core.intervals import weighted_quantiles
from stellar_core.stages import STAGES

#: Quantiles that are kept.
LEVELS = (0.025, 0.05, 0.16, 0.5, 0.84, 0.95, 0.975)
#: Passes of MC dropout for each star.
PASSES = 10
#: Stars whose spectra are gone through together.
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
        Place of the truth, and score.
    plain_mean, plain_std, plain_u, plain_crps : (n, 5)
        The same before calibration: of the passes of MC dropout, or of Model 9 under its flat prior.
    probability : (n, 5)
        Of the stages.
    mutual_information : (n,)
        Of the stage, nats; 0 without passes.
    scores : (n, 8)
        Those of the gate, each over its limit; 0 without a spectrum.
    log_age_range : (float, float)
        Least and greatest age in any distribution.
    older : int
        Points of any distribution older than their lifetime.
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
    def alarm(self) -> np.ndarray:
        """(n,) the gate's largest score over its limit: above 1 it speaks."""
        return self.scores.max(axis=1)

    @property
    def entropy(self) -> np.ndarray:
        """(n,) predictive entropy of the stage, nats."""
        return entropy(self.probability)

    def __len__(self) -> int:
        return len(self.stage)


class _Star(NamedTuple):
    """Points (n, 5) and their weights, before and after calibration, of one star."""

    points: np.ndarray
    weight: np.ndarray
    plain_points: np.ndarray
    plain_weight: np.ndarray
    probability: np.ndarray
    mutual_information: float
    embedding: np.ndarray
    atmosphere: np.ndarray


def truth_of(stars: StarSet, tracks: bool = False) -> np.ndarray:
    """(n, 5) true values in the order of `QUANTITIES`; the lifetime is 10 Gyr M^-2.5, or that of the track."""
    truth = stars.truth
    return np.column_stack(
        [truth.atmosphere, truth.log_age, truth.track_log_lifetime if tracks else truth.log_lifetime]
    )


def predict_stars(estimator: Estimator, stars: StarSet, view: str, seed: int = 0) -> Predictions:
    """What ``estimator`` delivers for ``stars`` in one of `VIEWS`, in batches."""
    cells = isinstance(estimator, IsochroneEstimator)
    truth, arrays = truth_of(stars, cells), views(stars)[view]
    found, rows, scores = _cells(estimator, view, arrays) if cells else _passes(estimator, arrays, seed), [], []
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
            scores.append(_scores(estimator, [array[part] for array in arrays], pending))
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
    out: dict[str, list] = {name: [] for name in ("mean", "std", "quantiles", "u", "crps")}
    plain: dict[str, list] = {name: [] for name in ("mean", "std", "u", "crps")}
    for column, true in enumerate(truth):
        values, weight = star.points[:, column], star.weight
        mean = float(weight @ values)
        out["mean"].append(mean)
        out["std"].append(np.sqrt(weight @ (values - mean) ** 2))
        out["quantiles"].append(weighted_quantiles(values, weight, np.array(LEVELS)))
        out["u"].append(pit(true, values, weight))
        out["crps"].append(crps(values, weight, true))
        values, weight = star.plain_points[:, column], star.plain_weight
        mean = float(weight @ values)
        plain["mean"].append(mean)
        plain["std"].append(np.sqrt(weight @ (values - mean) ** 2))
        plain["u"].append(pit(true, values, weight))
        plain["crps"].append(crps(values, weight, true))
    whole = {name: np.array(values) for name, values in out.items()}
    before = {f"plain_{name}": np.array(values) for name, values in plain.items()}
    return {**whole, **before, "probability": star.probability, "mutual_information": star.mutual_information}


def _scores(estimator: Estimator, arrays: list[np.ndarray], stars: list[_Star]) -> np.ndarray:
    flux, coverage, ivar, features, snr = arrays
    if not coverage.any():
        return np.zeros((len(stars), len(SCORES)))
    atmosphere, embedding = (np.stack([getattr(star, name) for star in stars]) for name in ("atmosphere", "embedding"))
    found = diagnose(estimator.emulator, flux.astype(np.float32), coverage, ivar, features, atmosphere, snr)
    return estimator.domain_check.scores(embedding, found) / estimator.domain_check.thresholds


def _cells(estimator: IsochroneEstimator, view: str, arrays: tuple[np.ndarray, ...]) -> Iterator[_Star]:
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
    embedding = embed(estimator.network, *arrays[:4])
    temperature = estimator.calibration.temperature[VIEWS[view]]
    for row, (index, plain) in enumerate(posterior_weights(engine, embedding, temperature)):
        weight = plain
        if estimator.recalibrated:
            weight = estimator.calibration.recalibrate(engine, index, plain, VIEWS[view], float(snr[row]))
        mine = points[index].astype(float)
        stage = np.bincount(engine.cells.stage[index], weights=weight, minlength=len(STAGES))
        yield _Star(mine, weight, mine, plain, stage / stage.sum(), 0.0, embedding[row], weight @ mine[:, :3])


def _passes(estimator: Estimator, arrays: tuple[np.ndarray, ...], seed: int) -> Iterator[_Star]:
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
