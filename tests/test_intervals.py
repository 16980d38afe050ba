"""Intervals from draws and from weighted points."""

import numpy as np
import pytest

from stellar_core.intervals import LEVELS, Interval, weighted_quantiles


def test_interval_of_gaussian_draws():
    found = Interval.from_draws(np.random.default_rng(0).normal(5.0, 2.0, 100_000))
    assert found.mean == pytest.approx(5.0, abs=0.03) and found.std == pytest.approx(2.0, abs=0.03)
    assert (found.p84 - found.p16) / 2 == pytest.approx(2.0, abs=0.03)
    assert list(found.to_dict()) == ["mean", "std", "p025", "p16", "median", "p84", "p975"]


def test_a_gaussian_is_that_of_its_draws():
    exact = Interval.gaussian(5.0, 2.0).to_dict()
    drawn = Interval.from_draws(np.random.default_rng(0).normal(5.0, 2.0, 100_000)).to_dict()
    assert exact == pytest.approx(drawn, abs=0.04)


def test_weights_act_as_numbers_of_draws():
    rng = np.random.default_rng(1)
    values, counts = np.sort(rng.normal(size=4000)), rng.integers(1, 5, 4000)
    weighted = Interval.from_weighted(values, counts / counts.sum())
    repeated = Interval.from_draws(np.repeat(values, counts))
    for name, value in repeated.to_dict().items():
        assert getattr(weighted, name) == pytest.approx(value, abs=0.01)


def test_quantiles_are_independent_of_order_and_scale_of_the_weights():
    rng = np.random.default_rng(2)
    values, weights = rng.normal(size=50), rng.random(50)
    order = rng.permutation(50)
    first = weighted_quantiles(values, weights, LEVELS)
    assert weighted_quantiles(values[order], 7.0 * weights[order], LEVELS) == pytest.approx(first)
    assert (np.diff(first) > 0).all() and values.min() <= first[0] and first[-1] <= values.max()


def test_spread_weights_equal_draws_from_their_ranges():
    rng = np.random.default_rng(3)
    values, weights = np.repeat([9.5, 9.6, 9.7, 9.8], 30) + rng.normal(0, 1e-3, 120), rng.random(120)
    half = np.where(rng.random(120) < 0.1, 0.0, 0.05)
    chosen = rng.choice(120, 200_000, p=weights / weights.sum())
    drawn = Interval.from_draws(values[chosen] + half[chosen] * rng.uniform(-1, 1, chosen.size))
    assert Interval.from_weighted(values, weights, half).to_dict() == pytest.approx(drawn.to_dict(), abs=1.5e-3)
    plain = Interval.from_weighted(values, weights)
    assert plain.mean == pytest.approx(drawn.mean, abs=1e-3) and plain.std < drawn.std


def test_weights_spread_over_nothing_are_points():
    found = weighted_quantiles(np.array([1.0, 2.0, 4.0], np.float32), np.ones(3), (0.1, 0.5, 0.9), np.zeros(3))
    assert found == pytest.approx([1.0, 2.0, 4.0], abs=2e-3)  # a step of the grid
