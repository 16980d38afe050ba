"""Histograms and stage bars."""

import numpy as np
import pytest

from stellar_core.figures.distributions import estimates_figure, histogram_figure, stage_figure
from stellar_core.figures.kiel import stage_label
from stellar_core.intervals import Interval
from stellar_core.stages import STAGES


def quantiles(draws):
    interval = Interval.from_draws(draws)
    return (interval.p025, interval.p16, interval.median, interval.p84, interval.p975)


def test_both_ranges_are_shaded_and_the_median_marked():
    draws = np.random.default_rng(2).normal(5, 1, 400)
    expected = quantiles(draws)
    figure = histogram_figure(draws, expected, unit="Gyr")
    assert [(s.x0, s.x1) for s in figure.layout.shapes] == [(expected[0], expected[4]), (expected[1], expected[3])]
    assert figure.data[1].x[0] == expected[2]
    assert figure.layout.xaxis.title.text == "Gyr"


def test_the_axis_ends_at_the_physical_limit():
    draws = np.array([0.2, 5.0, 13.7, 13.8])
    assert histogram_figure(draws, quantiles(draws), limits=(0.0, 13.8)).layout.xaxis.range == (0.0, 13.8)


def test_the_isochrone_fit_is_inside_the_view():
    draws = np.random.default_rng(2).normal(5, 0.1, 100)
    figure = histogram_figure(draws, quantiles(draws), second=(9.0, 10.0, 11.0))
    assert figure.layout.xaxis.range[1] > 11.0
    assert list(figure.data[-1].x) == [9.0, 10.0, 11.0]


def test_stage_bars_keep_the_order_and_show_ranges():
    probability = dict(zip(STAGES, (0.1, 0.6, 0.2, 0.1, 0.0)))
    figure = stage_figure(probability, interval={name: (p / 2, p * 1.5) for name, p in probability.items()})
    assert list(figure.data[0].y) == [stage_label(index) for index in range(len(STAGES))]
    assert figure.data[0].error_x.array[1] == pytest.approx(0.3)
    assert figure.layout.yaxis.autorange == "reversed"


def test_estimates_are_drawn_in_order_with_both_intervals():
    figure = estimates_figure([("a", (1, 2, 3, 4, 5)), ("b", (2, 3, 4, 5, 13))], unit="Gyr", limits=(0, 13.8))
    assert [tuple(one.x) for one in figure.data] == [(1, 5), (2, 4), (3,), (2, 13), (3, 5), (4,)]
    assert figure.layout.yaxis.autorange == "reversed" and figure.layout.xaxis.range == (0, 13.8)
    grey = estimates_figure([("a", (1, 2, 3, 4, 5))], trusted=False)
    assert grey.data[2].marker.line.color != figure.data[2].marker.line.color
