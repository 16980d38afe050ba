"""The temperature scale of the library: corrections, limits and anchors."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.mock.fit.temperature_scale import (
    ANCHORS,
    FADE,
    FITTED,
    TemperatureScale,
    colour_g_r,
    colour_temperature,
    fit_scale,
)
from stellar_core.preprocessing.grid import GRID


def power_laws(slope: np.ndarray) -> np.ndarray:
    return (GRID[None, :] / 5500.0) ** slope[:, None]


@pytest.fixture(scope="module")
def stars():
    """Spectra whose colours are hotter than their labels by 60 K, and 90 K per dex of metal deficiency."""
    rng = np.random.default_rng(0)
    flux = power_laws(rng.uniform(-2.2, 0.5, 400))
    logg, feh = rng.uniform(3.6, 4.6, 400), rng.uniform(-2.2, 0.2, 400)
    colour = colour_temperature(colour_g_r(flux), logg, feh)
    name = np.array([f"HD{row:06d}" for row in range(400)])
    name[0] = ANCHORS[0]
    added = np.where(name == ANCHORS[0], 0.0, 60.0 - 90.0 * feh)
    return name, np.column_stack([colour - added, logg, feh]), flux


def test_flat_in_frequency_has_no_colour():
    assert colour_g_r(power_laws(np.array([-2.0])))[0] == pytest.approx(0.0, abs=2e-3)


def test_colour_of_the_sun_gives_its_temperature():
    assert colour_temperature(np.array([0.45]), np.array([4.44]), np.array([0.0]))[0] == pytest.approx(5772, abs=60)


def test_known_corrections_are_recovered(stars):
    scale = fit_scale(*stars)
    for feh in (0.0, -1.0, -2.0):
        found = scale(np.array([6000.0]), np.array([4.2]), np.array([feh]))[0]
        assert found == pytest.approx(60 - 90 * feh, abs=8)
    assert scale.scatter < 15


def test_corrections_fade_out_beyond_the_fitted_range():
    scale = TemperatureScale(np.array([100.0, 0, 0, 0, 0, 0]), 10.0, 200)
    teff = np.array([FITTED[0] - FADE, FITTED[0], 6000.0, FITTED[1], FITTED[1] + FADE / 2, FITTED[1] + FADE])
    assert scale(teff, np.full(6, 4.0), np.zeros(6)) == pytest.approx([0, 100, 100, 100, 50, 0])


def test_an_anchor_star_is_required(stars):
    name, labels, flux = stars
    with pytest.raises(ParameterError, match="16 Cyg"):
        fit_scale(name[1:], labels[1:], flux[1:])


def test_a_wrong_number_of_coefficients_is_refused():
    with pytest.raises(ParameterError, match="6 coefficients"):
        TemperatureScale(np.zeros(3), 0.0, 0)


def test_shipped_emulator_states_the_corrections():
    from stellar_core.mock.emulator import SpectralEmulator

    scale = SpectralEmulator.load().card["temperature_scale"]
    assert "16 Cyg" in scale["what"] and scale["stars"] > 300
    assert 80 < scale["added_K"]["6200 K, log g 4.2, [Fe/H] -2.0"] < 200
