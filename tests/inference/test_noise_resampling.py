"""Noisy copies have the right errors, and error budgets add up."""

import numpy as np
import pytest

from stellar_core.inference.noise_resampling import noisy_features, noisy_spectra
from stellar_core.inference.result import ErrorBudget, entropy, mutual_information


def test_spectra_scatter_by_their_errors_and_gaps_keep_the_filler():
    ivar = np.full(6800, 400.0)
    ivar[:100] = 0
    copies = noisy_spectra(np.ones(6800), ivar, 200, np.random.default_rng(0))
    assert copies[:, 100:].std(axis=0).mean() == pytest.approx(0.05, rel=0.02)
    assert (copies[:, :100] == 1).all()
    apart = copies[:, 200:-1] - 1
    assert 0.5 < np.corrcoef(apart[:, :-1].ravel(), apart[:, 1:].ravel())[0, 1] < 0.98


def test_magnitudes_and_colours_stay_consistent():
    base = np.r_[np.full(5, 17.0), np.full(5, 0.03), np.full(5, 0.1), np.full(5, 16.9), np.zeros(4), np.full(5, 17.0)]
    copies = noisy_features(base, 500, np.random.default_rng(0))
    assert copies[:, 0].std() == pytest.approx(0.03, rel=0.15) and (copies[:, 5:15] == base[5:15]).all()
    assert np.allclose(copies[:, 20], copies[:, 15] - copies[:, 16])
    assert np.isnan(noisy_features(np.full(29, np.nan), 3, np.random.default_rng(0))).all()


def test_error_budgets_add_up():
    parts = ErrorBudget.of(0.5, 0.3, 0.2)
    assert parts.aleatoric**2 + 0.3**2 + 0.2**2 == pytest.approx(0.25)
    assert ErrorBudget.of(0.1, 0.3, 0.0).aleatoric == 0.0


def test_mutual_information_is_the_disagreement_of_the_passes():
    sure = np.array([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]])
    assert entropy(np.full(5, 0.2)) == pytest.approx(np.log(5))
    assert mutual_information(sure) == pytest.approx(np.log(2))
    assert mutual_information(np.full((4, 5), 0.2)) == pytest.approx(0.0, abs=1e-12)
