"""Information that a posterior adds to the prior of the age."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.inference.estimator import Estimator
from stellar_core.inference.information import PRIOR_DOMINATED, information_gain, is_prior_dominated
from stellar_core.intervals import Interval
from stellar_core.mock.survey import MockSurvey
from stellar_core.mock.truth import truth


def interval(ages) -> dict[str, float]:
    """Interval object of ages in Gyr."""
    return Interval.from_draws(np.log10(np.asarray(ages)) + 9.0).to_dict()


def test_the_prior_itself_adds_nothing():
    assert information_gain(interval(np.linspace(0.001, 13.8, 100_001))) == pytest.approx(0, abs=1e-4)
    assert is_prior_dominated(interval(np.linspace(0.5, 13.8, 1001)))


@pytest.mark.parametrize(("share", "bits"), [(1 / 2, 1), (1 / 4, 2), (1 / 8, 3)])
def test_a_bit_halves_the_range_of_ages(share, bits):
    found = information_gain(interval(np.linspace(0.001, 13.8 * share, 100_001)))
    assert bits - 0.25 < found <= bits + 1e-3, "binned at quantiles: at most the exact value"


def test_equal_quantiles_have_a_finite_gain():
    assert np.isfinite(information_gain(interval(np.full(10, 5.0))))
    assert np.isfinite(information_gain(interval(np.full(10, 20.0))))


@pytest.mark.slow
def test_mock_stars_below_the_limit_are_predicted_hardly_better_than_by_one_age():
    survey, stars = MockSurvey(), []
    for plate in range(16020, 16380, 24):
        stars += survey.star_ids(plate)[::18][:24]
    spectra = (frame.spectrum for frame in survey.frames(stars))
    rows = [
        (information_gain(found.log_age.to_dict()), found.log_age.mean, truth(star)["true_log_age"])
        for star, found in zip(stars, Estimator.load().estimate_many(spectra))
        if found.verdict.in_domain
    ]
    bits, said, true = np.array(rows).T
    low = bits < PRIOR_DOMINATED

    def ratio(some):
        return np.sqrt(((said - true)[some] ** 2).mean() / ((true.mean() - true)[some] ** 2).mean())

    assert len(rows) > 200 and 0.2 < low.mean() < 0.6
    assert ratio(low) > 0.9 and ratio(~low) < 0.88
