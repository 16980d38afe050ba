"""Figures of training runs."""

from __future__ import annotations

from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.figures.training import (
    MONITORED,
    SAMPLED,
    compared_figure,
    loss_figure,
    monitored_figure,
    sample_figure,
)

HISTORY = [{"epoch": n, "train": {"total": 3.0 - n}, "validation": {"total": 3.5 - n}} for n in (1, 2)]
CURVE = [{"step": 1, "epoch": 0.5, "losses": {"total": 4.0}}]
EPOCHS = [
    {"epoch": n, **{name: {key: 1.0 / n, f"{key}_constant": 2.0} for name, (_, key) in MONITORED.items()}}
    for n in (1, 2)
]


def test_losses_of_training_and_validation():
    figure = loss_figure(CURVE, HISTORY, "total", revision="x")
    assert [list(trace.y) for trace in figure.data] == [[4.0], [2.0, 1.0], [2.5, 1.5]]
    without = [{**record, "validation": None} for record in HISTORY]
    assert len(loss_figure(CURVE, without, "total", revision="x").data) == 2


def test_metrics_are_drawn_with_the_constant_predictor():
    figure = monitored_figure(EPOCHS, revision="x", palette=DARK)
    dashed = [trace for trace in figure.data if trace.line.dash]
    assert list(figure.data[0].y) == [1.0, 0.5] and len(figure.data) == 2 * len(MONITORED)
    assert [(list(trace.x), list(trace.y)) for trace in dashed] == [([0, 2], [2.0, 2.0])] * len(MONITORED)


def test_panels_are_arranged_in_rows_on_a_narrow_screen():
    wide, narrow = (
        monitored_figure(EPOCHS, revision="x", height=200, columns=columns) for columns in (len(MONITORED), 2)
    )
    assert (wide.layout.height, narrow.layout.height) == (200, 600)
    assert narrow.layout.yaxis3.domain[1] < narrow.layout.yaxis1.domain[0], "the third figure begins the second row"


def test_runs_differ_in_colour():
    figure = compared_figure({"one": EPOCHS, "two": EPOCHS[:1]}, revision="x", palette=LIGHT)
    assert (
        len({trace.line.color for trace in figure.data if not trace.line.dash}) == 2
        and sum(bool(trace.showlegend) for trace in figure.data) == 2
    )


def test_predictions_by_stage():
    sample = {name: [[1.0, 2.0, 3.0], [1.5, 2.5, 3.5]] for name in SAMPLED} | {"stage": [[0, 1, 1], [0, 1, 1]]}
    figure = sample_figure(sample, revision="x")
    assert list(figure.data[1].x) == [2.5, 3.5] and list(figure.data[1].y) == [2.0, 3.0]
    assert len(figure.data) == len(SAMPLED) * 6
