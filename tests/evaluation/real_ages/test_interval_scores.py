"""Scores from five quantiles: exact for Gaussians, close for real posteriors of ages, with errors of the truth."""

import numpy as np
import pytest
from scipy.stats import norm

from stellar_core.evaluation.real_ages.interval_scores import crps, fine_quantiles, pit, sample_crps
from stellar_core.evaluation.reliability import crps as exact_crps
from stellar_core.inference.calibration.pit_recalibration import pit as exact_pit
from stellar_core.intervals import LEVELS
from stellar_core.isochrones import infer_posterior


def gaussian(mean, std):
    return np.asarray(mean)[:, None] + np.asarray(std)[:, None] * norm.ppf(LEVELS)


def test_the_probability_of_a_truth_is_that_under_the_convolved_gaussian():
    mean, std, error = np.array([9.0, 9.5, 10.0, 9.2]), np.array([0.1, 0.2, 0.05, 0.3]), np.array([0.1, 0.01, 0.2, 0.0])
    truth = mean + np.array([0.05, -0.3, 0.3, 0.2])
    expected = norm.cdf(truth, mean, np.hypot(std, error))
    assert pit(gaussian(mean, std), truth, error, error) == pytest.approx(expected, abs=2e-3)


def test_only_the_error_towards_the_posterior_matters():
    mean, std = np.array([9.0]), np.array([0.01])
    truth, wide, narrow = np.array([9.3]), np.array([0.3]), np.array([0.001])
    assert pit(gaussian(mean, std), truth, wide, narrow)[0] == pytest.approx(norm.cdf(1), abs=5e-3)
    assert pit(gaussian(mean, std), truth, narrow, wide)[0] == pytest.approx(1, abs=1e-6)


def test_intervals_hold_at_their_level_when_posteriors_and_truths_are_right():
    rng = np.random.default_rng(1)
    n, error = 4000, 0.15
    std = rng.uniform(0.1, 0.4, n)
    mean = rng.normal(9.5, 0.3, n)
    truth = rng.normal(mean, std) + rng.normal(0, error, n)
    u = pit(gaussian(mean, std), truth, np.full(n, error), np.full(n, error))
    assert (np.abs(u - 0.5) <= 0.34).mean() == pytest.approx(0.68, abs=0.025)
    assert (np.abs(u - 0.5) <= 0.475).mean() == pytest.approx(0.95, abs=0.012)
    without = pit(gaussian(mean, std), truth, np.zeros(n), np.zeros(n))
    assert (np.abs(without - 0.5) <= 0.34).mean() < 0.64


def test_a_missing_error_gives_no_probability():
    assert np.isnan(pit(gaussian([9.0], [0.1]), np.array([9.0]), np.array([np.nan]), np.array([np.nan]))).all()
    assert pit(np.empty((0, 5)), np.empty(0), np.empty(0), np.empty(0)).shape == (0,)


def test_crps_of_a_gaussian_has_its_closed_form():
    truth = np.array([9.0, 9.2, 9.9])
    z = (truth - 9.1) / 0.2
    closed = 0.2 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))  # Gneiting & Raftery 2007, eq. 21
    assert crps(gaussian([9.1] * 3, [0.2] * 3), truth) == pytest.approx(closed, abs=1e-3)


def test_crps_of_the_sample_is_half_the_mean_difference():
    assert sample_crps(np.array([9.0, 10.0])) == pytest.approx(0.25)
    assert sample_crps(np.array([9.0])) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("star", [(5780, 4.44, 0.0), (6300, 4.1, -0.3), (4750, 2.5, 0.0)])
def test_five_quantiles_are_enough_for_real_posteriors(star):
    posterior = infer_posterior(*star, (75.0, 0.2, 0.1))
    values, probability = posterior.values("log_age"), posterior.probability
    interval = posterior.interval("log_age")
    quantiles = np.array([[interval.p025, interval.p16, interval.median, interval.p84, interval.p975]])
    assert (np.diff(fine_quantiles(quantiles)) >= 0).all()
    for level in (0.08, 0.3, 0.7, 0.92):
        truth = posterior.quantiles("log_age", [level])
        assert pit(quantiles, truth, np.zeros(1), np.zeros(1))[0] == pytest.approx(
            exact_pit(truth[0], values, probability), abs=0.03
        )
        assert crps(quantiles, truth)[0] == pytest.approx(exact_crps(values, probability, truth[0]), rel=0.06)
