"""Bins of draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stellar_core.histogram import BINS, Histogram


@pytest.mark.slow
@settings(deadline=None)
@given(st.floats(-1e5, 1e5, allow_nan=False), st.one_of(st.just(0.0), st.floats(1e-6, 1e4)), st.integers(1, 500))
def test_no_draw_is_lost(centre, spread, number):
    found = Histogram.of(np.random.default_rng(0).normal(centre, spread, number))
    assert found.counts.sum() == number
    assert (np.diff(found.edges) > 0).all() and BINS[0] <= found.counts.size <= BINS[1]


def test_no_bin_reaches_beyond_the_limits():
    draws = np.array([0.2, 5.0, 13.7, 13.8])
    found = Histogram.of(draws, (0.0, 13.8))
    assert (found.edges[0], found.edges[-1]) == (0.0, 13.8) and found.counts.sum() == 4
    assert Histogram.of(draws).edges[0] < 0.0
    assert found.width == pytest.approx(np.diff(found.centres).mean())
