import numpy as np
import pytest

from stellar_core.galaxy import COMPONENTS, radial_velocity


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_densities_of_age_and_metallicity_are_normalised(component):
    ages, feh = np.linspace(0, 14, 4001), np.linspace(-5, 3, 4001)
    assert np.trapezoid(component.age_density(ages), ages) == pytest.approx(1.0, abs=0.01)
    assert np.trapezoid(component.feh_density(feh), feh) == pytest.approx(1.0, abs=0.01)


def test_thick_disc_and_halo_are_enhanced_in_alpha_and_the_thin_disc_at_solar_metallicity_is_not():
    thin, thick, halo, _ = COMPONENTS
    assert thin.alpha_mean(0.0) == pytest.approx(0.0)
    assert thick.alpha_mean(-0.6) == pytest.approx(0.25)
    assert thick.alpha_mean(-2.0) == pytest.approx(0.30)
    assert halo.alpha_mean(-1.4) == pytest.approx(0.27)


def test_halo_is_faster_than_the_discs():
    n = 4000
    rng = np.random.default_rng(0)
    longitude, latitude = rng.uniform(0, 360, n), rng.uniform(30, 90, n)
    spread = [radial_velocity(np.full(n, k), longitude, latitude, rng).std() for k in range(3)]
    assert spread[0] < spread[1] < spread[2]
