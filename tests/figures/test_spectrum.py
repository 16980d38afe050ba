"""The spectrum figure from plain arrays."""

import base64

import numpy as np
import pytest

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.figures.curves import paired, smooth
from stellar_core.figures.spectrum import DEFAULT_SMOOTHING, SMOOTHING, spectrum_figure
from stellar_core.spectral_lines import STELLAR_LINES, vacuum_to_air


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


def test_outliers_do_not_set_the_range(arrays):
    wavelength, flux, ivar = arrays
    calm = spectrum_figure(wavelength, flux, ivar).layout.yaxis.range
    flux, ivar = flux.copy(), ivar.copy()
    flux[500], ivar[700] = 1e5, 1e-12
    wild = spectrum_figure(wavelength, flux, ivar).layout.yaxis.range
    np.testing.assert_allclose(calm, wild, rtol=0.1)
    assert wild[1] < 40


def test_unobserved_ranges_are_drawn_inside_the_view(arrays):
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


def test_the_slider_offers_every_smoothing(arrays):
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
    buttons = {button.label: button for button in figure.layout.updatemenus[0].buttons}
    assert list(buttons) == ["Rest, vacuum", "Rest, air", "Observed, vacuum", "Observed, air"]
    places = {
        label: {figure.data[k].name: unpacked(x) for k, x in zip(button.args[2], button.args[0]["x"])}
        for label, button in buttons.items()
    }
    rest = places["Rest, vacuum"]
    np.testing.assert_allclose(rest["flux"], arrays[0] / (1 + redshift), rtol=1e-6)
    np.testing.assert_array_equal(trace(figure, "flux").x, rest["flux"])
    np.testing.assert_allclose(places["Observed, vacuum"]["flux"], arrays[0], rtol=1e-6)
    np.testing.assert_allclose(places["Observed, air"]["flux"], vacuum_to_air(arrays[0]), rtol=1e-6)
    np.testing.assert_allclose(places["Rest, air"]["lines"][:2], vacuum_to_air(6564.6), rtol=1e-6)
    sky = [places[label]["night sky (observed frame)"][0] for label in buttons]
    assert np.isnan(sky[:2]).all() and sky[2:] == [np.float32(5578.9), np.float32(vacuum_to_air(5578.9))]
    assert buttons["Observed, vacuum"].args[1]["shapes[0].x1"] == pytest.approx(3803.8)
    assert buttons["Observed, air"].args[1]["xaxis.title.text"] == "Observed wavelength (Å, air)"


def test_the_velocity_slider_shifts_the_line_marks_only_and_is_reset_by_the_frame(arrays):
    figure = spectrum_figure(*arrays, redshift=0.002, lines=[(6564.6, "Hα"), (4102.9, "Hδ")])
    slider = figure.layout.sliders[1]
    assert slider.steps[slider.active].label == "0"
    assert {figure.data[k].name for k in slider.steps[0].args[1]} == {"lines", None}
    last = slider.steps[-1]
    moved = unpacked(last.args[0]["x"][0])
    speed = float(last.label)
    np.testing.assert_allclose(moved[::3], np.array([4102.9, 6564.6]) * (1 + speed / SPEED_OF_LIGHT), rtol=1e-6)
    observed = figure.layout.updatemenus[0].buttons[2].args[1]
    assert observed["sliders[1].active"] == slider.active
    again = unpacked(observed["sliders[1].steps"][slider.active]["args"][0]["x"][0])
    np.testing.assert_allclose(again[::3], np.array([4102.9, 6564.6]) * 1.002, rtol=1e-6)


def test_residuals_of_the_pipelines_model_are_drawn_in_sigma(arrays):
    wavelength, flux, ivar = arrays
    model = np.full(3000, 19.0)
    figure = spectrum_figure(wavelength, flux, 4 * ivar, model=model)
    left = trace(figure, "residual")
    np.testing.assert_allclose(left.y[:100], 2 * (flux[:100] - 19.0), rtol=1e-5)
    assert np.isnan(left.y[100:110]).all() and left.yaxis == "y4" and figure.layout.xaxis.anchor == "y4"
    assert figure.layout.yaxis4.domain[1] < figure.layout.yaxis.domain[0]
    assert "yaxis4" not in spectrum_figure(*arrays).to_plotly_json()["layout"]


def test_an_emulated_spectrum_is_hidden_until_its_name_is_clicked(arrays):
    like = np.where(arrays[0] < 4000, np.nan, 20.0)
    overlay = trace(spectrum_figure(*arrays, emulated=(like, "emulated: a star")), "emulated")
    assert overlay.visible == "legendonly" and np.isnan(overlay.y[0]) and overlay.y[-1] == 20 and len(overlay.y) == 1500


def test_zoom_is_kept_for_one_star(arrays):
    assert spectrum_figure(*arrays, revision="a").layout.uirevision == "a"


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


def test_a_spectrum_takes_about_a_megabyte():
    wavelength = 10 ** np.arange(np.log10(3600), np.log10(10400), 1e-4)
    flux, ivar = np.ones(wavelength.size), np.ones(wavelength.size)
    lines = [(line.wavelength, line.label) for line in STELLAR_LINES]
    figure = spectrum_figure(wavelength, flux, ivar, model=flux, emulated=(flux, "x"), lines=lines)
    assert len(figure.to_json()) < 1_100_000
