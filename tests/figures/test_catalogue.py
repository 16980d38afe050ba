"""Figures of a catalogue: orientation, counts and projection."""

import numpy as np

from stellar_core.figures.catalogue import (
    diagram_density,
    diagram_figure,
    histogram_figure,
    mollweide,
    sky_figure,
    sky_limits,
)
from stellar_core.figures.kiel import stage_label
from stellar_core.stages import STAGES

RNG = np.random.default_rng(0)
TEFF, LOGG = RNG.uniform(4000, 7000, 5000), RNG.uniform(1, 5, 5000)


def test_both_axes_of_the_diagram_are_reversed_and_every_star_is_counted():
    figure = diagram_figure(diagram_density(TEFF, LOGG), box=(5000.0, 6000.0, 4.0, 5.0))
    (hot, cool), (dense, thin) = figure.layout.xaxis.range, figure.layout.yaxis.range
    assert hot > cool and dense > thin
    counts = np.asarray(figure.data[0].customdata)
    assert counts.sum() == 5000 and np.isclose(np.nansum(10.0 ** np.asarray(figure.data[0].z)), 5000, rtol=1e-5)
    assert len(figure.to_json()) < 1_000_000
    named = [note.text for note in figure.layout.annotations]
    assert (
        named == [f"<b>{stage_label(index)}</b>" for index in range(len(STAGES))]
        and figure.layout.shapes[0].x0 == 5000.0
    )


def test_a_colour_is_the_mean_of_its_bin_and_unknown_values_do_not_count():
    colour = np.where(np.arange(5000) % 2, 3.0, np.nan)
    shown = np.asarray(diagram_figure(diagram_density(TEFF, LOGG, colour), "age").data[0].z)
    assert np.allclose(shown[np.isfinite(shown)], 3.0)


def test_a_bin_has_the_colour_of_its_most_frequent_stage():
    teff, logg = np.array([5000.0, 5000.0, 5000.0, 6000.0]), np.array([4.0, 4.0, 4.0, 2.0])
    density = diagram_density(teff, logg, np.array([2.0, 3.0, 3.0, 4.0]), stages=True)
    shown = density.colour[np.isfinite(density.colour)]
    assert density.stars == 4 and sorted(shown) == [3.0, 4.0]
    figure = diagram_figure(density, "stage", stages=True)
    assert len({colour for _, colour in figure.data[0].colorscale}) == 5 and figure.data[0].zmin == -0.5


def test_an_empty_catalogue_is_drawn():
    empty = np.zeros(0)
    for figure in (
        diagram_figure(diagram_density(empty, empty)),
        diagram_figure(diagram_density(empty, empty, empty)),
        histogram_figure(empty, "x"),
        sky_figure(empty, empty),
    ):
        assert figure.data


def test_histogram_contains_all_but_the_tails():
    assert sum(histogram_figure(TEFF, "Teff").data[0].y) > 4950


def test_mollweide_preserves_areas_and_points_north_up():
    sine = RNG.uniform(-1, 1, 200_000)
    x, y = mollweide(RNG.uniform(0, 360, sine.size), np.degrees(np.arcsin(sine)))
    assert (x**2 / 4 + y**2 <= 1 + 1e-6).all()
    inside = [((np.abs(x) < 0.5) & (np.abs(y - place) < 0.2)).sum() for place in (0.0, 0.5)]
    assert np.isclose(inside[0], inside[1], rtol=0.05)
    x, y = mollweide(np.array([180.0, 90.0, 0.0]), np.array([90.0, 0.0, 0.0]))
    assert np.allclose(x, [0, 1, 2], atol=1e-3) and np.allclose(y, [1, 0, 0], atol=1e-3)


def test_a_box_on_the_sky_gives_limits_that_contain_it():
    ra, dec = RNG.uniform(0, 360, 20_000), np.degrees(np.arcsin(RNG.uniform(-1, 1, 20_000)))
    x, y = mollweide(ra, dec)
    for box in (((-0.5, 0.7), (0.2, 0.6)), ((-2.0, 2.0), (-1.0, 1.0)), ((0.1, 0.3), (-0.3, 0.4))):
        limits = sky_limits(*box)
        inside = (box[0][0] <= x) & (x <= box[0][1]) & (box[1][0] <= y) & (y <= box[1][1])
        for values, name in ((ra, "ra"), (dec, "dec")):
            low, high = limits[name]
            assert values[inside].min() >= low - 1e-3 and values[inside].max() <= high + 1e-3
            assert low >= values[inside].min() - 3 and high <= values[inside].max() + 3, "and hardly more"
    x, y = mollweide(np.array([137.0]), np.array([41.0]))
    point = sky_limits((x[0], x[0]), (y[0], y[0]))
    assert np.allclose([*point["ra"], *point["dec"]], [137, 137, 41, 41], atol=1e-3)
