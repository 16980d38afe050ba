"""Conformal calibration: intervals hold what they claim on stars not used to fit them."""

import numpy as np
import pytest

from stellar_core.evaluation.metrics import classification, coverage, regression
from stellar_core.inference.calibration.dropout import DropoutCalibration, from_free, to_free
from stellar_core.inference.mc_dropout import Passes
from stellar_core.models.heads import LOG_AGE_BOUNDS


def ratios(n: int) -> np.ndarray:
    return np.geomspace(5, 80, n)


def overconfident(n: int, rng: np.random.Generator) -> tuple[Passes, np.ndarray, np.ndarray]:
    """Stars whose passes waver five times less than they err, with a bias that depends on the stage."""
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


def test_coverage_is_what_it_says_where_dropout_alone_is_not(fitted):
    passes, truth, _ = overconfident(3000, np.random.default_rng(1))
    predicted, snr = passes.stage.mean(1).argmax(1), ratios(3000)
    draws = np.stack([fitted.draws(v, int(p), False, s) for v, p, s in zip(passes.values, predicted, snr)])
    for column in range(5):
        plain = coverage(passes.values[:, :, column], truth[:, column])
        ours = coverage(draws[:, :, column], truth[:, column])
        assert plain["68"] < 0.3
        for level in ("68", "90", "95"):
            assert ours[level] == pytest.approx(int(level) / 100, abs=0.03)


def test_no_draw_leaves_the_bounds(fitted):
    values = np.tile([6000.0, 4.0, -1.0, LOG_AGE_BOUNDS[1], 12.4], (20, 1)) + 1e-9
    draws = fitted.draws(values, 0, True, 20.0)
    assert 10.0 ** draws[:, 3].max() <= 13.8e9


def test_the_free_scale_is_undone():
    values = np.array([[5777.0, 4.44, 0.0, 9.66, 10.0], [4000.0, 1.0, -2.0, 10.139, 11.9]])
    assert np.allclose(from_free(to_free(values)), values)


def test_arrays_come_back(fitted):
    again = DropoutCalibration.from_arrays(fitted.arrays())
    assert np.allclose(again.residuals, fitted.residuals, rtol=2e-3, atol=1e-3)
    assert np.array_equal(again.local_set.stage, fitted.local_set.stage)
    assert np.array_equal(again.temperature, fitted.temperature)


def test_stage_probabilities_stay_probabilities(fitted):
    stage = fitted.stage(np.array([[0.7, 0.2, 0.1, 0.0, 0.0]]), True)[0]
    assert stage.sum() == pytest.approx(1.0) and stage.argmax() == 0


def test_metrics_against_figures_worked_by_hand():
    found = regression(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert found["rmse"] == pytest.approx((1 / 3) ** 0.5)
    assert found["rmse_constant"] == pytest.approx((2 / 3) ** 0.5)
    assert found["r2"] == pytest.approx(0.5)
    stages = classification(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    assert stages["accuracy"] == 0.75
    assert stages["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 5)


def test_intervals_are_those_of_a_kept_library():
    """crepes's Mondrian conformal predictive system, given the same misses of the same groups, has the same
    quantiles."""
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
