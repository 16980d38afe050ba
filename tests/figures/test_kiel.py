"""The Kiel diagram: reversed axes, regions that agree with the classification."""

import numpy as np
import pytest

from stellar_core.figures.kiel import Isochrone, KielStar, Track, kiel_figure, stage_label, stage_regions
from stellar_core.figures.palette import LIGHT
from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES, StageThresholds, classify

STAR = KielStar("here", (5600.0, 5700.0, 5850.0), (4.1, 4.3, 4.4), np.array([5650.0, 5750.0]), np.array([4.2, 4.4]))


def inside(x: float, y: float, outline_x: np.ndarray, outline_y: np.ndarray) -> bool:
    """Even-odd rule for a point in a polygon."""
    x0, y0, x1, y1 = outline_x, outline_y, np.roll(outline_x, -1), np.roll(outline_y, -1)
    straddles = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return bool(np.count_nonzero(straddles & (x < crossing)) % 2)


def test_both_axes_are_reversed():
    figure = kiel_figure(STAR)
    assert figure.layout.xaxis.range[0] > figure.layout.xaxis.range[1]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]


@pytest.mark.parametrize("thresholds", [DEFAULT_THRESHOLDS, StageThresholds(hot=6300.0, cool=5000.0)])
def test_regions_agree_with_the_classification(thresholds):
    rng = np.random.default_rng(3)
    teff, logg = rng.uniform(3000, 9000, 800), rng.uniform(0, 5.2, 800)
    regions = stage_regions(thresholds)
    expected = classify(teff, logg, thresholds)
    found = [[index for index, x, y, _ in regions if inside(t, g, x, y)] for t, g in zip(teff, logg)]
    assert all(len(hits) == 1 for hits in found)
    wrong = [i for i, hits in enumerate(found) if hits[0] != expected[i]]
    assert len(wrong) <= 4, "only points on the drawn edge itself may differ"


def test_every_stage_is_named_inside_its_region():
    for index, x, y, (teff, logg) in stage_regions(DEFAULT_THRESHOLDS):
        assert inside(teff, logg, x, y)
        assert classify(teff, logg) == index
    labels = {stage_label(index) for index in range(len(STAGES))}
    assert {note.text for note in kiel_figure().layout.annotations} == labels


def test_star_has_asymmetric_error_bars_and_draws():
    marker = kiel_figure(STAR).data[-1]
    assert marker.error_x.array[0] == pytest.approx(150) and marker.error_x.arrayminus[0] == pytest.approx(100)
    assert marker.error_y.array[0] == pytest.approx(0.1) and marker.error_y.arrayminus[0] == pytest.approx(0.2)
    assert kiel_figure(STAR).data[-2].x.tolist() == [5650.0, 5750.0]


def test_an_unreliable_star_is_drawn_as_an_outline():
    assert kiel_figure(STAR).data[-1].marker.symbol == "star"
    assert kiel_figure(STAR, trusted=False).data[-1].marker.symbol == "star-open"


def test_the_view_widens_for_a_star_outside_it():
    hot = KielStar("hot", (9800.0, 10000.0, 10200.0), (3.9, 4.0, 4.1))
    assert kiel_figure(hot).layout.xaxis.range[0] >= 10000


def test_tracks_are_one_trace_with_their_masses():
    tracks = [
        Track(1.0, np.array([5700.0, 5000.0]), np.array([4.5, 3.0])),
        Track(1.2, np.array([6200.0]), np.array([4.3])),
    ]
    data = kiel_figure(None, tracks).data
    assert next(one for one in data if one.name == "tracks").x.size == 5
    assert list(next(one for one in data if one.mode == "text").text) == ["1", "1.2"]


def test_isochrones_are_labelled_at_the_hottest_point_in_view():
    curve = Isochrone(4.0, np.array([5000.0, 6400.0, 5900.0, 8450.0, 5000.0]), np.array([4.6, 4.2, 4.0, 3.9, 3.0]))
    data = kiel_figure(STAR, isochrones=[curve]).data
    assert next(one for one in data if one.name == "isochrones").x.size == 6
    label = next(one for one in data if one.mode == "text")
    assert list(label.text) == ["4"] and label.x[0] == 6400.0


def test_compared_stars_differ_in_colour_and_number():
    figure = kiel_figure(None, others=[STAR, KielStar("b", (4000.0, 4100.0, 4200.0), (1.0, 1.1, 1.2))])
    markers = [one.marker.color for one in figure.data if one.name in ("here", "b")]
    assert markers == list(LIGHT.several[:2])
    assert [note.text for note in figure.layout.annotations if note.text.startswith("<b>")] == ["<b>1</b>", "<b>2</b>"]
