"""What ONE checkpoint of Model 9 comes to: MOCK stars of S/N above 20, against the truth and on the paper's own task.

The paper trains one network for ages and another for stages, and scores them against labels looked
up from the pipeline's parameters. Here one posterior answers everything. Beside it stand the exact
posterior that the isochrone engine gives from the pipeline's parameters, the constant predictor,
and the floor: the best that could be said of the labels by one who knew the true atmospheres.

``python -m stellar_core.evaluation.headline_metrics MODEL DATA_FOLDER`` measures a model of ``trained/``,
compares it with the SSPP on REAL stars too (`stellar_core.evaluation.isochrone_agreement`), and writes both into its card.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.datasets.balancing import undersample
from stellar_core.evaluation.baselines import constant, engine_grid, label_floor
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.scores import PointPredictions, score
from stellar_core.evaluation.views import views
from stellar_core.experiments.published import BEST
from stellar_core.isochrones import nearest_label
from stellar_core.isochrones.catalogue_posterior import diagonal_covariance
from stellar_core.isochrones.summary import stage_probabilities
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    from stellar_core.datasets.mock_stars import StarSet
    from stellar_core.inference.isochrone import IsochroneEstimator
    from stellar_core.isochrones import Posterior

#: S/N of the paper's stars, and the upper end of the survey's.
SNR = (20.0, 80.0)
#: Draws of each star by which labels are foretold, and of the exact posterior for its means.
LABEL_DRAWS, EXACT_DRAWS = 100, 200


def measure(estimator: IsochroneEstimator, n: int, draws: int, seed: int = 0) -> dict[str, object]:
    """All figures on ``n`` MOCK stars drawn as a survey finds them, S/N 20 to 80.

    Parameters
    ----------
    estimator : IsochroneEstimator
    n : int
        Stars drawn; a few per cent are outside the models or the library.
    draws : int
        From each posterior, for the count of impossible stars.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        ``stars``, ``stars_inside`` (of the exact posterior); ``log_age`` and ``log_lifetime`` (of the track) against
        the truth with ``exact_posterior``, both on the stars inside; ``stage`` in the natural mix and balanced;
        ``draws`` and how many of them are impossible; ``paper_protocol``.
    """
    from stellar_core.datasets.mock_stars import make_stars
    from stellar_core.training.config import TrainingConfig

    config = TrainingConfig.from_dict(estimator.card["config"])
    stars = make_stars(n, replace(config.data, snr=SNR), "test")
    rng = np.random.default_rng([seed, 8])
    view = views(stars)["spectrum and photometry"]
    mean, stage = np.empty((len(stars), 2)), np.empty((len(stars), len(STAGES)))
    foretold = np.empty((LABEL_DRAWS, len(stars), 3))
    impossible = 0
    for start in range(0, len(stars), 32):
        part = slice(start, start + 32)
        for row, found in enumerate(estimator.posteriors(*(array[part] for array in view)), start):
            mean[row] = found.interval("log_age").mean, found.interval("log_lifetime").mean
            stage[row] = list(stages_of(found).values())
            impossible += _impossible(found, draws, rng)
            drawn = found.draws(LABEL_DRAWS, rng)
            foretold[:, row] = np.column_stack([10.0**drawn.log_teff, drawn.logg, drawn.feh_surface])
    exact, inside = exact_means(stars.labels.atmosphere, config.data.spp_errors, seed)
    truth = stars.truth
    against = {}
    for column, (name, values) in enumerate((("log_age", truth.log_age), ("log_lifetime", truth.track_log_lifetime))):
        against[name] = regression(mean[inside, column], values[inside])
        against[name]["exact_posterior"] = regression(exact[inside, column], values[inside])
    said, even = stage.argmax(axis=1), undersample(np.asarray(truth.stage), seed)
    return {
        "what": "MOCK test stars as a survey finds them, S/N 20-80, spectrum and photometry, against the truth",
        "stars": len(stars),
        "stars_inside": int(inside.sum()),
        **against,
        "stage": {
            "natural": classification(said, truth.stage),
            "balanced": classification(said[even], truth.stage[even]) | {"stars": len(even)},
            "exact_posterior": classification(exact[inside, 2].astype(int), truth.stage[inside]),
        },
        "draws": draws * len(stars),
        "impossible_draws": impossible,
        "paper_protocol": _paper_protocol(stars, foretold, config.data.spp_errors, seed),
    }


def stages_of(found: Posterior) -> dict[str, float]:
    """Probability of each stage."""
    return stage_probabilities(found.values("teff"), found.samples.logg, found.probability)


def _impossible(found: Posterior, draws: int, rng: np.random.Generator) -> int:
    """How many of ``draws`` stars are of no age from 0 to 13.8 Gyr, or older than they live."""
    drawn = found.draws(draws, rng)
    age = 10.0 ** (np.asarray(drawn.log_age, float) - 9.0)
    older = drawn.log_age > drawn.log_lifetime + 1e-6
    return int((~((age > 0) & (age <= UNIVERSE_AGE_GYR * (1 + 1e-6))) | older).sum())


def exact_means(atmosphere: np.ndarray, errors: tuple[float, float, float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The engine's posterior means from the pipeline's parameters (n, 3).

    Returns
    -------
    mean : (n, 3)
        Log age, log lifetime of the track, most probable stage; NaN outside the models.
    inside : (n,) bool
    """
    atmosphere = np.asarray(atmosphere, float)
    mean, covariance, grid = np.full((len(atmosphere), 3), np.nan), diagonal_covariance(np.asarray(errors)), engine_grid()
    rows = np.flatnonzero(grid.supports(atmosphere[:, 0], covariance))
    found = grid.evaluate(*atmosphere[rows].T, covariance)
    drawn = grid.draws(*atmosphere[rows].T, covariance, EXACT_DRAWS, np.random.default_rng([seed, 3]))
    known = found.inside_models & (drawn >= 0).all(axis=1)
    lifetime = grid.samples.log_lifetime[drawn[known]].mean(axis=1)
    mean[rows[known]] = np.column_stack([found.mean["log_age"][known], lifetime, found.stage[known].argmax(axis=1)])
    return mean, np.isfinite(mean[:, 0])


