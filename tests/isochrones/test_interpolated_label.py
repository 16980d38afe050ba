"""The label interpolated between isochrones."""

import numpy as np
import pytest

from stellar_core.constants import SSPP_ERRORS
from stellar_core.isochrones import interpolated_label, load_tracks, nearest_label
from stellar_core.isochrones.interpolated_label import AGES_GYR
from stellar_core.mock.population import draw
from stellar_core.stages import STAGES


@pytest.mark.parametrize(("gyr", "feh"), [(1.0, 0.0), (5.0, -0.5), (12.0, -1.0)])
def test_a_star_on_an_isochrone_gets_its_age_and_mass(gyr, feh):
    points = load_tracks().isochrone(np.log10(gyr) + 9.0, feh)
    points = points.select((points.eep > 380) & (points.eep < 470))  # around the turn-off, where ages differ
    found = interpolated_label(points.teff, points.logg, points.feh_surface)
    assert (found.distance < 1e-6).all()
    assert np.abs(found.log_age - np.log10(gyr) - 9.0).max() < 0.01
    assert found.mass == pytest.approx(points.mass, rel=0.01)


def test_between_two_isochrones_the_age_lies_between_theirs():
    points = load_tracks().isochrone(np.log10(2.125) + 9.0, 0.0)
    points = points.select((points.eep > 400) & (points.eep < 450))
    age = 10 ** (interpolated_label(points.teff, points.logg, points.feh_surface).log_age - 9.0)
    assert np.median(age) == pytest.approx(2.125, rel=0.05) and ((age > 1.5) & (age < 2.8)).all()


def test_a_star_below_the_main_sequence_is_not_new_born():
    star = [5772.0, 6200.0], [4.75, 4.6], [0.0, 0.0]
    assert (nearest_label(*star).log_age < 9.0).all()
    assert ((interpolated_label(*star).log_age > 9.2) & (interpolated_label(*star).log_age < 10.0)).all()


def test_lifetime_is_the_power_law_and_stage_that_of_the_input():
    found = interpolated_label([5772.0, 4800.0], [4.44, 2.5], [0.0, 0.0])
    assert found.log_lifetime == pytest.approx(10 - 2.5 * np.log10(found.mass))
    assert [STAGES[s] for s in found.stage] == ["Medium", "Red Giant"]


def test_stars_of_the_survey_get_a_label_within_the_age_of_the_universe():
    rng = np.random.default_rng(1)
    stars = draw(1000, rng)
    observed = np.column_stack([stars.teff, stars.logg, stars.feh]) + rng.standard_normal((1000, 3)) * SSPP_ERRORS
    found = interpolated_label(*observed.T)
    assert found.inside_models.mean() > 0.99
    ages = 10.0 ** (found.log_age[found.inside_models] - 9.0)
    assert ages.min() >= AGES_GYR[0] and ages.max() <= AGES_GYR[-1]


def test_no_label_outside_the_models():
    outside = interpolated_label([30000.0, np.nan], [7.0, 4.0], [0.0, 0.0])
    assert np.isnan(outside.log_age).all() and (outside.stage == -1).all() and np.isnan(outside.eep).all()
