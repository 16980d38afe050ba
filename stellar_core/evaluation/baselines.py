"""Baselines of accuracy: a constant, the exact posterior, and the floor of the labels.

The paper's labels are a function of noisy pipeline parameters (section 3.2.2). Where the errors of the MOCK parameters
are independent of the spectrum (`DataConfig.pipeline`), the best possible prediction of a label is its mean given the
true atmosphere: the floor. Real stars have no such floor, nor have MOCK ones with the spectroscopic pipeline: the
pipeline measures the spectrum that the network reads, so its errors can be learned; see `label_learnability`.
"""

from __future__ import annotations

import numpy as np

from stellar_core.datasets.memmap_stars import select_part
from stellar_core.datasets.mock_stars import Labels, StarSet
from stellar_core.evaluation.exact_posterior import exact_posterior
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.scores import PointPredictions, score
from stellar_core.isochrones import LOOK_UPS
from stellar_core.stages import STAGES

#: Draws of the pipeline's errors around each true atmosphere.
FLOOR_DRAWS = 100
#: Draws from each exact posterior in `score_baselines`.
POSTERIOR_DRAWS = 100
#: Trial powers of the class frequency by which the floor favours rare stages.
DECISIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Fractions of the pipeline's errors in `floor_by_error`.
ERROR_PARTS = (1.0, 0.5, 0.25, 0.1, 0.05)


def constant(train: Labels, n: int) -> PointPredictions:
    """Predict the mean age and lifetime and the commonest stage of the training labels for each of ``n`` stars."""
    common = int(np.bincount(np.asarray(train.stage)).argmax())
    age, lifetime = (float(np.mean(values, dtype=float)) for values in (train.log_age, train.log_lifetime))
    return PointPredictions(np.full(n, age), np.full(n, lifetime), np.full(n, common))


def label_floor(
    atmosphere: np.ndarray,
    errors: tuple[float, float, float],
    stage_weight: np.ndarray,
    labelled: np.ndarray,
    seed: int,
    look_up: str = "nearest",
) -> PointPredictions:
    """Predict labels with independent pipeline errors as well as possible from the true atmospheres.

    Parameters
    ----------
    atmosphere : (n, 3) float
        True Teff [K], log g, [Fe/H] [dex].
    errors : tuple of float
        Errors of the pipeline, K, dex, dex.
    stage_weight : (5,) float
        Relative probability that a star of each labelled stage is in this set: 1 in the natural mix,
        the inverse of the class frequency in an undersampled set.
    labelled : (n,) int
        Labelled stages, used only to select one of `DECISIONS`.
    seed : int
    look_up : str
        Key of `stellar_core.isochrones.LOOK_UPS`.

    Returns
    -------
    PointPredictions
        Means over the pipeline's errors, and the stages with the best macro F1.
    """
    atmosphere = np.asarray(atmosphere, float)
    noise = np.random.default_rng([seed, 4]).standard_normal((FLOOR_DRAWS, *atmosphere.shape))
    age, lifetime = np.zeros(len(atmosphere)), np.zeros(len(atmosphere))
    chance = np.zeros((len(atmosphere), len(STAGES)))
    for draw in noise * np.asarray(errors):
        label = LOOK_UPS[look_up](*(atmosphere + draw).T)
        weight = np.where(label.inside_models, np.asarray(stage_weight, float)[label.stage], 0.0)
        age += weight * np.nan_to_num(label.log_age)
        lifetime += weight * np.nan_to_num(label.log_lifetime)
        np.add.at(chance, (np.arange(len(atmosphere)), label.stage), weight)
    total = chance.sum(axis=1)
    common = np.bincount(labelled, minlength=len(STAGES)).clip(1)
    decisions = [np.argmax(chance / common**power, axis=1) for power in DECISIONS]
    best = max(decisions, key=lambda stage: classification(stage, labelled)["macro_f1"])
    return PointPredictions(age / total, lifetime / total, best)


