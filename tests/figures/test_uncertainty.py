"""Figures of calibration."""

import numpy as np

from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.figures.uncertainty import (
    coverage_figure,
    entropy_figure,
    pit_figure,
    reliability_figure,
    where_figure,
)


def test_boxes_show_the_quartiles_of_right_and_wrong():
    entropy, right = np.linspace(0, 1, 101), np.arange(101) < 51
    figure = entropy_figure(entropy, right, palette=DARK)
    assert [box.median[0] for box in figure.data] == [0.25, 0.755]
    assert len(entropy_figure(entropy, np.ones(101, bool)).data) == 1


def test_calibrated_probabilities_lie_on_the_diagonal_and_are_flat():
    u = (np.arange(2000) + 0.5) / 2000
    curve = reliability_figure({"delivered": u, "before": 0.5 + 0.2 * (u - 0.5)}).data
    assert np.allclose(curve[1].y, curve[1].x, atol=2e-3) and (curve[2].y >= curve[2].x).all()
    assert np.allclose(pit_figure({"delivered": u}).data[0].y, 1.0)


def test_coverage_has_a_panel_for_each_level_and_its_errors():
    groups = {"S/N 5-10": {"68": 0.7, "90": 0.9, "95": 0.95, "n": 100}}
    figure = coverage_figure(groups)
    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.x[0] for trace in points] == [0.7, 0.9, 0.95]
    assert np.isclose(points[0].error_x.array[0], np.sqrt(0.68 * 0.32 / 100))


def test_both_axes_of_the_kiel_diagram_are_reversed():
    figure = where_figure(np.array([5000.0]), np.array([4.0]), np.array([9.0]), ["16000-1-1"], palette=LIGHT)
    assert figure.layout.xaxis.autorange == figure.layout.yaxis.autorange == "reversed"
    assert "residual +9.0σ" in figure.data[0].text[0]
