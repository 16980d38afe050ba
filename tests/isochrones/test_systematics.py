"""Correction of the tracks for systematic errors."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from stellar_core.constants import SUN_LOGG, SUN_TEFF
from stellar_core.errors import ModelError
from stellar_core.isochrones.systematics import ModelErrors, load_model_errors
from stellar_core.isochrones.track_table import load_tracks

PLANTED = ModelErrors(0.05, 0.002, 0.010, 0.012, 0.01, 0.01, 0.03)


@pytest.fixture(scope="module")
def tracks():
    return load_tracks()


def sun(tracks):
    """The star of 1 Msun and 4.567 Gyr that shows [Fe/H] = 0 at its surface."""
    feh = np.linspace(-0.1, 0.2, 61)
    stars = tracks.stars(np.ones(61), feh, np.full(61, np.log10(4.567e9)))
    return stars, int(np.abs(stars.feh_surface).argmin())


def test_no_errors_change_nothing(tracks):
    same = ModelErrors().corrected(tracks)
    for name in ("feh", "log_teff", "logg", "log_radius", "feh_surface", "log_age"):
        np.testing.assert_array_equal(getattr(same, name), getattr(tracks, name))
    assert not ModelErrors().covariance(5800, 4.4, 0.0).any()


def test_correction_keeps_luminosity_mass_and_age(tracks):
    changed = PLANTED.corrected(tracks)
    before, after = tracks.points(), changed.points()
    np.testing.assert_allclose(after.log_luminosity, before.log_luminosity, atol=1e-9)
    np.testing.assert_allclose(after.current_mass, before.current_mass, rtol=1e-9)
    np.testing.assert_array_equal(after.log_age, before.log_age)
    np.testing.assert_allclose(after.feh, before.feh - 0.05, atol=1e-12)
    np.testing.assert_allclose(after.feh_surface, before.feh_surface - 0.05, atol=1e-12)
    assert np.abs(after.log_teff - before.log_teff).max() < 0.03


def test_same_table_is_corrected_once(tracks):
    assert PLANTED.corrected(tracks) is PLANTED.corrected(tracks)


def test_shift_grows_from_dwarfs_to_giants_and_ends_at_hot_stars():
    sun_like = PLANTED.shift(np.log10(5772), 4.44, 0.0)
    giant = PLANTED.shift(np.log10(4700), 2.5, np.array([-0.5, 0.0, 0.3]))
    assert sun_like == pytest.approx(0.002)
    np.testing.assert_allclose(giant, 0.010 + 0.012 * np.array([-0.5, 0.0, 0.3]))
    assert PLANTED.shift(np.log10(7500), 4.0, 0.0) == 0.0
    along = PLANTED.shift(np.linspace(3.55, 3.95, 2000), 3.0, 0.0)
    assert np.abs(np.diff(along)).max() < 1e-4  # no jump


def test_covariance_has_the_shape_of_the_stars():
    covariance = PLANTED.covariance(np.array([5000.0, 6000.0]), 4.0, 0.0)
    assert covariance.shape == (2, 3, 3)
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), [[50, 0.01, 0.03], [60, 0.01, 0.03]])


def test_shipped_correction_gives_the_sun(tracks):
    stars, best = sun(load_model_errors().corrected(tracks))
    assert stars.teff[best] == pytest.approx(SUN_TEFF, abs=30)
    assert stars.logg[best] == pytest.approx(SUN_LOGG, abs=0.006)
    assert stars.log_luminosity[best] == pytest.approx(0.0, abs=0.01)


def test_uncorrected_tracks_miss_the_sun(tracks):
    stars, best = sun(tracks)
    assert stars.log_luminosity[best] > 0.02
    assert stars.teff[best] > SUN_TEFF + 30


def test_shipped_values_are_small():
    found = load_model_errors()
    assert 0 < found.metallicity_scale < 0.11  # no more than the solar mixtures differ
    assert max(found.dwarf_shift, found.giant_shift) < 0.02
    assert 0 <= found.teff_error <= 0.02


@pytest.mark.parametrize("text", ["{", "{}", '{"parameters": {"metallicity_scale": "x"}}', "[]"])
def test_damaged_card_is_refused(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be read"):
        load_model_errors(tmp_path)


def test_missing_card_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        load_model_errors(tmp_path)


def test_parameters_as_plain_numbers():
    assert ModelErrors(**PLANTED.to_dict()) == PLANTED
    assert list(PLANTED.to_dict()) == [field.name for field in fields(ModelErrors)]
