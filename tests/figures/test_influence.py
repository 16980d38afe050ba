"""Bars below a spectrum: effect of each range of wavelength."""

import numpy as np
import pytest

from stellar_core.figures.influence import influence_figure

EDGES = np.array([[4000.0, 4099.0], [4100.0, 4199.0], [4200.0, 4299.0]])


@pytest.fixture()
def figure():
    rows = [("log g", "dex", np.array([0.1, -0.37, 0.0]), 0.2), ("σ", "%", np.array([1.0, 2.0, -30.0]), None)]
    wavelength = np.arange(3900.0, 4400.0)
    return influence_figure(wavelength, np.ones(500), EDGES, rows, lines=[(4101.0, "Hδ")], view=(4000.0, 4300.0))


def test_all_rows_share_the_wavelengths_of_the_spectrum(figure):
    first, second = figure.data[1:]
    assert list(first.x) == [4049.5, 4149.5, 4249.5] and list(first.width) == [94.0] * 3
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x3" and figure.layout.xaxis3.range == (
        4000.0,
        4300.0,
    )
    assert figure.data[0].xaxis == "x" and first.xaxis == "x2" and second.xaxis == "x3"
    assert [(shape.x0, shape.yref) for shape in figure.layout.shapes] == [(4101.0, "paper")]


def test_bars_show_the_change_with_its_unit(figure):
    first, second = figure.data[1:]
    assert first.text[1] == "4100–4199 Å hidden<br>log g: −0.370 dex (1.85σ)"
    assert second.text[2] == "4200–4299 Å hidden<br>σ: −30 %"
    assert first.marker.color[0] != first.marker.color[1]


def test_ticks_are_round_and_even_on_both_sides(figure):
    assert list(figure.layout.yaxis2.tickvals) == pytest.approx([-0.2, 0, 0.2]) and list(
        figure.layout.yaxis3.tickvals
    ) == [-20, 0, 20]


def test_zero_changes_are_drawn():
    assert influence_figure(np.arange(10.0), np.ones(10), EDGES, [("x", "K", np.zeros(3), 1.0)]).data[1].y.tolist() == [
        0,
        0,
        0,
    ]
