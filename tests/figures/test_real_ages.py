"""Ages of real stars: intervals, symbols and the band of the constant predictor as given."""

import numpy as np
import pytest

from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.figures.real_ages import RANGE, ages_figure

SAMPLE = {
    "star": ["KIC 1", "KIC 2"],
    "stage": ["dwarf", "subgiant"],
    "truth": [[3.0, 4.0, 4.5], [7.0, 8.0, 10.0]],
    "inferred": [[2.0, 5.0, 6.0], [6.0, 7.0, 9.0]],
}


def traces(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_points_have_their_intervals_in_both_directions(palette):
    figure = ages_figure({"LEGACY": SAMPLE, "KAGES": SAMPLE}, 0.25, palette=palette)
    points = traces(figure)["LEGACY (2)"]
    assert points.x.tolist() == [4.0, 8.0] and points.y.tolist() == [5.0, 7.0]
    assert points.error_x.array.tolist() == [0.5, 2.0] and points.error_x.arrayminus.tolist() == [1.0, 1.0]
    assert points.error_y.array.tolist() == [1.0, 2.0] and points.error_y.arrayminus.tolist() == [3.0, 1.0]
    assert points.marker.symbol == ("circle", "circle-open")
    assert "KIC 2, subgiant" in points.text[1] and "isochrone fit 7.0 (6.0–9.0) Gyr" in points.text[1]
    assert points.marker.color != traces(figure)["KAGES (2)"].marker.color


def test_the_band_is_as_wide_as_the_error_of_one_age_for_all():
    band = ages_figure({}, 0.25).data[0]
    assert "0.25 dex" in band.name
    assert np.log10(band.y[:2] / band.x[:2]) == pytest.approx([0.25, 0.25])
    assert np.log10(band.y[2:] / band.x[2:]) == pytest.approx([-0.25, -0.25])


def test_axes_are_equal_logarithms_and_an_empty_sample_has_no_points():
    figure = ages_figure({"none": {"star": [], "stage": [], "truth": [], "inferred": []}}, 0.2)
    assert len(figure.data) == 2
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.type == "log" and 10 ** np.array(axis.range) == pytest.approx(RANGE)
