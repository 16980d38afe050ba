"""The verdict on an age."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.inference.reliability import assess, below_baseline
from stellar_core.model_store import list_networks
from tests.inference.made_results import BAD, GOOD, card, made_result


def test_a_star_like_the_training_stars_with_a_narrow_age_is_reliable():
    found = assess(made_result(6.6, 0.08, 12.3), card(GOOD))
    assert (found.level, found.title, found.below_baseline) == ("reliable", "Reliable", ())
    assert "0.26 dex" in found.model and "0.32 dex" in found.model and "1.3 bits" in found.information


def test_a_star_unlike_the_training_stars_is_refused_whatever_the_rest():
    assert assess(made_result(6.6, 0.08, 12.3, trusted=False), card(BAD)).level == "refused"


def test_a_model_below_its_baseline_is_named():
    found = assess(made_result(6.6, 0.08, 12.3), card(BAD))
    assert (found.level, found.title) == ("caution", "Model below its baseline")
    assert found.below_baseline == ("log age", "log g") and "log age, log g" in found.model


@pytest.mark.parametrize("without", [{}, {"metrics_mock_test": {}}, {"metrics_mock_test": None}])
def test_a_model_without_test_scores_is_a_caution(without):
    assert assess(made_result(6.6, 0.08, 12.3), without).title == "Untested model"


def test_an_age_that_the_prior_decides_is_prior_dominated():
    found = assess(made_result(7.0, np.inf, 30.0), card(GOOD))
    assert found.prior_dominated and (found.level, found.title) == ("caution", "Prior-dominated")
    assert "hardly better than by one age for all" in found.information


def test_the_scores_are_those_of_the_same_data():
    views = {"metrics_mock_test": {"spectrum and photometry": GOOD, "spectrum alone": BAD}}
    assert assess(made_result(6.6, 0.08, 12.3), views).level == "reliable"
    assert assess(made_result(6.6, 0.08, 12.3, photometry="missing"), views).level == "caution"


def test_the_shipped_networks_are_above_their_baselines():
    """A photometric lifetime is hardly better than the mean: every star on the page has a spectrum."""
    for card_of in list_networks().values():
        for view, scores in card_of["metrics_mock_test"].items():
            assert below_baseline(scores) == () or view == "photometry alone", view
