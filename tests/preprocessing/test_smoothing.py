"""Savitzky-Golay smoothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import savgol_filter

from stellar_core.preprocessing.smoothing import SMOOTH_ORDER, SMOOTH_WINDOW, smooth, smooth_variance


def test_smoothing_equals_scipy_up_to_the_ends():
    noise = np.random.default_rng(1).normal(size=60)
    np.testing.assert_allclose(smooth(noise), savgol_filter(noise, SMOOTH_WINDOW, SMOOTH_ORDER), atol=1e-12)


def test_variance_of_white_noise():
    noise = np.random.default_rng(2).normal(scale=2.0, size=(4000, 40))
    smoothed = np.array([smooth(row) for row in noise])[:, 20]
    assert smoothed.var() == pytest.approx(smooth_variance(np.full(40, 4.0))[20], rel=0.1)
