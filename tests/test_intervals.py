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
