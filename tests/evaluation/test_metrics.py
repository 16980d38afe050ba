"""Accuracy against hand calculations."""

import numpy as np
import pytest

from stellar_core.evaluation.metrics import classification, regression


def test_metrics_match_hand_calculations():
    found = regression(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert found["rmse"] == pytest.approx((1 / 3) ** 0.5)
    assert found["rmse_constant"] == pytest.approx((2 / 3) ** 0.5)
    assert found["r2"] == pytest.approx(0.5)
    stages = classification(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    assert stages["accuracy"] == 0.75
    assert stages["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 5)
