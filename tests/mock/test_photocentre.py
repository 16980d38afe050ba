"""Orbits of light centres, and the fit of a single star to them."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.mock.photocentre import RESOLUTION, SPAN, YEAR, Orbits, fit_single_stars

N = 4000


def pairs(days, separation, n=N):
    """``n`` pairs of one period and of one separation (mas)."""
    orbits = Orbits.draw(np.ones(n), np.full(n, np.log10(days)), np.ones(n), np.random.default_rng(0))
    return replace(orbits, separation=np.full(n, float(separation)))


def fitted(orbits, mass_ratio, light, error=0.03):
    n = len(orbits.phase)
    return fit_single_stars(
        orbits, np.full(n, mass_ratio), np.full(n, light), np.full(n, error), np.random.default_rng(1)
    )


def test_separation_follows_kepler():
    orbits = Orbits.draw(
        np.array([1.0, 2.0]), np.log10([YEAR, 8 * YEAR]), np.array([1.0, 0.5]), np.random.default_rng(0)
    )
    assert orbits.separation == pytest.approx([1.0, 0.5 * 4.0 * 2.0 ** (1 / 3)])


def test_positions_are_those_of_a_circle_seen_from_random_sides():
    orbits = pairs(200.0, 1.0)
    x, y = orbits.position(np.linspace(0, 200.0 / YEAR, 40, endpoint=False)[None, :])
    assert np.hypot(x, y).max() <= 1 + 1e-12
    assert np.mean(x**2) == pytest.approx(1 / 3, abs=0.01) and np.mean(y**2) == pytest.approx(1 / 3, abs=0.01)
    again = orbits.position(np.array([[0.1, 0.1 + 200.0 / YEAR]]))
    assert again[0][:, 0] == pytest.approx(again[0][:, 1])


def test_light_centre():
    """Equal stars move about an unmoved light centre; a dark companion moves its primary."""
    orbits = pairs(200.0, 2.0, 3)
    assert orbits.photocentre(np.ones(3), np.ones(3)) == pytest.approx(0)
    assert orbits.photocentre(np.ones(3), np.zeros(3)) == pytest.approx(1.0)
    shift, excess = fitted(pairs(200.0, 2.0), 1.0, 1.0)
    assert np.abs(shift).max() < 0.01 and excess.max() < 0.01


def test_excess_of_short_periods_is_the_scatter_of_the_light_centre_over_the_error():
    """RUWE^2 = 1 + (wobble / error of a measurement)^2 (Belokurov et al. 2020, MNRAS 496, 1922, eq. 4)."""
    shift, excess = fitted(pairs(60.0, 0.6), 1.0, 0.0)
    # A circle of radius 0.3 mas seen from all sides scatters by 0.3 / sqrt(3) along a scan, and a fit of five
    # parameters to 20 visits leaves three quarters of it. The error of a measurement is that of the parallax times the
    # square root of 20 * 12 measurements and the scatter of the parallax factor, about 0.5.
    assert np.median(excess) == pytest.approx(0.75 * (0.3**2 / 3) / (0.03 * 0.5) ** 2 / 240, rel=0.25)
    assert np.abs(np.median(shift)) < 0.01


def test_periods_of_a_year_shift_the_parallax_most():
    spread = {days: fitted(pairs(days, 1.0), 1.0, 0.0)[0].std() for days in (80.0, YEAR, 20_000.0)}
    assert spread[YEAR] > 1.5 * spread[80.0] and spread[YEAR] > 5 * spread[20_000.0]
    assert spread[YEAR] == pytest.approx(0.5 / np.sqrt(3), rel=0.4)


def test_proper_motion_absorbs_long_periods():
    wobble = lambda days: np.median(fitted(pairs(days, 10.0), 1.0, 0.0)[1])
    assert wobble(SPAN * YEAR) > 30 * wobble(20 * SPAN * YEAR)


def test_overlapping_images_disturb_the_fit_and_faint_companions_do_not():
    slow = lambda separation, light: np.median(fitted(pairs(1e6, separation), 0.5, light)[1])
    assert slow(150.0, 0.3) > 10 > 100 * slow(150.0, 1e-4)
    assert slow(5.0, 0.3) < 0.05


def test_wide_pairs_are_resolved():
    assert pairs(1e7, 0.9 * RESOLUTION).resolved.sum() == 0
    assert 0.3 < pairs(1e7, 1.5 * RESOLUTION).resolved.mean() < 1
