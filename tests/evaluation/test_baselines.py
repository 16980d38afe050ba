"""The constant and the floor of the labels."""

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.baselines import constant, floor_by_error, label_floor, score_baselines
from stellar_core.evaluation.scores import PointPredictions
from stellar_core.isochrones import nearest_label

ERRORS = (75.0, 0.20, 0.10)


@pytest.fixture(scope="module")
def stars():
    return make_stars(250, DataConfig.paper(seed=3, pipeline="independent", look_up="nearest"), "test")


def rmse(found: PointPredictions, values: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found.log_age - values) ** 2)))


def test_the_constant_uses_the_training_labels_alone(stars):
    found = constant(stars.labels, 7)
    assert found.log_age == pytest.approx(np.full(7, stars.labels.log_age.mean()), abs=1e-5)
    assert set(found.stage.tolist()) == {np.bincount(stars.labels.stage).argmax()}


def test_the_floor_is_below_every_prediction_with_less_information(stars):
    truth, labels = stars.truth, stars.labels
    floor = rmse(label_floor(truth.atmosphere, ERRORS, np.ones(5), labels.stage, 0), labels.log_age)
    assert floor < rmse(constant(labels, len(stars)), labels.log_age)
    at_truth = nearest_label(*truth.atmosphere.T)
    inside = at_truth.inside_models
    naive = np.sqrt(np.mean((at_truth.log_age[inside] - labels.log_age[inside]) ** 2))
    assert floor < naive  # the label of the true atmosphere is not the mean label


def test_without_errors_the_floor_predicts_the_label(stars):
    truth = stars.truth.atmosphere
    label = nearest_label(*truth.T)
    inside = label.inside_models
    found = label_floor(truth[inside], (1e-6, 1e-9, 1e-9), np.ones(5), label.stage[inside], 0)
    assert found.log_age == pytest.approx(label.log_age[inside], abs=1e-9)
    assert (found.stage == label.stage[inside]).all()


def test_an_undersampled_set_weights_the_draws_by_stage(stars):
    weight = np.array([0.0, 0.0, 0.0, 1.0, 0.0])
    near = np.array([[5500.0, 3.9, 0.0]])
    found = label_floor(near, ERRORS, weight, np.array([3]), 0)
    plain = label_floor(near, ERRORS, np.ones(5), np.array([3]), 0)
    assert found.stage[0] == 3 and found.log_age[0] != plain.log_age[0]


def test_interpolated_labels_have_a_floor_of_their_own(stars):
    truth, labels = stars.truth.atmosphere[:50], stars.labels
    found = label_floor(truth, ERRORS, np.ones(5), labels.stage[:50], 0, "interpolated")
    assert found.log_age.std() < label_floor(truth, ERRORS, np.ones(5), labels.stage[:50], 0).log_age.std()
    assert (found.log_age > np.log10(0.25e9)).all()


def test_labels_that_can_be_learned_have_no_floor(stars, monkeypatch):
    from stellar_core.evaluation import baselines

    exact = PointPredictions(stars.labels.log_age, stars.labels.log_lifetime, stars.labels.stage)
    monkeypatch.setattr(baselines, "exact_posterior", lambda *given: (exact, np.ones(len(stars), bool)))
    sets = {"natural": np.arange(len(stars))}
    found = score_baselines(stars.labels, stars, sets, ERRORS, 0, "spectroscopic", "interpolated")
    assert set(found["natural"]) == {"constant", "look-up", "exact posterior"}


def test_smaller_errors_lower_the_floor(stars):
    rows = floor_by_error(stars, ERRORS, 0)
    assert [row["part"] for row in rows] == [1.0, 0.5, 0.25, 0.1, 0.05]
    assert rows[0]["log_age_floor"] > rows[2]["log_age_floor"] > rows[4]["log_age_floor"] > 0
    assert rows[0]["f1_floor"] < rows[4]["f1_floor"]
    assert all(row["log_age_floor"] < row["log_age_constant"] for row in rows)


@pytest.mark.slow
def test_every_set_has_every_baseline(stars):
    rows = np.flatnonzero(stars.labels.stage <= 2)
    found = score_baselines(stars.labels, stars, {"natural": np.arange(len(stars)), "dwarfs": rows}, ERRORS, 0)
    assert list(found) == ["natural", "dwarfs"]
    for scores in found.values():
        assert set(scores) == {"constant", "look-up", "exact posterior", "floor"}
        assert scores["look-up"]["log_age"]["rmse"] == 0 and scores["look-up"]["log_age"]["truth"]["rmse"] > 0.3
        assert scores["exact posterior"]["log_age"]["truth"]["rmse"] < scores["constant"]["log_age"]["truth"]["rmse"]
    assert found["dwarfs"]["floor"]["n"] == len(rows)
