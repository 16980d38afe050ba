"""The marker of a star on a diagram."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from stellar_core.figures.palette import LIGHT
from stellar_core.figures.star_marker import add_star


@pytest.mark.parametrize(
    ("draws", "traces"), [((None, None), 1), ((np.ones(3), np.ones(3)), 2), ((np.ones(3), None), 1)]
)
def test_draws_are_drawn_where_both_are_known(draws, traces):
    figure = go.Figure()
    options = {"hover": "%{x}", "colour": LIGHT.accent, "size": 12, "trusted": True, "palette": LIGHT}
    add_star(figure, "a star", (1, 2, 4), (5, 6, 7), draws, **options)
    assert len(figure.data) == traces
    star = figure.data[-1]
    assert (star.error_x.array[0], star.error_x.arrayminus[0]) == (2, 1)
    assert star.hovertemplate == "a star<br>%{x}<extra></extra>" and star.marker.size == 12
