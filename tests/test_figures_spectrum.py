"""The spectrum figure from plain arrays."""

import numpy as np
import pytest

from stellar_core.figures.spectrum import combs, robust_range, smooth, spectrum_figure


@pytest.fixture()
def arrays():
    rng = np.random.default_rng(1)
    wavelength = np.linspace(3800, 9200, 3000)
    flux = 20 + rng.normal(0, 1, 3000)
    ivar = np.ones(3000)
    ivar[100:110] = 0
    flux[100:110] = 1e6
    return wavelength, flux, ivar


def trace(figure, name):
    return next(one for one in figure.data if one.name and one.name.startswith(name))


def test_smoothing_is_the_weighted_mean():
    flux, ivar = np.array([1.0, 2.0, 6.0, 4.0, 5.0]), np.array([1.0, 1.0, 4.0, 0.0, 1.0])
    mean, error = smooth(flux, ivar, 3)
    assert mean[1] == pytest.approx((1 + 2 + 24) / 6)
    assert error[1] == pytest.approx(6**-0.5)
    assert np.isnan(mean[3])


def test_smoothing_by_one_changes_nothing(arrays):
    _, flux, ivar = arrays
    mean, error = smooth(flux, ivar, 1)
    good = ivar > 0
    np.testing.assert_allclose(mean[good], flux[good], rtol=1e-6)
    np.testing.assert_allclose(error[good], 1.0, rtol=1e-6)


def test_masked_pixels_break_the_line_and_are_counted(arrays):
    figure = spectrum_figure(*arrays)
    assert np.isnan(trace(figure, "flux").y[100:110]).all()
    assert trace(figure, "masked").name == "masked (10 px)"


def test_wild_pixels_and_errors_do_not_set_the_range(arrays):
    wavelength, flux, ivar = arrays
    calm = spectrum_figure(wavelength, flux, ivar).layout.yaxis.range
    flux, ivar = flux.copy(), ivar.copy()
    flux[500], ivar[700] = 1e5, 1e-12
    wild = spectrum_figure(wavelength, flux, ivar).layout.yaxis.range
    np.testing.assert_allclose(calm, wild, rtol=0.1)
    assert wild[1] < 40


def test_range_of_a_constant_spectrum_is_not_empty():
    low, high = robust_range(np.full(50, 3.0, np.float32))
    assert low < 3 < high


def test_filler_is_drawn_and_inside_the_view(arrays):
    figure = spectrum_figure(*arrays, filler=[(3600, 3800), (9200, 10400)])
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(3600, 3800), (9200, 10400)]
    assert tuple(figure.layout.xaxis.range) == (3600, 10400)
    assert trace(figure, "not observed")


def test_all_line_marks_are_one_trace(arrays):
    lines = [(4102.9, "Hδ"), (5168.8, "Mg b"), (5174.1, "Mg b"), (6564.6, "Hα")]
    figure = spectrum_figure(*arrays, lines=lines)
    marks = trace(figure, "lines")
    assert set(marks.x[~np.isnan(marks.y)]) == set(np.float32([w for w, _ in lines]))
    labels = next(one for one in figure.data if one.mode == "text")
    assert [text.strip() for text in labels.text] == ["Hδ", "Mg b", "Hα"]


def test_zoom_is_kept_for_one_star_only(arrays):
    one = spectrum_figure(*arrays, smoothing=3, revision="a")
    other = spectrum_figure(*arrays, smoothing=9, revision="a")
    assert one.layout.uirevision == other.layout.uirevision == "a"
    assert spectrum_figure(*arrays, revision="b").layout.uirevision == "b"


def test_a_spectrum_is_sent_in_less_than_300_kilobytes(arrays):
    wavelength, flux, ivar = (np.resize(array, 4600) for array in arrays)
    figure = spectrum_figure(np.linspace(3600, 10400, 4600), flux, ivar, model=flux, lines=[(5000.0, "x")])
    assert len(figure.to_json()) < 300_000


def test_combs_are_separated_by_nan():
    x, y = combs(np.array([1.0, 2.0]), 0.0, 1.0)
    assert x.tolist() == [1, 1, 1, 2, 2, 2]
    assert np.isnan(y[[2, 5]]).all() and y[[0, 1]].tolist() == [0, 1]
