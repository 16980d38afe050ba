"""The plain figure of a spectrum."""

import numpy as np
import pytest

from stellar_core.figures.curves import paired
from stellar_core.figures.influence import quantity_shading
from stellar_core.figures.palette import LIGHT, faded
from stellar_core.figures.spectrum import spectrum_figure
from stellar_core.figures.spectrum_view import DEFAULT_SMOOTHING, Overlay, SpectrumView
from stellar_core.quantities import LOG_AGE
from stellar_core.spectral_lines import STELLAR_LINES


@pytest.fixture()
def arrays():
    rng = np.random.default_rng(1)
    wavelength = np.linspace(3800, 9200, 3000)
    flux = 20 + rng.normal(0, 1, 3000)
    ivar = np.ones(3000)
    ivar[100:110] = 0
    flux[100:110] = 1e6
    return wavelength, flux, ivar


def draw(*arrays, **options):
    return spectrum_figure(SpectrumView("star", *arrays, **options))


def trace(figure, name):
    return next(one for one in figure.data if one.name and one.name.startswith(name))


def test_masked_pixels_break_the_line_and_are_counted(arrays):
    figure = draw(*arrays)
    assert np.isnan(trace(figure, "flux").y[100:110]).all()
    assert trace(figure, "masked").name == "masked (10 px)"


def test_outliers_do_not_set_the_range(arrays):
    wavelength, flux, ivar = arrays
    calm = draw(wavelength, flux, ivar).layout.yaxis.range
    flux, ivar = flux.copy(), ivar.copy()
    flux[500], ivar[700] = 1e5, 1e-12
    wild = draw(wavelength, flux, ivar).layout.yaxis.range
    np.testing.assert_allclose(calm, wild, rtol=0.1)
    assert wild[1] < 40


def test_unobserved_ranges_are_shaded_inside_the_spectrum(arrays):
    figure = draw(*arrays, filler=[(3600, 3800), (5000, 5100), (6000, 6010), (9200, 10399)])
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(5000, 5100), (6000, 6010)]
    assert [shape.showlegend for shape in figure.layout.shapes] == [True, False]
    assert tuple(figure.layout.xaxis.range) == (3800, 9200)


def test_all_line_marks_are_one_trace(arrays):
    lines = [(3700.0, "outside"), (4102.9, "Hδ"), (5168.8, "Mg b"), (5174.1, "Mg b"), (6564.6, "Hα")]
    figure = draw(*arrays, lines=lines)
    marks = trace(figure, "lines")
    assert set(marks.x[~np.isnan(marks.y)]) == set(np.float32([w for w, _ in lines[1:]]))
    labels = next(one for one in figure.data if one.mode == "text")
    assert [text.strip() for text in labels.text] == ["Hδ", "Mg b", "Hα"]


def test_the_first_model_is_drawn_with_its_residuals_and_smoothed_as_the_data(arrays):
    wavelength, flux, ivar = arrays
    models = [
        Overlay("a", "first", np.where(wavelength < 4000, np.nan, 19.0), "second"),
        Overlay("b", "second", np.full(3000, 18.0)),
    ]
    view = SpectrumView("star", wavelength, flux, 4 * ivar, overlays=models)
    figure = spectrum_figure(view)
    left = trace(figure, "residual")
    np.testing.assert_array_equal(left.y, view.residual(models[0], DEFAULT_SMOOTHING))
    assert np.isnan(left.y[:50]).all() and left.yaxis == "y4" and figure.layout.xaxis.anchor == "y4"
    assert left.line.color == LIGHT.second
    assert trace(figure, "first").line.color.startswith(faded(LIGHT.second, 1).rpartition(",")[0])
    assert trace(figure, "first").visible and trace(figure, "second").visible == "legendonly"
    np.testing.assert_array_equal(trace(figure, "flux").y, view.curve(DEFAULT_SMOOTHING)[0])
    assert figure.layout.yaxis4.domain[1] < figure.layout.yaxis.domain[0]
    assert "yaxis4" not in draw(*arrays).to_plotly_json()["layout"]


def test_the_effect_of_hiding_is_shaded_by_sign_and_size(arrays):
    edges = np.array([[4000.0, 4119.0], [5160.0, 5279.0], [6000.0, 6119.0]])
    shading = quantity_shading(LOG_AGE, edges, np.array([0.1, -0.2, 1e-5]), 0.3, [])
    shapes = draw(*arrays, shadings=[shading]).layout.shapes
    assert [(shape.x0, shape.x1) for shape in shapes] == [tuple(pair) for pair in edges]
    assert [float(shape.fillcolor.rpartition(",")[2][:-1]) for shape in shapes] == pytest.approx([0.175, 0.35, 0.0])
    assert shapes[0].fillcolor.rpartition(",")[0] != shapes[1].fillcolor.rpartition(",")[0]


def test_zoom_is_kept_for_one_star(arrays):
    assert draw(*arrays).layout.uirevision == "star"


def test_a_band_of_half_the_points_contains_the_whole_band():
    rng = np.random.default_rng(2)
    x, middle, half = np.arange(9.0), rng.normal(0, 1, 9), rng.uniform(0.1, 1, 9)
    middle[4:6] = np.nan
    place, centre, width = paired(x, middle, half)
    assert place.size == 5 and np.isfinite(centre[2]) == np.isfinite(middle[4:6]).any()
    for k in range(9):
        if np.isfinite(middle[k]):
            assert centre[k // 2] - width[k // 2] <= middle[k] - half[k] + 1e-12
            assert centre[k // 2] + width[k // 2] >= middle[k] + half[k] - 1e-12


def test_a_plain_figure_takes_less_than_400_kilobytes():
    wavelength = 10 ** np.arange(np.log10(3600), np.log10(10400), 1e-4)
    flux, ivar = np.ones(wavelength.size), np.ones(wavelength.size)
    lines = [(line.wavelength, line.label) for line in STELLAR_LINES]
    models = [Overlay("a", "a", flux), Overlay("b", "b", flux)]
    assert len(draw(wavelength, flux, ivar, overlays=models, lines=lines).to_json()) < 400_000
