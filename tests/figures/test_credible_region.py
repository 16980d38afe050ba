"""Regions that hold most of the draws."""

from __future__ import annotations

import numpy as np
from matplotlib.path import Path

from stellar_core.figures.credible_region import LEVELS, credible_regions


def shares(x, y) -> list[float]:
    """Share of the draws inside the outlines of each level, holes left out."""
    points = np.column_stack([x, y])
    inside = [
        sum(Path(outline).contains_points(points).astype(int) for outline in outlines)
        for outlines in credible_regions(x, y)
    ]
    return [float((number % 2 == 1).mean()) for number in inside]


def test_regions_hold_their_share_of_correlated_draws():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 4000))
    found = shares(5700 + 60 * first, 4.3 + 0.1 * (0.9 * first + 0.3 * second))
    assert np.allclose(found, LEVELS, atol=0.03)


def test_two_groups_of_draws_have_two_regions():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(0, 1, 1000), rng.normal(20, 1, 1000)])
    outer, inner = credible_regions(x, rng.normal(size=2000))
    assert len(outer) == len(inner) == 2


def test_draws_on_few_points_have_outlines_and_equal_draws_have_none():
    rng = np.random.default_rng(2)
    few = rng.choice(30, 1000)
    outer, inner = credible_regions(rng.normal(size=30)[few], rng.normal(size=30)[few])
    assert outer and inner and all(np.isfinite(one).all() for one in (*outer, *inner))
    assert credible_regions(np.ones(50), rng.normal(size=50)) == [[], []]
