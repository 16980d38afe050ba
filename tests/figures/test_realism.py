"""Figures of the realism of the mock."""

import pytest

from stellar_core.figures.realism import classifier_figure, learning_curve_figure


def point(stars, seed, sample, teff):
    values = {f"{key}_{part}": 0.1 for key in ("logg", "feh") for part in ("bias", "scatter")}
    return {"stars": stars, "seed": seed, "sample": sample, "teff_bias": -teff, "teff_scatter": teff} | values


def test_learning_curves_are_means_over_seeds():
    rows = [
        point(1000, 0, "SDSS", 100.0),
        point(1000, 1, "SDSS", 200.0),
        point(4000, 0, "SDSS", 80.0),
        point(1000, 0, "STELIB", 90.0),
    ]
    figure = learning_curve_figure(rows)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len(lines) == 2 * 3 * 2
    first = next(trace for trace in lines if trace.name == "SDSS")
    assert list(first.x) == [1000, 4000] and list(first.y) == [150.0, 80.0]
    points = next(trace for trace in figure.data if trace.mode == "markers" and trace.name == "SDSS")
    assert list(points.y) == [100.0, 200.0, 80.0]
    assert sum(bool(trace.showlegend) for trace in figure.data) == 2
    assert list(figure.layout.xaxis.ticktext) == ["1k", "4k"] and figure.layout.xaxis.type == "log"


def test_the_best_feature_is_on_top_and_bars_start_at_chance():
    figure = classifier_figure(
        [{"what": "sky", "auc": 0.6}, {"what": "lines", "auc": 0.8, "auc_error": 0.04}, {"what": "gaps", "auc": 0.48}]
    )
    bar = figure.data[0]
    assert [text.split(" <b>")[0] for text in bar.y] == ["gaps", "sky", "lines"]
    assert bar.base == 0.5 and list(bar.x) == pytest.approx([-0.02, 0.1, 0.3])
    assert list(bar.error_x.array) == [0.0, 0.0, 0.04]
