"""Posteriors of MOCK stars: normalised, near the truth, and calibrated."""

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.bayes_limit.observed_star import observed_star
from stellar_core.evaluation.bayes_limit.population_samples import draw_samples
from stellar_core.evaluation.bayes_limit.star_posterior import BayesLimit, StarPosterior

DATA = DataConfig(seed=7)


def test_a_factor_changes_weights_alone():
    plain = StarPosterior(np.arange(3), np.array([0.5, 0.25, 0.25]), np.zeros(3), 1.0, 10, 0.0)
    assert plain.effective == pytest.approx(1 / 0.375)
    found = plain.reweighted(np.log([1.0, 2.0, 0.0 + 1e-300]) - 500.0)
    assert found.weight == pytest.approx([0.5, 0.5, 0.0]) and found.rows is plain.rows


@pytest.mark.slow
def test_posteriors_hold_the_truth():
    stars = make_stars(60, DATA, "test", raw=True)
    samples = draw_samples(300_000, 3)
    limit = BayesLimit(samples)
    faint = np.flatnonzero((stars.companion_light == 0) & (stars.truth.snr < 40))
    distances, reduced, inside = [], [], []
    for row in faint:
        found = limit.posterior(observed_star(stars, row, DATA))
        assert found.weight.sum() == pytest.approx(1.0) and (np.diff(found.rows) > 0).all() and found.edge < 1e-3
        points = samples.points(found.rows)
        mean = found.weight @ points
        covariance = (points - mean).T @ ((points - mean) * found.weight[:, None])
        offset = stars.truth.atmosphere[row] - mean[:3]
        distances.append(offset @ np.linalg.solve(covariance[:3, :3], offset) / 3.0)
        reduced.append(found.chi2 / found.degrees)
        inside.append(abs(stars.truth.log_age[row] - mean[3]) < 2.0 * np.sqrt(covariance[3, 3]))
    assert len(faint) > 20
    assert 0.4 < np.mean(distances) < 2.0
    assert 0.97 < np.mean(reduced) < 1.03
    assert np.mean(inside) > 0.8
