"""Tension between estimates."""

import numpy as np
import pytest

from stellar_core.inference.tension import Estimate, tensions


def estimate(name, **medians):
    return Estimate(name, {key: {"p16": m - 3.0, "median": m, "p84": m + 3.0} for key, m in medians.items()}, {})


def test_every_pair_is_compared_in_every_common_quantity():
    found = tensions(
        [estimate("a", log_age=1.0, teff=5.0), estimate("b", log_age=4.0), estimate("c", log_age=1.0, teff=9.0)]
    )
    assert [(one.first, one.second, one.quantity) for one in found] == [
        ("a", "b", "log_age"),
        ("a", "c", "log_age"),
        ("a", "c", "teff"),
        ("b", "c", "log_age"),
    ]
    assert found[0].difference == -3.0 and found[0].expected == pytest.approx(3 * np.sqrt(2))
    assert found[0].in_sigma == pytest.approx(1 / np.sqrt(2)) and found[1].in_sigma == 0


def test_estimates_without_width_are_in_infinite_tension():
    sharp = [Estimate(name, {"teff": {"p16": m, "median": m, "p84": m}}, {}) for name, m in (("a", 1.0), ("b", 2.0))]
    assert tensions(sharp)[0].in_sigma == np.inf and tensions([sharp[0], sharp[0]])[0].in_sigma == 0
    assert sharp[0].most_likely_stage == ""
