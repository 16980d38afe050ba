"""Headline metrics: against the truth and on the paper's task, with every baseline."""

import pytest

from stellar_core import Estimator
from stellar_core.evaluation.headline_metrics import measure
from stellar_core.experiments.published import BEST

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load("isochrone")


@pytest.fixture(scope="module")
def measured(estimator):
    return measure(estimator, 150, 500, paper=BEST)


def test_no_draw_is_impossible(measured):
    assert measured["draws"] == 500 * measured["stars"] > 60_000 and measured["impossible_draws"] == 0


def test_ages_from_the_spectrum_beat_those_from_pipeline_parameters(measured):
    assert measured["log_age"]["rmse"] <= 1.05 * measured["log_age"]["exact_posterior"]["rmse"]


def test_scores_on_the_papers_labels_lie_between_floor_and_constant(measured):
    rows = measured["paper_protocol"]
    floor, ours, constant = (rows[name]["log_age_rmse"] for name in ("floor", "model_9", "constant"))
    assert 0.9 * floor < ours < 1.1 * constant, "hardly anything of these labels of age can be foretold"
    assert rows["model_9"]["log_lifetime_rmse"] < 0.8 * rows["constant"]["log_lifetime_rmse"]
    assert rows["constant"]["macro_f1"] < rows["model_9"]["macro_f1"] and rows["paper"]["macro_f1"] == 0.9544