def floor_by_error(
    stars: StarSet, errors: tuple[float, float, float], seed: int, look_up: str = "nearest"
) -> list[dict[str, float]]:
    """Compute the floor for smaller independent errors of the pipeline, one row for each of `ERROR_PARTS`.

    Returns
    -------
    list of dict
        ``part``, the RMSE of the floor and of a constant for log age and log lifetime, macro F1.
    """
    truth, rng = np.asarray(stars.truth.atmosphere, float), np.random.default_rng([seed, 6])
    rows = []
    for part in ERROR_PARTS:
        scaled = tuple(part * error for error in errors)
        label = LOOK_UPS[look_up](*(truth + rng.standard_normal(truth.shape) * scaled).T)
        inside = label.inside_models
        best = label_floor(truth[inside], scaled, np.ones(len(STAGES)), label.stage[inside], seed, look_up)
        row: dict[str, float] = {"part": part, "teff_K": scaled[0], "logg_dex": scaled[1], "feh_dex": scaled[2]}
        for name in ("log_age", "log_lifetime"):
            values = getattr(label, name)[inside]
            row[f"{name}_floor"] = float(np.sqrt(np.mean((getattr(best, name) - values) ** 2)))
            row[f"{name}_constant"] = float(values.std())
        rows.append({**row, "f1_floor": classification(best.stage, label.stage[inside])["macro_f1"]})
    return rows


def score_baselines(
    train: Labels,
    stars: StarSet,
    sets: dict[str, np.ndarray],
    errors: tuple[float, float, float],
    seed: int,
    pipeline: str = "independent",
    look_up: str = "nearest",
) -> dict[str, dict[str, object]]:
    """Score every baseline on every test set.

    Parameters
    ----------
    train : Labels
        Labels for the constant predictor.
    stars : StarSet
        Test stars in their natural mix.
    sets : dict of str to (n,) int
        Rows of ``stars`` in each test set.
    errors : tuple of float
        Errors of the pipeline, K, dex, dex.
    seed : int
    pipeline, look_up : str
        How the labels were made; see `stellar_core.datasets.config.DataConfig`.

    Returns
    -------
    dict
        Test set -> "constant", "look-up", "exact posterior" (on the stars inside the models), "floor"
        -> `score`. The look-up is the label itself, compared with the truth. Look-up and floor need the truth and are
        left out for stars without one; so is the floor of labels whose errors can be learned.
    """
    labels, truth = stars.labels, stars.truth
    exact, inside = exact_posterior(labels.atmosphere, errors, seed, POSTERIOR_DRAWS)
    natural = np.bincount(labels.stage, minlength=len(STAGES)) / len(stars)
    found = {}
    for name, rows in sets.items():
        stage, kept = labels.stage[rows], rows[inside[rows]]
        share = np.bincount(stage, minlength=len(STAGES)) / len(rows)
        weight = np.divide(share, natural, out=np.zeros(len(STAGES)), where=natural > 0)
        predictions = {"constant": (constant(train, len(rows)), rows), "exact posterior": (exact.select(kept), kept)}
        if truth is not None:
            looked_up = PointPredictions(labels.log_age, labels.log_lifetime, labels.stage)
            predictions["look-up"] = looked_up.select(rows), rows
        if truth is not None and pipeline == "independent":
            predictions["floor"] = label_floor(truth.atmosphere[rows], errors, weight, stage, seed, look_up), rows
        found[name] = {
            key: score(one, select_part(labels, at), select_part(truth, at)) for key, (one, at) in predictions.items()
        }
    return found


def exact_posterior_metrics(stars: StarSet, errors: tuple[float, float, float]) -> dict[str, object]:
    """Metrics against the truth of the exact posterior and of the paper's look-up, from pipeline parameters.

    Both lifetimes are the paper's, 10 Gyr M^-2.5.
    """
    exact, inside = exact_posterior(stars.labels.atmosphere, errors, 0)
    found: dict[str, object] = {"stars": int(inside.sum())}
    for key, source in (("", exact), ("paper_lookup_", stars.labels)):
        for name in ("log_age", "log_lifetime"):
            truth = np.asarray(getattr(stars.truth, name), float)[inside]
            found[f"{key}{name}"] = regression(np.asarray(getattr(source, name), float)[inside], truth)
    return found