def _paper_protocol(
    stars: StarSet, foretold: np.ndarray, errors: tuple[float, float, float], seed: int
) -> dict[str, object]:
    """The paper's task: its labels, its scores.

    Draws of the atmosphere (draw, n, 3) get the pipeline's errors and are looked up, as the labels are made; their means
    and commonest stage answer.
    """
    noise = np.random.default_rng([seed, 9]).standard_normal(foretold.shape) * np.asarray(errors)
    age, lifetime = np.full(foretold.shape[:2], np.nan), np.full(foretold.shape[:2], np.nan)
    chance = np.zeros((foretold.shape[1], len(STAGES)))
    for draw, atmosphere in enumerate(foretold + noise):
        label = nearest_label(*atmosphere.T)
        keep = label.inside_models
        age[draw, keep], lifetime[draw, keep] = label.log_age[keep], label.log_lifetime[keep]
        np.add.at(chance, (np.flatnonzero(keep), label.stage[keep]), 1.0)
    said = PointPredictions(np.nanmean(age, axis=0), np.nanmean(lifetime, axis=0), chance.argmax(axis=1))
    labels, truth = stars.labels, stars.truth
    floor = label_floor(truth.atmosphere, errors, np.ones(len(STAGES)), labels.stage, seed)
    rows = {"model_9": said, "constant": constant(labels, len(stars)), "floor": floor}
    found = {name: _short(score(answers, labels, truth)) for name, answers in rows.items()}
    return {
        "what": "labels by the paper's look-up from the mock pipeline's parameters; the constant is that of these very labels",
        **found,
        "paper": BEST,
    }


def _short(scores: dict[str, object]) -> dict[str, float]:
    """What the paper's Table 7 has of `score`."""
    return {
        **{f"{name}_{key}": scores[name][key] for name in ("log_age", "log_lifetime") for key in ("rmse", "r2")},
        "age_rmse_gyr": scores["age_gyr"]["rmse"],
        "macro_f1": scores["stage"]["macro_f1"],
    }


if __name__ == "__main__":
    import json
    import sys
    from pathlib import Path

    from stellar_core.evaluation.isochrone_agreement import compare
    from stellar_core.inference.estimator import Estimator
    from stellar_core.model_store import add_to_card

    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m stellar_core.evaluation.headline_metrics MODEL DATA_FOLDER")
    model = Estimator.load(sys.argv[1])
    measured = {
        "one_checkpoint_mock_test": measure(model, 2500, 4500),
        "agreement_with_sspp_real_stars": compare(model, Path(sys.argv[2]) / "sdss"),
    }
    add_to_card(sys.argv[1], measured)
    sys.stdout.write(json.dumps(measured, indent=1) + "\n")
