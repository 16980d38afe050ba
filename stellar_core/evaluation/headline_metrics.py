"""Headline metrics of Model 9: MOCK stars of S/N above 20, against the truth and against look-up labels.

The paper trains one network for ages and another for stages, and scores them against labels looked up from the
pipeline's parameters. Here one posterior gives both. The baselines are the exact posterior from the pipeline's
parameters, the constant predictor, and the floor: the best possible prediction of the labels from the true
atmospheres, if the pipeline's errors are independent of the spectrum. Real ones are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.datasets.balancing import undersample
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.baselines import constant, label_floor
from stellar_core.evaluation.exact_posterior import exact_posterior
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.scores import PointPredictions, score
from stellar_core.evaluation.views import views
from stellar_core.isochrones import nearest_label
from stellar_core.isochrones.summary import stage_probabilities
from stellar_core.progress import Progress
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    from stellar_core.inference.isochrone import IsochroneEstimator
    from stellar_core.isochrones import Posterior

#: Range of S/N: from the paper's minimum to the maximum of the mock survey.
SNR = (20.0, 80.0)
#: Draws of each star for the predicted labels, and of the exact posterior for its means.
LABEL_DRAWS, EXACT_DRAWS = 100, 200


def measure(
    estimator: IsochroneEstimator,
    n: int,
    draws: int,
    paper: Mapping[str, float],
    seed: int = 0,
    progress: Progress = lambda name, done, total: None,
) -> dict[str, object]:
    """Compute all metrics on ``n`` MOCK stars with the survey's selection, S/N 20 to 80.

    Parameters
    ----------
    estimator : IsochroneEstimator
    n : int
        Stars drawn; a few per cent lie outside the models or the library.
    draws : int
        Draws from each posterior, for the number of impossible stars.
    paper : mapping of str to float
        The paper's best scores on its task.
    seed : int
        Seed of the draws.
    progress : Progress

    Returns
    -------
    dict
        ``stars``, ``stars_inside`` (inside the models); ``log_age`` and ``log_lifetime`` (of the track) against
        the truth with ``exact_posterior``, both for the stars inside; ``stage`` in the natural mix and balanced;
        ``draws`` and the number of impossible ones; ``paper_protocol``.
    """
    data = DataConfig.from_dict(estimator.card["config"]["data"])
    stars = make_stars(n, replace(data, snr=SNR), "test")
    rng = np.random.default_rng([seed, 8])
    view = views(stars)["spectrum and photometry"]
    mean, stage = np.empty((len(stars), 2)), np.empty((len(stars), len(STAGES)))
    predicted = np.empty((LABEL_DRAWS, len(stars), 3))
    impossible = 0
    for start in range(0, len(stars), 32):
        progress("MOCK stars", start, len(stars))
        part = slice(start, start + 32)
        for row, found in enumerate(estimator.posteriors(*(array[part] for array in view)), start):
            mean[row] = found.interval("log_age").mean, found.interval("log_lifetime").mean
            stage[row] = list(stages_of(found).values())
            impossible += _impossible(found, draws, rng)
            drawn = found.draws(LABEL_DRAWS, rng)
            predicted[:, row] = np.column_stack([10.0**drawn.log_teff, drawn.logg, drawn.feh_surface])
    progress("MOCK stars", len(stars), len(stars))
    exact, inside = exact_posterior(stars.labels.atmosphere, data.spp_errors, seed, EXACT_DRAWS, tracks=True)
    truth = stars.truth
    against = {}
    for column, (name, values) in enumerate((("log_age", truth.log_age), ("log_lifetime", truth.track_log_lifetime))):
        against[name] = regression(mean[inside, column], values[inside])
        against[name]["exact_posterior"] = regression(getattr(exact, name)[inside], values[inside])
    likeliest, even = stage.argmax(axis=1), undersample(np.asarray(truth.stage), seed)
    return {
        "what": "MOCK test stars as a survey finds them, S/N 20-80, spectrum and photometry, against the truth",
        "stars": len(stars),
        "stars_inside": int(inside.sum()),
        **against,
        "stage": {
            "natural": classification(likeliest, truth.stage),
            "balanced": classification(likeliest[even], truth.stage[even]) | {"stars": len(even)},
            "exact_posterior": classification(exact.stage[inside], truth.stage[inside]),
        },
        "draws": draws * len(stars),
        "impossible_draws": impossible,
        "paper_protocol": _paper_protocol(stars, predicted, data.spp_errors, seed, paper),
    }


def stages_of(found: Posterior) -> dict[str, float]:
    """Probability of each stage."""
    return stage_probabilities(found.values("teff"), found.samples.logg, found.probability)


def _impossible(found: Posterior, draws: int, rng: np.random.Generator) -> int:
    """Number of ``draws`` with an age outside 0 to 13.8 Gyr or above the lifetime."""
    drawn = found.draws(draws, rng)
    age = 10.0 ** (np.asarray(drawn.log_age, float) - 9.0)
    older = drawn.log_age > drawn.log_lifetime + 1e-6
    return int((~((age > 0) & (age <= UNIVERSE_AGE_GYR * (1 + 1e-6))) | older).sum())


def _paper_protocol(
    stars: StarSet, predicted: np.ndarray, errors: tuple[float, float, float], seed: int, paper: Mapping[str, float]
) -> dict[str, object]:
    """Score labels as the paper's, but from parameters with independent errors, with its metrics.

    Draws of the atmosphere (draw, n, 3) get the pipeline's errors and are looked up like the labels; the prediction
    is the mean of their ages and lifetimes and their commonest stage.
    """
    noise = np.random.default_rng([seed, 9]).standard_normal(predicted.shape) * np.asarray(errors)
    age, lifetime = np.full(predicted.shape[:2], np.nan), np.full(predicted.shape[:2], np.nan)
    chance = np.zeros((predicted.shape[1], len(STAGES)))
    for draw, atmosphere in enumerate(predicted + noise):
        label = nearest_label(*atmosphere.T)
        keep = label.inside_models
        age[draw, keep], lifetime[draw, keep] = label.log_age[keep], label.log_lifetime[keep]
        np.add.at(chance, (np.flatnonzero(keep), label.stage[keep]), 1.0)
    model = PointPredictions(np.nanmean(age, axis=0), np.nanmean(lifetime, axis=0), chance.argmax(axis=1))
    labels, truth = stars.labels, stars.truth
    floor = label_floor(truth.atmosphere, errors, np.ones(len(STAGES)), labels.stage, seed)
    rows = {"model_9": model, "constant": constant(labels, len(stars)), "floor": floor}
    found = {name: _short(score(one, labels, truth)) for name, one in rows.items()}
    return {
        "what": "labels of the nearest track point to parameters with independent errors; the constant is that of "
        "these labels",
        **found,
        "paper": dict(paper),
    }


def _short(scores: dict[str, object]) -> dict[str, float]:
    """The part of `score` that the paper's Table 7 has."""
    return {
        **{f"{name}_{key}": scores[name][key] for name in ("log_age", "log_lifetime") for key in ("rmse", "r2")},
        "age_rmse_gyr": scores["age_gyr"]["rmse"],
        "macro_f1": scores["stage"]["macro_f1"],
    }
