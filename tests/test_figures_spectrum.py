"""The spectrum figure from plain arrays."""

import base64

import numpy as np
import pytest

from stellar_core.figures.curves import smooth
from stellar_core.figures.spectrum import DEFAULT_SMOOTHING, SMOOTHING, spectrum_figure


@pytest.fixture()
def arrays():
    rng = np.random.default_rng(1)
    wavelength = np.linspace(3800, 9200, 3000)
    flux = 20 + rng.normal(0, 1, 3000)
    ivar = np.ones(3000)
    ivar[100:110] = 0
    flux[100:110] = 1e6
    return wavelength, flux, ivar


def unpacked(values):
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def trace(figure, name):
    return next(one for one in figure.data if one.name and one.name.startswith(name))


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


def test_filler_is_drawn_and_inside_the_view(arrays):
    figure = spectrum_figure(*arrays, filler=[(3600, 3800), (9200, 10399)])
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(3600, 3800), (9200, 10399)]
    assert [shape.showlegend for shape in figure.layout.shapes] == [True, False]
    assert tuple(figure.layout.xaxis.range) == (3600, 10400)


def test_all_line_marks_are_one_trace(arrays):
    lines = [(4102.9, "Hδ"), (5168.8, "Mg b"), (5174.1, "Mg b"), (6564.6, "Hα")]
    figure = spectrum_figure(*arrays, lines=lines)
    marks = trace(figure, "lines")
    assert set(marks.x[~np.isnan(marks.y)]) == set(np.float32([w for w, _ in lines]))
    labels = next(one for one in figure.data if one.mode == "text")
    assert [text.strip() for text in labels.text] == ["Hδ", "Mg b", "Hα"]


def test_the_slider_holds_every_smoothing(arrays):
    _, flux, ivar = arrays
    figure = spectrum_figure(*arrays)
    slider = figure.layout.sliders[0]
    assert [int(step.label) for step in slider.steps] == list(SMOOTHING)
    for width, step in zip(SMOOTHING, slider.steps):
        (change, targets) = step.args
        assert [figure.data[index].name for index in targets] == ["±1σ", "flux"]
        np.testing.assert_array_equal(unpacked(change["y"][1]), smooth(flux, ivar, width)[0])
        assert unpacked(change["y"][0]).size == len(figure.data[targets[0]].x)
    np.testing.assert_array_equal(
        trace(figure, "flux").y, unpacked(slider.steps[SMOOTHING.index(DEFAULT_SMOOTHING)].args[0]["y"][1])
    )


def test_the_frame_switch_moves_star_and_filler_but_not_the_sky(arrays):
    redshift = 0.001
    figure = spectrum_figure(
        *arrays, redshift=redshift, lines=[(6564.6, "Hα")], sky=[(5578.9, "sky")], filler=[(3600.0, 3800.0)]
    )
    rest, observed = figure.layout.updatemenus[0].buttons
    names = [figure.data[index].name for index in observed.args[2]]
    for name, x_rest, x_observed in zip(names, rest.args[0]["x"], observed.args[0]["x"]):
        x_rest, x_observed = unpacked(x_rest), unpacked(x_observed)
        if name and name.startswith("night sky"):
            assert np.isnan(x_rest).all() and x_observed[0] == np.float32(5578.9)
        else:
            np.testing.assert_allclose(x_observed, x_rest * (1 + redshift), rtol=1e-6)
    np.testing.assert_allclose(trace(figure, "flux").x, arrays[0] / (1 + redshift), rtol=1e-6)
    assert observed.args[1]["shapes[0].x1"] == pytest.approx(3803.8)


def test_zoom_belongs_to_one_star(arrays):
    assert spectrum_figure(*arrays, revision="a").layout.uirevision == "a"


def test_a_spectrum_is_sent_in_less_than_a_megabyte():
    wavelength = 10 ** np.arange(np.log10(3600), np.log10(10400), 1e-4)
    flux, ivar = np.ones(wavelength.size), np.ones(wavelength.size)
    figure = spectrum_figure(wavelength, flux, ivar, model=flux, lines=[(5000.0, "x")])
    assert len(figure.to_json()) < 1_000_000
