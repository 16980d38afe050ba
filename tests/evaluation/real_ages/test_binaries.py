"""Coeval binaries: pulls of known ages, unrelated pairs, and incomplete systems."""

import numpy as np
import pandas as pd
import pytest

from stellar_core.evaluation.real_ages.binaries import coevality, pulls


def systems(medians, half):
    medians, half = np.asarray(medians, float), np.broadcast_to(half, np.shape(medians))
    return pd.DataFrame(
        {
            "system": [name for k in range(len(medians)) for name in (f"s{k}", f"s{k}")],
            "inside_models": True,
            "log_age_p16": (medians - half).ravel(),
            "log_age_median": medians.ravel(),
            "log_age_p84": (medians + half).ravel(),
        }
    )


def test_right_intervals_have_unit_pulls():
    rng = np.random.default_rng(0)
    true, half = rng.normal(9.5, 0.4, 400)[:, None], np.array([0.1, 0.3])
    found = coevality(systems(true + half * rng.normal(size=(400, 2)), half))["all"]
    assert found["rms_pull"] == pytest.approx(1, abs=0.12) and found["median_pull"] == pytest.approx(0.6745, abs=0.1)
    assert found["within_1_sigma"] == pytest.approx(0.683, abs=0.08)
    assert found["rms_difference"] == pytest.approx(np.hypot(*half), abs=0.04)
    assert found["rms_difference_unrelated"] == pytest.approx(np.sqrt(2 * 0.4**2 + 0.1), abs=0.06)


def test_the_facing_sides_of_the_intervals_count():
    values = np.array([[[9.4, 9.5, 9.9], [8.9, 9.1, 9.4]]])  # the first is older: its lower and the other's upper side
    assert pulls(values) == pytest.approx([0.4 / np.hypot(0.1, 0.3)])
    assert pulls(values[:, ::-1]) == pytest.approx([-0.4 / np.hypot(0.1, 0.3)])


def test_narrow_pairs_are_counted_apart_and_single_components_left_out():
    stars = systems([[9.0, 9.1], [9.5, 9.9], [9.0, 9.0]], [[0.1, 0.1], [0.1, 0.5], [0.1, 0.1]])
    stars.loc[4, "inside_models"] = False
    found = coevality(stars)
    assert found["all"]["pairs"] == 2 and found["informative"]["pairs"] == 1
    assert found["informative"]["rms_difference_unrelated"] is None
    stars["system"] = ""
    assert coevality(stars) == {"all": {"pairs": 0}, "informative": {"pairs": 0}}
