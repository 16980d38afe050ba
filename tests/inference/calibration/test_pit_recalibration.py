"""PIT recalibration: nominal coverage from miscalibrated posteriors, by weights alone."""

import numpy as np
import pytest

from stellar_core.evaluation.reliability import covered, kolmogorov_smirnov
from stellar_core.inference.calibration.pit_recalibration import pit, pit_cdf, recalibrate
from stellar_core.intervals import weighted_quantiles


def stars(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posteriors half as wide as the errors and biased by half an error, as 300 weighted points each."""
    centre = rng.uniform(8, 10, n)
    truth = centre + 0.1 * rng.standard_normal(n)
    points = centre[:, None] + np.sort(rng.uniform(-0.5, 0.5, (n, 300)), axis=1)
    weight = np.exp(-0.5 * ((points - centre[:, None] + 0.05) / 0.05) ** 2)
    return points, weight / weight.sum(axis=1, keepdims=True), truth


def pits(points, weight, truth) -> np.ndarray:
    return np.array([pit(*star) for star in zip(truth, points, weight)])


def test_recalibrated_intervals_have_nominal_coverage():
    known, new = stars(2500, np.random.default_rng(0)), stars(2500, np.random.default_rng(1))
    found, before = pits(*known), pits(*new)
    assert covered(before)["68"] < 0.45 and kolmogorov_smirnov(before) > 0.2
    points, weight, truth = new
    after = pits(
        points, np.array([recalibrate(np.argsort(p, kind="stable"), w, found) for p, w in zip(points, weight)]), truth
    )
    for name, share in covered(after).items():
        assert share == pytest.approx(int(name) / 100, abs=0.025)
    assert kolmogorov_smirnov(after) < 0.03


def test_uniform_pit_values_change_nothing():
    points, weight, _ = stars(1, np.random.default_rng(2))
    even = (np.arange(100_000) + 0.5) / 100_000
    u = np.linspace(0, 1, 50)
    assert np.allclose(pit_cdf(u, even), u, atol=1e-4)
    assert np.allclose(recalibrate(np.arange(300), weight[0], even), weight[0], rtol=0.02, atol=1e-7)


def test_pit_values_and_quantiles_agree():
    points, weight, truth = stars(200, np.random.default_rng(3))
    u = pits(points, weight, truth)
    ends = np.array([weighted_quantiles(p, w, np.array([0.16, 0.84])) for p, w in zip(points, weight)])
    assert np.array_equal((truth >= ends[:, 0]) & (truth <= ends[:, 1]), np.abs(u - 0.5) <= 0.34)


def test_weights_stay_probabilities_for_any_pit_values():
    points, weight, _ = stars(1, np.random.default_rng(4))
    for found in ([0.01, 0.02, 0.99], np.zeros(100), np.ones(100), [0.5] * 3):
        corrected = recalibrate(np.arange(300), weight[0], np.array(found, float))
        assert corrected.min() >= 0 and corrected.sum() == pytest.approx(1)
