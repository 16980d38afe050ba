"""The Kiel diagram: reversed axes, regions that agree with the classification."""

import numpy as np
import pytest

from stellar_core.figures.kiel import (
    LOGG_BINS,
    TEFF_BINS,
    KielStar,
    Track,
    count_stars,
    kiel_figure,
    stage_label,
    stage_regions,
)
from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.figures.star_diagram import AgeCurve, Draws
from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES, StageThresholds, classify

BARE = KielStar("here", (5600.0, 5700.0, 5850.0), (4.1, 4.3, 4.4))
RNG = np.random.default_rng(2)
DRAWS = Draws(RNG.normal(5700, 60, 500), RNG.normal(4.3, 0.08, 500), RNG.uniform(2, 9, 500), RNG.normal(1, 0.03, 500))
STAR = KielStar("here", (5640.0, 5700.0, 5760.0), (4.22, 4.3, 4.38), DRAWS, "5.5 Gyr, 1.00 Msun")
CURVES = [
    AgeCurve(
        age, np.array([5000.0, 6400.0, 5900.0, 8450.0]), np.array([4.6, 4.2, 4.0, 3.9]), np.array([0.8, 1, 1.1, 1.2])
    )
    for age in (1, 2, 4, 8, 12)
]


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


def test_a_star_without_draws_has_asymmetric_error_bars():
    marker = kiel_figure(BARE).data[-1]
    assert marker.error_x.array[0] == pytest.approx(150) and marker.error_x.arrayminus[0] == pytest.approx(100)
    assert marker.error_y.array[0] == pytest.approx(0.1) and marker.error_y.arrayminus[0] == pytest.approx(0.2)
    assert marker.error_x.visible


def test_a_star_with_draws_has_the_regions_of_its_posterior_and_tells_age_and_mass():
    data = kiel_figure(STAR).data
    regions = [trace for trace in data if trace.name in ("95 % of the posterior", "68 % of the posterior")]
    assert len(regions) == 2 and all(trace.fill == "toself" for trace in regions)
    outer, inner = (np.nanmax(trace.x) - np.nanmin(trace.x) for trace in regions)
    assert 3.5 * 60 < outer < 6.5 * 60 and inner < outer
    assert not data[-1].error_x.visible and "5.5 Gyr, 1.00 Msun" in data[-1].hovertemplate


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_inset_zooms_to_three_half_widths_and_its_draws_tell_age_and_mass(palette):
    figure = kiel_figure(STAR, isochrones=CURVES, inset=True, palette=palette)
    assert list(figure.layout.xaxis2.range) == pytest.approx([5880, 5520])
    assert list(figure.layout.yaxis2.range) == pytest.approx([4.54, 4.06])
    points = next(trace for trace in figure.data if trace.name == "draws")
    assert points.xaxis == "x2" and np.asarray(points.customdata).shape == (500, 2)
    assert "Gyr" in points.hovertemplate and "Msun" in points.hovertemplate
    assert [color for _, color in points.marker.colorscale] == list(palette.ages)
    assert "xaxis2" not in kiel_figure(STAR, isochrones=CURVES).to_plotly_json()["layout"]


def test_no_inset_where_it_would_show_half_of_the_diagram():
    vague = KielStar("vague", (4500.0, 5700.0, 6900.0), (3.0, 4.0, 4.6), DRAWS)
    assert "xaxis2" not in kiel_figure(vague, inset=True).to_plotly_json()["layout"]


def test_stars_of_a_catalogue_are_counted_and_drawn_behind():
    counts = count_stars(np.array([5710.0, 5711.0, np.nan, 20000.0]), np.array([4.31, 4.31, 4.3, 4.3]))
    assert counts.sum() == 2 and counts.shape == (len(LOGG_BINS) - 1, len(TEFF_BINS) - 1)
    row, column = np.argwhere(counts == 2)[0]
    assert LOGG_BINS[row] < 4.31 < LOGG_BINS[row + 1] and TEFF_BINS[column] < 5710 < TEFF_BINS[column + 1]
    first = kiel_figure(STAR, counts=counts).data[0]
    assert first.type == "heatmap" and np.nanmax(first.z) == pytest.approx(np.log10(2))


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


def test_isochrones_have_the_colours_of_their_ages_and_are_labelled_at_the_hottest_point_in_view():
    figure = kiel_figure(STAR, isochrones=CURVES)
    lines = [trace for trace in figure.data if (trace.name or "").endswith(" Gyr")]
    assert [line.line.color for line in lines] == list(LIGHT.ages)
    assert "Msun" in lines[0].hovertemplate and list(lines[0].customdata) == pytest.approx([0.8, 1, 1.1, 1.2])
    labels = [note for note in figure.layout.annotations if note.text in ("1", "2", "4", "8", "12")]
    assert len(labels) == 5 and {label.x for label in labels} == {6400.0}


def test_compared_stars_differ_in_colour_and_number():
    figure = kiel_figure(None, others=[STAR, KielStar("b", (4000.0, 4100.0, 4200.0), (1.0, 1.1, 1.2))])
    markers = [one.marker.color for one in figure.data if one.name in ("here", "b")]
    assert markers == list(LIGHT.several[:2])
    assert [note.text for note in figure.layout.annotations if note.text.startswith("<b>")] == ["<b>1</b>", "<b>2</b>"]
