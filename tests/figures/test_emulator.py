"""Figures of the errors of the emulator."""

import numpy as np
import pytest

from stellar_core.figures.emulator import MAP_LOGG, MAP_TEFF, error_map_figure, held_out_figure, multiples_figure
from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.preprocessing.grid import GRID


def test_a_star_is_drawn_with_its_emulation_and_residuals():
    observed = np.where(GRID < 7370, 1.0, np.nan)
    figure = held_out_figure(GRID, observed, np.full(GRID.size, 0.9), palette=DARK, revision="HD1")
    curves = {trace.name: trace for trace in figure.data}
    assert np.nanmax(curves["observed − emulated"].y) == pytest.approx(0.1, abs=1e-6)
    assert curves["observed − emulated"].yaxis == "y2" and curves["emulated"].yaxis == "y"
    assert figure.layout.xaxis.range == (3600.0, 7369.0) and figure.layout.uirevision == "HD1"
    low, high = figure.layout.yaxis2.range
    assert low == -high and high == pytest.approx(0.1)


def test_small_panels_show_every_star_and_one_legend():
    titles = [f"star {k}" for k in range(7)]
    figure = multiples_figure(titles, GRID, np.ones((7, GRID.size)), np.ones((7, GRID.size)), palette=LIGHT)
    assert len(figure.data) == 21 and [note.text for note in figure.layout.annotations] == titles
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3
    assert all(trace.x.min() >= 4780 and trace.x.max() <= 5420 for trace in figure.data)
    difference = [trace for trace in figure.data if trace.name.startswith("difference")]
    assert all(np.allclose(trace.y, 0.2) for trace in difference)


def test_the_map_combines_the_stars_of_a_cell():
    teff, logg = np.array([5600.0, 5700.0, 4300.0, 5650.0]), np.array([4.6, 4.7, 1.2, 4.8])
    figure = error_map_figure(teff, logg, np.array([0.01, 0.03, 0.02, np.nan]))
    heat = figure.data[0]
    column, row = MAP_TEFF.index(5500), MAP_LOGG.index(4.5)
    assert heat.z[row][column] == pytest.approx(np.sqrt((0.01**2 + 0.03**2) / 2), rel=1e-5)
    assert heat.text[row][column] == "2"
    lone = heat.z[MAP_LOGG.index(1.0)][MAP_TEFF.index(4250)]
    assert np.isnan(lone) and np.isfinite(np.array(heat.z, float)).sum() == 1
    assert figure.layout.xaxis.autorange == "reversed" and figure.layout.yaxis.autorange == "reversed"
