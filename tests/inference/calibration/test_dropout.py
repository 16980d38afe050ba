"""Conformal calibration: nominal coverage on stars not used in the fit."""

import numpy as np
import pytest

from stellar_core.inference.calibration.dropout import DropoutCalibration, from_free, to_free
from stellar_core.inference.mc_dropout import Passes
from stellar_core.models.heads import LOG_AGE_BOUNDS


def ratios(n: int) -> np.ndarray:
    return np.geomspace(5, 80, n)


def overconfident(n: int, rng: np.random.Generator) -> tuple[Passes, np.ndarray, np.ndarray]:
    """Stars whose passes scatter five times less than their errors, with a bias that depends on the stage."""
    stage = rng.integers(0, 5, n)
    truth = np.column_stack(
        [
            rng.uniform(4500, 7000, n),
            rng.uniform(2, 4.5, n),
            rng.uniform(-2, 0, n),
            rng.uniform(8.5, 10.1, n),
            rng.uniform(9, 10.4, n),
        ]
    )
    scale = np.array([100.0, 0.3, 0.2, 0.2, 0.2])
    bias = (stage[:, None] - 2) * 0.3
    centre = truth + scale * (bias + rng.standard_normal((n, 5)))
    centre[:, 3] = np.clip(centre[:, 3], 7.0, LOG_AGE_BOUNDS[1] - 1e-3)
    values = centre[:, None] + 0.2 * scale * rng.standard_normal((n, 20, 5))
    values[..., 3] = np.clip(values[..., 3], 6.5, LOG_AGE_BOUNDS[1] - 1e-4)
    logits = np.eye(5)[stage] * 6 + rng.standard_normal((n, 5)) * 2.5
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Passes(values, np.repeat(probability[:, None], 20, 1), np.zeros((n, 3))), truth, stage


@pytest.fixture(scope="module")
def fitted() -> DropoutCalibration:
    passes, truth, stage = overconfident(4000, np.random.default_rng(0))
    return DropoutCalibration.fit({False: passes, True: passes}, truth, stage, ratios(len(stage)))


def coverage(draws: np.ndarray, truth: np.ndarray, level: float) -> float:
    """Fraction of stars with the truth in the central interval of their draws (n, n_draw)."""
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=1)
    return float(((truth >= low) & (truth <= high)).mean())


def test_coverage_is_nominal_where_dropout_alone_undercovers(fitted):
    passes, truth, _ = overconfident(3000, np.random.default_rng(1))
    predicted, snr = passes.stage.mean(1).argmax(1), ratios(3000)
    draws = np.stack([fitted.draws(v, int(p), False, s) for v, p, s in zip(passes.values, predicted, snr)])
    for column in range(5):
        assert coverage(passes.values[:, :, column], truth[:, column], 0.68) < 0.3
        for level in (0.68, 0.90, 0.95):
            assert coverage(draws[:, :, column], truth[:, column], level) == pytest.approx(level, abs=0.03)


def test_draws_stay_inside_the_bounds(fitted):
    values = np.tile([6000.0, 4.0, -1.0, LOG_AGE_BOUNDS[1], 12.4], (20, 1)) + 1e-9
    draws = fitted.draws(values, 0, True, 20.0)
    assert 10.0 ** draws[:, 3].max() <= 13.8e9


def test_the_unbounded_scale_is_inverted():
    values = np.array([[5777.0, 4.44, 0.0, 9.66, 10.0], [4000.0, 1.0, -2.0, 10.139, 11.9]])
    assert np.allclose(from_free(to_free(values)), values)


def test_arrays_survive_a_round_trip(fitted):
    again = DropoutCalibration.from_arrays(fitted.arrays())
    assert np.allclose(again.residuals, fitted.residuals, rtol=2e-3, atol=1e-3)
    assert np.array_equal(again.local_set.stage, fitted.local_set.stage)
    assert np.array_equal(again.temperature, fitted.temperature)


def test_calibrated_stage_probabilities_sum_to_one(fitted):
    stage = fitted.stage(np.array([[0.7, 0.2, 0.1, 0.0, 0.0]]), True)[0]
    assert stage.sum() == pytest.approx(1.0) and stage.argmax() == 0


def test_intervals_match_the_library_crepes():
    """The Mondrian conformal predictive system of crepes has the same quantiles for the same groups."""
    from crepes import ConformalPredictiveSystem

    passes, truth, _ = overconfident(1500, np.random.default_rng(2))
    same = np.full(1500, 20.0)
    fitted = DropoutCalibration.fit({True: passes}, truth, passes.stage.mean(1).argmax(1), same)
    mean, predicted = passes.values[..., 0].mean(1), passes.stage.mean(1).argmax(1)
    spread = passes.values[..., 0].std(1) + fitted.floor[1, 0]
    system = ConformalPredictiveSystem().fit(truth[:, 0] - mean, sigmas=spread, bins=predicted)
    rows = np.arange(40)
    theirs = system.predict_percentiles(
        mean[rows], sigmas=spread[rows], bins=predicted[rows], lower_percentiles=16, higher_percentiles=84
    )
    ours = [
        np.quantile(fitted.draws(passes.values[k], int(predicted[k]), True, 20.0)[:, 0], [0.16, 0.84]) for k in rows
    ]
    width = np.diff(np.asarray(theirs), axis=1)
    assert (np.abs(np.array(ours) - np.asarray(theirs)) < 0.05 * width).all()
