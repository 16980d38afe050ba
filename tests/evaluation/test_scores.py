"""Scores against labels and truth, in dex and Gyr, with standard errors confirmed by resampling."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from stellar_core.evaluation.metrics import classification
from stellar_core.evaluation.scores import ERROR_EDGES, PointPredictions, score


@pytest.fixture(scope="module")
def stars():
    rng = np.random.default_rng(0)
    n = 400
    labels = SimpleNamespace(
        log_age=rng.uniform(9, 10.1, n).astype(np.float32),
        log_lifetime=rng.uniform(9.5, 11, n).astype(np.float32),
        stage=rng.integers(0, 5, n),
    )
    truth = SimpleNamespace(log_age=labels.log_age + 0.2, log_lifetime=labels.log_lifetime, stage=labels.stage)
    return labels, truth


def test_right_predictions_have_no_error(stars):
    labels, truth = stars
    found = score(PointPredictions(labels.log_age, labels.log_lifetime, labels.stage), labels, truth)
    assert found["log_age"]["rmse"] == 0 and found["log_age"]["r2"] == 1 and found["stage"]["macro_f1"] == 1
    assert found["log_age"]["truth"]["rmse"] == pytest.approx(0.2, abs=1e-6)
    assert found["age_gyr"] == {"rmse": 0.0, "mae": 0.0} and found["n"] == 400
    assert found["ages"]["max"] == pytest.approx(10 ** (labels.log_age.max() - 9.0), rel=1e-5)


def test_a_constant_error_of_a_tenth_of_a_dex(stars):
    labels, truth = stars
    found = score(PointPredictions(labels.log_age + 0.1, labels.log_lifetime, labels.stage), labels, truth)
    assert found["log_age"]["rmse"] == pytest.approx(0.1, abs=1e-6)
    expected = (10**0.1 - 1) * np.mean(10.0 ** (labels.log_age.astype(float) - 9))
    assert found["age_gyr"]["mae"] == pytest.approx(expected, rel=1e-4)
    counts = np.array(found["age_errors"])
    assert counts.sum() == 400 and counts[np.abs(ERROR_EDGES[:-1] - 0.075) < 0.03].sum() == 400


def test_runaway_ages_are_counted_and_stay_finite(stars):
    labels, truth = stars
    log_age = labels.log_age.astype(float).copy()
    log_age[:40] = [1e9] + [12.0] * 39
    found = score(PointPredictions(log_age, labels.log_lifetime, labels.stage), labels, truth)
    assert found["ages"]["above_universe"] >= 0.1 and found["ages"]["max"] > 1e30
    assert found["age_errors"][-1] >= 1 and sum(found["age_errors"]) == 400
    json.dumps(found, allow_nan=False)


def test_stars_older_than_their_lifetime_are_counted(stars):
    labels, truth = stars
    log_age = labels.log_lifetime + np.where(np.arange(400) < 100, 0.1, -0.1)
    found = score(PointPredictions(log_age, labels.log_lifetime, labels.stage), labels, truth)
    assert found["ages"]["beyond_lifetime"] == 0.25


def test_standard_errors_agree_with_resampling(stars):
    labels, truth = stars
    rng = np.random.default_rng(1)
    predictions = PointPredictions(
        labels.log_age + 0.3 * rng.standard_normal(400),
        labels.log_lifetime,
        np.where(rng.random(400) < 0.3, rng.integers(0, 5, 400), labels.stage),
    )
    found = score(predictions, labels, truth)
    rmse, f1 = [], []
    for _ in range(80):
        rows = rng.integers(0, 400, 400)
        rmse.append(np.sqrt(np.mean((predictions.log_age - labels.log_age)[rows] ** 2)))
        f1.append(classification(predictions.stage[rows], labels.stage[rows])["macro_f1"])
    assert found["log_age"]["rmse_se"] == pytest.approx(np.std(rmse), rel=0.3)
    assert found["stage"]["macro_f1_se"] == pytest.approx(np.std(f1), rel=0.3)
