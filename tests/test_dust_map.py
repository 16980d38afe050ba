"""The dust map: coordinates, interpolation, and agreement with the full map at the places of real stars."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.dust_map import (
    FORMER_COEFFICIENTS,
    SFD_COEFFICIENTS,
    DustMap,
    current_extinction,
    galactic,
    load_dust_map,
)
from stellar_core.errors import ModelError, ParameterError


def test_galactic_coordinates_agree_with_astropy():
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 500), rng.uniform(-90, 90, 500)
    expected = SkyCoord(ra * u.deg, dec * u.deg).galactic
    longitude, latitude = galactic(ra, dec)
    np.testing.assert_allclose(latitude, expected.b.deg, atol=1e-4)
    turn = (longitude - expected.l.deg + 180.0) % 360.0 - 180.0
    np.testing.assert_allclose(turn * np.cos(np.radians(latitude)), 0.0, atol=1e-4)


def test_interpolation_is_linear_and_passes_the_origin_of_longitude():
    latitude, longitude = np.mgrid[-90:91, 0:360].astype(float)
    plane = DustMap(0.01 * latitude + 2.0)
    ra, dec = np.random.default_rng(1).uniform((0, -90), (360, 90), (200, 2)).T
    np.testing.assert_allclose(plane.reddening(ra, dec), 0.01 * galactic(ra, dec)[1] + 2.0, atol=1e-9)
    wave = DustMap(1.0 + np.cos(np.radians(longitude)))
    centre = wave.reddening(266.40499, -28.93617)  # the Galactic centre, between 359 and 0 degrees of longitude
    assert centre == pytest.approx(2.0, abs=1e-3)


def test_a_place_that_is_unknown_has_no_reddening():
    found = load_dust_map().reddening(np.array([np.nan, 10.0, 10.0]), np.array([0.0, np.nan, 0.0]))
    assert np.isnan(found).tolist() == [True, True, False]


def test_a_map_of_another_shape_or_a_missing_one_is_an_error(tmp_path):
    with pytest.raises(ParameterError, match="181"):
        DustMap(np.zeros((10, 10)))
    with pytest.raises(ModelError, match="dust-map"):
        load_dust_map(tmp_path)


def test_former_extinctions_are_brought_to_the_present_coefficients():
    np.testing.assert_allclose(current_extinction(0.03 * FORMER_COEFFICIENTS), 0.03 * SFD_COEFFICIENTS)
    # Of two files of BOSS, reduced before and after the change.
    assert current_extinction([0.305, 0.224, 0.163, 0.123, 0.087])[0] == pytest.approx(0.250, abs=0.002)
    for given in (0.05 * SFD_COEFFICIENTS, np.zeros(5), np.full(5, np.nan), np.full(5, 0.1)):
        np.testing.assert_array_equal(current_extinction(given), given)


def test_map_agrees_with_the_full_map_at_real_stars(shared_data):
    import pandas as pd

    stars = pd.read_csv(shared_data / "catalogue" / "sspp_labels.csv").dropna(subset=["ebv_sfd"])
    ratio = load_dust_map().reddening(stars["ra_deg"], stars["dec_deg"]) / stars["ebv_sfd"]
    assert len(stars) > 7000
    assert abs(np.median(np.log(ratio))) < 0.03
    assert 1.4826 * np.median(np.abs(np.log(ratio) - np.median(np.log(ratio)))) < 0.12
