import numpy as np
import pytest

from stellar_core.galaxy import COMPONENTS, HALO, THICK_DISC, radial_velocity, straggler_ages


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


def test_drawn_ages_follow_the_density():
    thick = COMPONENTS[THICK_DISC]
    ages = thick.draw_ages(40_000, np.random.default_rng(0))
    found, edges = np.histogram(ages, np.linspace(*thick.age_range, 20), density=True)
    assert found == pytest.approx(thick.age_density(0.5 * (edges[1:] + edges[:-1])), abs=0.02)


def test_stragglers_are_as_old_as_the_thick_disc_or_the_halo():
    rng = np.random.default_rng(0)
    rich, poor = (straggler_ages(np.full(20_000, feh), rng) for feh in (-0.2, -2.2))
    assert np.mean(rich) == pytest.approx(np.mean(COMPONENTS[THICK_DISC].draw_ages(20_000, rng)), abs=0.06)
    assert np.mean(poor) == pytest.approx(np.mean(COMPONENTS[HALO].draw_ages(20_000, rng)), abs=0.06)
    assert min(rich.min(), poor.min()) >= 7.0


def test_halo_is_faster_than_the_discs():
    n = 4000
    rng = np.random.default_rng(0)
    longitude, latitude = rng.uniform(0, 360, n), rng.uniform(30, 90, n)
    spread = [radial_velocity(np.full(n, k), longitude, latitude, rng).std() for k in range(3)]
    assert spread[0] < spread[1] < spread[2]
