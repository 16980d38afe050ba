"""The marker of a star on a diagram."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from stellar_core.figures.palette import LIGHT
from stellar_core.figures.star_marker import add_star


@pytest.mark.parametrize("bars", [True, False])
def test_a_star_has_error_bars_where_they_are_wanted(bars):
    figure = go.Figure()
    options = {"hover": "%{x}", "colour": LIGHT.accent, "size": 12, "trusted": True, "palette": LIGHT}
    add_star(figure, "a star", (1, 2, 4), (5, 6, 7), bars=bars, **options)
    star = figure.data[-1]
    assert (star.error_x.array[0], star.error_x.arrayminus[0], star.error_x.visible) == (2, 1, bars)
    assert star.hovertemplate == "a star<br>%{x}<extra></extra>" and star.marker.size == 12
