"""Measures of calibration against hand calculations and brute force."""

import numpy as np
import pytest

from stellar_core.evaluation.reliability import (
    by_group,
    calibration_error,
    covered,
    crps,
    crps_constant,
    kolmogorov_smirnov,
    stage_reliability,
)


def test_coverage_counts_pit_values():
    u = np.array([0.5, 0.2, 0.1, 0.01, 0.99, 0.03])
    assert covered(u) == {"68": pytest.approx(2 / 6), "90": pytest.approx(3 / 6), "95": pytest.approx(4 / 6)}


def test_kolmogorov_smirnov_is_the_largest_distance():
    from scipy.stats import kstest

    u = np.random.default_rng(0).beta(2, 1, 400)
    assert kolmogorov_smirnov(u) == pytest.approx(kstest(u, "uniform").statistic)


def test_the_score_is_the_integral_of_squared_differences():
    rng = np.random.default_rng(1)
    values, weight = rng.standard_normal(60), rng.random(60)
    weight /= weight.sum()
    grid = np.linspace(-6, 6, 200_001)
    below = (weight * (values <= grid[:, None][::50])).sum(axis=1)
    squares = (below - (grid[::50] >= 0.4)) ** 2
    assert crps(values, weight, 0.4) == pytest.approx(np.trapezoid(squares, grid[::50]), abs=2e-3)
    assert crps(np.array([2.0]), np.array([1.0]), 2.5) == pytest.approx(0.5)


def test_the_constant_predictor_is_off_by_half_the_mean_difference():
    truth = np.array([0.0, 1.0, 4.0])
    assert crps_constant(truth) == pytest.approx(0.5 * np.abs(truth[:, None] - truth).mean())


def test_groups_are_by_snr_and_both_stages():
    u, snr = np.array([0.5, 0.0, 0.5, 0.5]), np.array([6.0, 15.0, 30.0, 60.0])
    groups = by_group(u, snr, np.array([0, 0, 4, 4]), np.array([0, 1, 4, 4]))
    assert groups["S/N 10-20"] == {"68": 0.0, "90": 0.0, "95": 0.0, "n": 1}
    assert groups["predicted Hot"]["68"] == 0.5 and groups["true Hot"]["68"] == 1.0 and "true Cool" not in groups


def test_stage_reliability_of_an_overconfident_classifier():
    probability = np.tile([0.9, 0.1, 0.0, 0.0, 0.0], (10, 1))
    true = np.r_[np.zeros(5, int), np.ones(5, int)]
    stated, right, count = stage_reliability(probability, true)
    assert (stated[0], right[0], count[0]) == (pytest.approx(0.9), 0.5, 10)
    assert calibration_error(probability, true) == pytest.approx(0.4)
