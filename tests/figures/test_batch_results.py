"""Figures of a batch: orientation, ages as colours, rows carried by the points."""

import numpy as np
import pytest

from stellar_core.figures.batch_results import ResultPoints, age_against_snr, kiel_of_results
from stellar_core.figures.palette import DARK, LIGHT

POINTS = ResultPoints(
    row=np.array([3, 7]),
    name=("16000-52357-0001", "<b>odd</b>"),
    teff=np.array([5800.0, 9100.0]),
    logg=np.array([4.4, 3.9]),
    snr=np.array([40.0, 12.0]),
    age=np.array([[2.0, 4.5, 8.0], [0.1, 0.3, 0.5]]),
    trusted=np.array([True, False]),
)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_the_kiel_diagram_is_reversed_and_contains_every_star(palette):
    figure = kiel_of_results(POINTS, palette=palette)
    (hot, cool), (dense, thin) = figure.layout.xaxis.range, figure.layout.yaxis.range
    assert hot > 9100 > cool and dense > thin
    trace = figure.data[-1]
    assert list(trace.customdata) == [3, 7] and list(trace.marker.color) == [4.5, 0.3]
    assert list(trace.marker.symbol) == ["circle", "circle-open"] and trace.marker.cmax == pytest.approx(13.8)
    assert "4.5 Gyr (68 % 2.0 to 8.0)" in trace.text[0] and "not reliable" in trace.text[1]


def test_ages_have_their_intervals_against_the_snr():
    trace = age_against_snr(POINTS).data[0]
    np.testing.assert_allclose(trace.error_y.array, [3.5, 0.2])
    np.testing.assert_allclose(trace.error_y.arrayminus, [2.5, 0.2])
    assert list(trace.x) == [40.0, 12.0] and age_against_snr(POINTS).layout.xaxis.type == "log"
