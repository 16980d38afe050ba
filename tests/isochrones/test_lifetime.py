"""Lifetimes from the tracks, and the power law of the paper."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.isochrones import load_tracks, power_law_log_lifetime, track_log_lifetime


@pytest.fixture(scope="module")
def tracks():
    return load_tracks()


def test_main_sequence_lifetime_of_the_sun(tracks):
    assert 9e9 < 10.0 ** float(track_log_lifetime(1.0, 0.0, tracks, "tams")) < 11e9


@pytest.mark.parametrize("end", ["tams", "rgb_tip", "end"])
@pytest.mark.parametrize("feh", [-1.5, 0.0, 0.3])
def test_massive_stars_live_shorter(tracks, feh, end):
    lifetime = track_log_lifetime(np.linspace(0.7, 6.0, 60), feh, tracks, end)
    assert (np.diff(lifetime) < 0).all()


def test_metal_poor_stars_live_shorter(tracks):
    lifetime = track_log_lifetime(0.9, np.array([-2.0, -1.0, 0.0]), tracks)
    assert (np.diff(lifetime) > 0).all()


def test_power_law_of_the_paper():
    assert power_law_log_lifetime(1.0) == 10.0
    assert power_law_log_lifetime(2.0) == pytest.approx(10 - 2.5 * np.log10(2))
    with pytest.raises(ParameterError):
        power_law_log_lifetime([1.0, 0.0])


def test_lifetime_depends_on_metallicity_and_end_point(tracks):
    ends = [float(track_log_lifetime(1.0, 0.0, tracks, end)) for end in ("tams", "rgb_tip", "end")]
    assert ends == sorted(ends) and ends[2] > ends[0]
    assert track_log_lifetime(1.0, -2.0, tracks) < track_log_lifetime(1.0, 0.0, tracks) - 0.2
    assert np.isnan(track_log_lifetime(50.0, 0.0, tracks))
    with pytest.raises(ParameterError):
        track_log_lifetime(1.0, 0.0, tracks, "white dwarf")


def test_age_never_exceeds_lifetime(tracks):
    rng = np.random.default_rng(6)
    mass, feh, eep = rng.uniform(0.1, 8, 20000), rng.uniform(-2.5, 0.5, 20000), rng.uniform(202, 808, 20000)
    age = tracks.at(mass, feh, eep).log_age
    lifetime = track_log_lifetime(mass, feh, tracks)
    known = np.isfinite(age)
    assert known.sum() > 10000
    assert (age[known] <= lifetime[known] + 1e-9).all()


def test_power_law_differs_from_the_tracks_by_a_fifth_of_a_dex(tracks):
    mass, feh = np.meshgrid(np.linspace(0.7, 3, 50), np.linspace(-2, 0.5, 11))
    off = power_law_log_lifetime(mass) - track_log_lifetime(mass, feh, tracks)
    assert 0.08 < np.sqrt(np.mean(off**2)) < 0.30
