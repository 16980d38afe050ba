"""Whitening of the mock's correlated noise."""

import numpy as np
import pytest

from stellar_core.evaluation.bayes_limit.pixel_noise import Whitening, band_of_correlation
from stellar_core.mock.instrument import INSTRUMENTS, load_instrument
from stellar_core.mock.optics import hat_matrix
from stellar_core.mock.spectrograph import NODES


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_simulated_noise_becomes_white(name):
    tool = load_instrument(name)
    hats = hat_matrix(NODES, tool.loglam)
    noise, _ = tool.residuals.noise(800, hats, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    good, sigma = rng.random(hats.shape[1]) > 0.05, np.exp(0.3 * rng.standard_normal(hats.shape[1]))
    whiten = Whitening(band_of_correlation(tool.residuals, hats), sigma, good)
    white = whiten(noise * sigma)
    assert white.shape == (800, good.sum()) and np.array_equal(whiten.rows, np.flatnonzero(good))
    assert white.var() == pytest.approx(1.0, abs=0.05)
    assert np.corrcoef(noise[:, 100], noise[:, 101])[0, 1] > 0.1, "the noise was correlated"
    assert all(abs((white[:, lag:] * white[:, :-lag]).mean()) < 0.01 for lag in (1, 2, 3, 4))
