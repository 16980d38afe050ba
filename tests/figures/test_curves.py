"""Running means, error bands and combs."""

import numpy as np
import pytest

from stellar_core.figures.curves import combs, ribbon, robust_range, smooth


def test_smoothing_is_the_weighted_mean():
    flux, ivar = np.array([1.0, 2.0, 6.0, 4.0, 5.0]), np.array([1.0, 1.0, 4.0, 0.0, 1.0])
    mean, error = smooth(flux, ivar, 3)
    assert mean[1] == pytest.approx((1 + 2 + 24) / 6)
    assert error[1] == pytest.approx(6**-0.5)
    assert np.isnan(mean[3])


def test_smoothing_by_one_changes_nothing():
    flux, ivar = np.random.default_rng(0).normal(5, 1, 100), np.full(100, 4.0)
    mean, error = smooth(flux, ivar, 1)
    np.testing.assert_allclose(mean, flux, rtol=1e-6)
    np.testing.assert_allclose(error, 0.5, rtol=1e-6)


def test_range_of_a_constant_spectrum_is_not_empty():
    low, high = robust_range(np.full(50, 3.0, np.float32))
    assert low < 3 < high


def test_combs_are_separated_by_nan():
    x, y = combs(np.array([1.0, 2.0]), 0.0, np.array([1.0, 3.0]))
    assert x.tolist() == [1, 1, 1, 2, 2, 2]
    assert np.isnan(y[[2, 5]]).all() and y[[0, 1, 4]].tolist() == [0, 1, 3]


def test_the_error_band_stops_at_a_gap():
    x = np.arange(6.0)
    middle = np.array([1.0, 1.0, np.nan, 2.0, 2.0, 2.0])
    band_x, band_y = ribbon(x, middle, np.full(6, 0.5))
    assert np.flatnonzero(np.isnan(band_x)).tolist() == [4, 11]
    assert band_x[:4].tolist() == [0, 1, 1, 0] and band_y[:4].tolist() == [1.5, 1.5, 0.5, 0.5]
    assert band_x[5:11].tolist() == [3, 4, 5, 5, 4, 3] and band_y[5:11].tolist() == [2.5] * 3 + [1.5] * 3
