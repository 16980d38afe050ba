"""Arrays of the figure of one spectrum."""

import numpy as np
import pytest

from stellar_core.figures.spectrum_view import Overlay, SpectrumView


@pytest.fixture()
def view():
    rng = np.random.default_rng(1)
    flux, ivar = 20 + rng.normal(0, 0.5, 400), np.full(400, 4.0)
    flux[100:110], ivar[100:110] = 1e6, 0.0
    model = np.full(400, 19.0)
    model[:50] = np.nan
    return SpectrumView(
        "star", np.linspace(4004, 4403, 400), flux, ivar, redshift=0.001, overlays=[Overlay("m", "model", model)]
    )


def test_wavelengths_are_at_rest(view):
    np.testing.assert_allclose(view.rest, view.wavelength / 1.001)


def test_masked_pixels_are_gaps_of_the_data_alone(view):
    flux, error = view.curve(7)
    assert np.isnan(flux[100:110]).all() and np.isnan(error[100:110]).all()
    assert np.abs(flux[np.isfinite(flux)] - 20).max() < 3, "an outlier without weight does not leak"
    model = view.overlay_curve(view.overlays[0], 7)
    assert np.isnan(model[:50]).all()
    np.testing.assert_allclose(model[50:], 19.0, rtol=1e-6)


@pytest.mark.parametrize("width", [1, 7, 31])
def test_data_model_and_residual_are_smoothed_alike(view, width):
    residual = view.residual(view.overlays[0], width)
    flux, error = view.curve(width)
    np.testing.assert_allclose(residual, (flux - view.overlay_curve(view.overlays[0], width)) / error, rtol=1e-5)
    inside = residual[150:350]
    assert np.isfinite(inside).all() and np.isnan(residual[100:110]).all()
    assert inside.mean() == pytest.approx(2 * np.sqrt(width), rel=0.15), "1 above the model, error 0.5 per pixel"


def test_only_gaps_inside_the_spectrum_are_shown(view):
    inside = SpectrumView(
        "star", view.wavelength, view.flux, view.ivar, filler=[(3600, 4003), (4100, 4150), (4404, 10399)]
    )
    assert inside.gaps == [(4100, 4150)]
