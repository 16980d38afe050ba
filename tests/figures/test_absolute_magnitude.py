"""The colour-magnitude diagram."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.figures.absolute_magnitude import PlacedStar, absolute_magnitude_figure
from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.figures.star_diagram import AgeCurve, Draws

MASS = np.array([0.7, 1.0, 1.1])
CURVES = [
    AgeCurve(age, np.array([1.2, 0.1 * age, 1.0]), np.array([7.0, 2.0 + age / 3, 1.0]), MASS)
    for age in (1, 2, 4, 8, 12)
]
RNG = np.random.default_rng(1)
DRAWS = Draws(RNG.normal(0.75, 0.01, 300), RNG.normal(3.2, 0.1, 300), RNG.uniform(3, 6, 300), RNG.normal(1, 0.02, 300))
STAR = PlacedStar("a star", (0.7, 0.75, 0.85), (3.0, 3.2, 3.3), DRAWS, "4.5 Gyr")


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_bright_stars_are_at_the_top_and_ages_have_colours(palette):
    figure = absolute_magnitude_figure(STAR, CURVES, "G", palette=palette, height=333)
    low, high = figure.layout.yaxis.range
    assert low > 8 and high < 0 and figure.layout.height == 333
    lines = [trace for trace in figure.data if (trace.name or "").endswith(" Gyr")]
    assert [line.name for line in lines] == ["1 Gyr", "2 Gyr", "4 Gyr", "8 Gyr", "12 Gyr"]
    assert [line.line.color for line in lines] == list(palette.ages) and len(set(palette.ages)) == 5
    assert [label.text for label in figure.layout.annotations] == ["1", "2", "4", "8", "12"]
    assert "M<sub>G</sub>" in figure.layout.yaxis.title.text and "(mag)" in figure.layout.xaxis.title.text


def test_the_star_has_its_error_bars_and_draws():
    star = absolute_magnitude_figure(STAR, (), "r").data[-1]
    assert (star.x[0], star.y[0], star.marker.symbol) == (0.75, 3.2, "star")
    assert star.error_x.array[0] == pytest.approx(0.1) and star.error_x.arrayminus[0] == pytest.approx(0.05)
    assert star.error_y.array[0] == pytest.approx(0.1) and star.error_y.arrayminus[0] == pytest.approx(0.2)
    assert all(words in star.hovertemplate for words in ("a star", "M<sub>r</sub>", "4.5 Gyr"))
    assert absolute_magnitude_figure(STAR, (), "r", trusted=False).data[-1].marker.symbol == "star-open"
    assert len(absolute_magnitude_figure(STAR, (), "r").data) == 3


def test_the_inset_has_bright_stars_at_the_top():
    layout = absolute_magnitude_figure(STAR, CURVES, "G", inset=True).layout
    assert (
        layout.yaxis2.range[0] > 3.3 > 3.0 > layout.yaxis2.range[1] and layout.xaxis2.range[0] < layout.xaxis2.range[1]
    )


def test_a_star_out_of_view_widens_it():
    far = PlacedStar("a star", (3.0, 3.1, 3.2), (11.0, 11.5, 12.0))
    layout = absolute_magnitude_figure(far, CURVES, "G").layout
    assert layout.xaxis.range[1] > 3.2 and layout.yaxis.range[0] > 12.0
