"""What any accuracy must stand beside: a constant, the exact posterior, and the floor of the labels.

The paper's labels are a function of noisy pipeline parameters (section 3.2.2). In the mock
those errors are drawn apart from the spectrum, so the best that anyone can say of a label is
its mean given the true atmosphere: the floor. (Of real stars the pipeline measures the very
spectrum that a network sees, so a network can repeat some of the pipeline's errors there.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.evaluation.metrics import classification
from stellar_core.evaluation.scores import PointPredictions, score
from stellar_core.isochrones import nearest_label, infer_posterior, power_law_log_lifetime
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    from stellar_core.datasets.mock_stars import Labels, StarSet, Truth

#: Draws of the pipeline's errors around each true atmosphere.
FLOOR_DRAWS = 100
#: Draws from each exact posterior for the mean log lifetime.
POSTERIOR_DRAWS = 100
#: Powers of the class frequency by which the floor's decision may favour rare stages.
DECISIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Parts of the pipeline's errors for which `floor_by_error` computes the floor.
ERROR_PARTS = (1.0, 0.5, 0.25, 0.1, 0.05)


def constant(train: Labels, n: int) -> PointPredictions:
    """The mean age and lifetime of the training labels and their commonest stage, for each of ``n`` stars."""
    common = int(np.bincount(np.asarray(train.stage)).argmax())
    age, lifetime = (float(np.mean(values, dtype=float)) for values in (train.log_age, train.log_lifetime))
    return PointPredictions(np.full(n, age), np.full(n, lifetime), np.full(n, common))


def exact_posterior(
    atmosphere: np.ndarray, errors: tuple[float, float, float], seed: int
) -> tuple[PointPredictions, np.ndarray]:
    """Posterior means and most probable stages from the pipeline's parameters.

    Parameters
    ----------
    atmosphere : (n, 3) float
        Teff [K], log g, [Fe/H] [dex] as measured.
    errors : tuple of float
        Of the three, K, dex, dex.
    seed : int
        Of the draws for the mean of log10(10 Gyr M^-2.5).

    Returns
    -------
    answers : PointPredictions
        NaN and stage -1 outside the models.
    inside : (n,) bool
    """
    atmosphere = np.asarray(atmosphere, float)
    n, covariance = len(atmosphere), diagonal_covariance(np.asarray(errors))
    age, lifetime, stage = np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1)
    grid = engine_grid()
    fits = grid.supports(atmosphere[:, 0], covariance)
    rows = np.flatnonzero(fits)
    found = grid.evaluate(*atmosphere[rows].T, covariance)
    draws = grid.draws(*atmosphere[rows].T, covariance, POSTERIOR_DRAWS, np.random.default_rng([seed, 3]))
    known = found.inside_models & (draws >= 0).all(axis=1)
    rows = rows[known]
    age[rows], stage[rows] = found.mean["log_age"][known], found.stage[known].argmax(axis=1)
    lifetime[rows] = power_law_log_lifetime(grid.samples.mass[draws[known]]).mean(axis=1)
    for row in np.flatnonzero(~fits):  # too hot for the fixed cells
        single = infer_posterior(*atmosphere[row], errors)
        if single.inside_models:
            age[row] = single.interval("log_age").mean
            lifetime[row] = single.probability @ power_law_log_lifetime(single.values("mass"))
            stage[row] = int(np.argmax(list(single.stages().values())))
    return PointPredictions(age, lifetime, stage), stage >= 0


@lru_cache(maxsize=1)
def engine_grid() -> CataloguePosterior:
    """The isochrone engine for tables of stars, on one thread."""
    return CataloguePosterior(workers=1)


def label_floor(
    atmosphere: np.ndarray,
    errors: tuple[float, float, float],
    stage_weight: np.ndarray,
    labelled: np.ndarray,
    seed: int,
) -> PointPredictions:
    """The best answers about the paper's labels for one who knows the true atmospheres.

    Parameters
    ----------
    atmosphere : (n, 3) float
        True Teff [K], log g, [Fe/H] [dex].
    errors : tuple of float
        Of the pipeline, K, dex, dex.
    stage_weight : (5,) float
        Chance of a star of each labelled stage to be in this set, relative: 1 for stars as they
        are, the inverse of the class frequency for an undersampled set.
    labelled : (n,) int
        Labelled stages; they choose among `DECISIONS`, and nothing else.
    seed : int

    Returns
    -------
    PointPredictions
        Means over the pipeline's errors, and the stage that serves macro F1 best.
    """
    atmosphere = np.asarray(atmosphere, float)
    noise = np.random.default_rng([seed, 4]).standard_normal((FLOOR_DRAWS, *atmosphere.shape))
    age, lifetime = np.zeros(len(atmosphere)), np.zeros(len(atmosphere))
    chance = np.zeros((len(atmosphere), len(STAGES)))
    for draw in noise * np.asarray(errors):
        label = nearest_label(*(atmosphere + draw).T)
        weight = np.where(label.inside_models, np.asarray(stage_weight, float)[label.stage], 0.0)
        age += weight * np.nan_to_num(label.log_age)
        lifetime += weight * np.nan_to_num(label.log_lifetime)
        np.add.at(chance, (np.arange(len(atmosphere)), label.stage), weight)
    total = chance.sum(axis=1)
    common = np.bincount(labelled, minlength=len(STAGES)).clip(1)
    decisions = [np.argmax(chance / common**power, axis=1) for power in DECISIONS]
    best = max(decisions, key=lambda stage: classification(stage, labelled)["macro_f1"])
    return PointPredictions(age / total, lifetime / total, best)


def floor_by_error(stars: StarSet, errors: tuple[float, float, float], seed: int) -> list[dict[str, float]]:
    """The floor, were the pipeline's errors a part of what they are; one row for each of `ERROR_PARTS`.

    Returns
    -------
    list of dict
        ``part``, the RMSE of the floor and of a constant for log age and log lifetime, macro F1.
    """
    truth, rng = np.asarray(stars.truth.atmosphere, float), np.random.default_rng([seed, 6])
    rows = []
    for part in ERROR_PARTS:
        scaled = tuple(part * error for error in errors)
        label = nearest_label(*(truth + rng.standard_normal(truth.shape) * scaled).T)
        inside = label.inside_models
        best = label_floor(truth[inside], scaled, np.ones(len(STAGES)), label.stage[inside], seed)
        row: dict[str, float] = {"part": part, "teff_K": scaled[0], "logg_dex": scaled[1], "feh_dex": scaled[2]}
        for name in ("log_age", "log_lifetime"):
            values = getattr(label, name)[inside]
            row[f"{name}_floor"] = float(np.sqrt(np.mean((getattr(best, name) - values) ** 2)))
            row[f"{name}_constant"] = float(values.std())
        rows.append({**row, "f1_floor": classification(best.stage, label.stage[inside])["macro_f1"]})
    return rows


def yardsticks(
    train: Labels, stars: StarSet, sets: dict[str, np.ndarray], errors: tuple[float, float, float], seed: int
) -> dict[str, dict[str, object]]:
    """Scores of every yardstick on every test set.

    Parameters
    ----------
    train : Labels
        What the constant predictor knows.
    stars : StarSet
        Test stars as they come.
    sets : dict of str to (n,) int
        Test sets by name, as rows of ``stars``.
    errors : tuple of float
        Of the pipeline, K, dex, dex.
    seed : int

    Returns
    -------
    dict
        Test set -> "constant", "look-up", "exact posterior" (on the stars inside the models), "floor"
        -> `score`. The look-up is the label itself: of interest against the truth alone.
    """
    labels, truth = stars.labels, stars.truth
    exact, inside = exact_posterior(labels.atmosphere, errors, seed)
    natural = np.bincount(labels.stage, minlength=len(STAGES)) / len(stars)
    found = {}
    for name, rows in sets.items():
        stage, kept = labels.stage[rows], rows[inside[rows]]
        share = np.bincount(stage, minlength=len(STAGES)) / len(rows)
        weight = np.divide(share, natural, out=np.zeros(len(STAGES)), where=natural > 0)
        answers = {
            "constant": (constant(train, len(rows)), rows),
            "look-up": (PointPredictions(labels.log_age, labels.log_lifetime, labels.stage).select(rows), rows),
            "exact posterior": (exact.select(kept), kept),
            "floor": (label_floor(truth.atmosphere[rows], errors, weight, stage, seed), rows),
        }
        found[name] = {key: score(said, _rows(labels, at), _rows(truth, at)) for key, (said, at) in answers.items()}
    return found


def _rows(part: Labels | Truth, rows: np.ndarray) -> Labels | Truth:
    return type(part)(**{name: values[rows] for name, values in vars(part).items()})
