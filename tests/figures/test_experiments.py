"""Figures of the experiments."""

import numpy as np

from stellar_core.evaluation.scores import ERROR_EDGES
from stellar_core.figures.experiments import errors_figure, learning_figure

CURVES = {"epoch": [1, 2], "train": {"age": [0.5, 0.4]}, "validation": {"age": [0.6, 0.45]}}


def test_learning_curves_are_logarithmic_with_a_style_per_run():
    figure = learning_figure({f"run {k}": CURVES for k in range(7)}, "age")
    lines = figure.data[::2]
    assert [list(line.y) for line in lines] == [[0.6, 0.45]] * 7 and list(figure.data[1].y) == [0.5, 0.4]
    assert len({(line.line.color, line.line.dash) for line in lines}) == 7
    assert figure.layout.yaxis.type == "log" and figure.layout.xaxis.title.text == "epoch"


def test_error_distributions_are_densities_for_any_number_of_stars():
    counts = np.zeros(80, int)
    counts[40] = 5
    first, second = errors_figure({"few": counts.tolist(), "many": (100 * counts).tolist()}, ERROR_EDGES).data
    width = ERROR_EDGES[1] - ERROR_EDGES[0]
    assert np.isclose(np.sum(first.y) * width, 1) and list(first.y) == list(second.y)
    assert np.isclose(first.x[40], width / 2)
