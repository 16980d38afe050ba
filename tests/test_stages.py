"""The five evolutionary stages on the Teff-log g plane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES, StageThresholds, classify


@pytest.mark.parametrize(
    ("teff", "logg", "stage"),
    [
        (5772, 4.44, "Medium"),
        (6700, 4.2, "Hot"),
        (4300, 4.65, "Cool"),
        (5500, 3.7, "Subgiant"),
        (4286, 1.66, "Red Giant"),
        (4850, 2.4, "Red Giant"),
        (9600, 4.0, "Hot"),
    ],
)
def test_known_stars(teff, logg, stage):
    assert STAGES[int(classify(teff, logg))] == stage


def test_borders_belong_to_one_side():
    assert STAGES[int(classify(6000.0, 4.5))] == "Medium"
    assert STAGES[int(classify(5200.0, 4.5))] == "Medium"
    assert STAGES[int(classify(6000.1, 4.5))] == "Hot"
    assert STAGES[int(classify(5199.9, 4.5))] == "Cool"


def test_values_that_are_not_finite_have_no_stage():
    assert classify([np.nan, 5000, np.inf], [4.0, np.nan, 4.0]).tolist() == [-1, -1, -1]


@given(st.floats(3000, 12000), st.floats(-0.5, 5.5))
def test_every_star_has_one_stage(teff, logg):
    assert 0 <= int(classify(teff, logg)) < len(STAGES)


@given(st.floats(3000, 12000), st.floats(-0.5, 5.0), st.floats(0.0, 2.0))
def test_raising_gravity_never_turns_a_dwarf_into_a_giant(teff, logg, step):
    rank = {"Red Giant": 0, "Subgiant": 1, "Hot": 2, "Medium": 2, "Cool": 2}
    low, high = (rank[STAGES[int(classify(teff, g))]] for g in (logg, logg + step))
    assert low <= high


def test_thresholds_can_be_changed():
    assert STAGES[int(classify(6050.0, 4.5, StageThresholds(hot=6100.0)))] == "Medium"
    assert DEFAULT_THRESHOLDS.giant_border(np.array([5000.0]))[0] == pytest.approx(3.876)
