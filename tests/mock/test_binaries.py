"""Companions: share, age, light, velocity."""

import numpy as np
import pytest

from stellar_core.isochrones import load_tracks
from stellar_core.mock.binaries import LEAST_RATIO, draw_companions, unresolved_share, with_companion

OFFSET = 0.15


@pytest.fixture(scope="module")
def pairs():
    """20,000 main-sequence stars, their companions, and the stars again."""
    rng, tracks = np.random.default_rng(0), load_tracks()
    n = 20_000
    primary = tracks.at(rng.uniform(0.6, 1.3, n), rng.uniform(-1.5, 0.3, n), rng.uniform(250, 440, n))
    primary = primary.select(np.isfinite(primary.log_age))
    n = len(primary.mass)
    return primary, draw_companions(primary, np.full(n, OFFSET), np.full(n, 0.4), 0.03, tracks, rng)


def test_share_of_stars_with_a_companion():
    share = unresolved_share(np.array([0.3, 1.0, 2.5]))
    # Four fifths of the periods are between the limits; 44 per cent of solar-type stars have a companion.
    assert share[1] == pytest.approx(0.44 * 0.80, abs=0.01)
    assert np.all(np.diff(share) > 0)


def test_share_periods_and_mass_ratios_are_as_given(pairs):
    _, found = pairs
    has = found.mass_ratio > 0
    assert has.mean() == pytest.approx(0.4, abs=0.012)
    assert np.percentile(found.mass_ratio[has], (25, 50, 75)) == pytest.approx(
        LEAST_RATIO + 0.9 * np.array([0.25, 0.5, 0.75]), abs=0.02
    )
    assert np.nanmin(found.log_period) > 0.5 and np.nanmax(found.log_period) < 7.2
    assert np.nanmedian(found.log_period) == pytest.approx(4.5, abs=0.15)
    assert np.all(found.flux[~has] == 0) and np.all(found.velocity_kms[~has] == 0)


def test_companions_have_the_age_and_metallicity_of_their_primary(pairs):
    primary, found = pairs
    shown = np.flatnonzero(np.isfinite(found.teff) & (primary.mass * found.mass_ratio > 0.6))[:400]
    tracks = load_tracks()
    own = primary.select(shown)
    points = tracks.stars(own.mass * found.mass_ratio[shown], own.feh, own.log_age)
    old = np.isfinite(points.log_age)
    assert old.mean() > 0.9 and points.log_age[old] == pytest.approx(own.log_age[old])
    assert found.teff[shown][old] == pytest.approx(points.teff[old])
    assert found.feh[shown][old] == pytest.approx(points.feh_surface[old] - OFFSET)
    assert np.median(found.teff[shown] / own.teff) < 1.0


def test_velocities_follow_kepler(pairs):
    """Root of the mean square of an isotropic vector's projection is its length over the root of 3."""
    primary, found = pairs
    has = np.flatnonzero(found.mass_ratio > 0)
    total = primary.mass[has] * (1 + found.mass_ratio[has])
    circular = 29.785 * (total / (10.0 ** found.log_period[has] / 365.25)) ** (1 / 3)
    assert np.sqrt(np.mean((found.velocity_kms[has] / circular) ** 2)) == pytest.approx(3**-0.5, abs=0.01)


def test_equal_stars_are_three_quarters_of_a_magnitude_brighter_than_one(pairs):
    primary, found = pairs
    near = np.flatnonzero(found.mass_ratio > 0.995)
    assert near.size > 20
    gain = -with_companion(np.zeros((near.size, 5)), found.flux[near])
    assert gain == pytest.approx(0.753, abs=0.04)
    assert -with_companion(np.zeros(5), np.ones(5)) == pytest.approx(2.5 * np.log10(2))


def test_light_falls_with_the_mass_ratio_and_most_in_blue(pairs):
    _, found = pairs
    low, high = (np.abs(found.mass_ratio - ratio) < 0.05 for ratio in (0.5, 0.9))
    assert np.median(found.flux[low, 2]) < 0.1 * np.median(found.flux[high, 2])
    assert np.median(found.flux[low, 4] / found.flux[low, 0]) > 3


def test_companions_below_the_tracks_are_dark():
    tracks = load_tracks()
    primary = tracks.at(np.full(2000, 0.3), np.zeros(2000), np.full(2000, 300.0))
    found = draw_companions(primary, np.zeros(2000), np.ones(2000), 0.0, tracks, np.random.default_rng(0))
    below = found.mass_ratio * 0.3 < 0.1
    assert below.mean() > 0.1 and np.all(found.flux[below] == 0) and np.isnan(found.teff[below]).all()
    assert np.isfinite(found.teff[~below]).all()
