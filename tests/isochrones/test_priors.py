import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.isochrones.alpha_enhancement import AGES, METALLICITIES, AlphaEnhancement
from stellar_core.isochrones.priors import Priors, galaxy_shares


def test_shares_of_the_galaxy_sum_to_one_and_fall_from_thin_disc_to_halo():
    thin, thick, halo = galaxy_shares()
    assert thin + thick + halo == pytest.approx(1.0)
    assert thin > thick > 10 * halo > 0


def test_galaxy_has_old_metal_poor_and_young_metal_rich_stars():
    prior = Priors(population="Galaxy")
    young, old = np.log10(2e9), np.log10(12e9)
    assert prior.density(0.0, young) > 10 * prior.density(0.0, old)
    assert prior.density(-1.4, old) > 20 * prior.density(-1.4, young)


def test_a_flat_prior_is_flat_in_feh_and_age_whatever_alpha():
    found = Priors().density(np.array([-2.0, 0.0]), np.array([8.0, 10.0]))
    assert found == pytest.approx([1.0, 1.0])
    weights = AlphaEnhancement(0.3).weights(Priors())
    assert weights.shape == (1, METALLICITIES.size, 1) and weights == pytest.approx(np.ones_like(weights))


def test_weights_of_alpha_follow_the_components():
    alpha = AlphaEnhancement()
    weights = alpha.weights(Priors())[0]
    mean = weights @ alpha.nodes / weights.sum(axis=1)
    at = lambda metallicity: mean[np.argmin(np.abs(METALLICITIES - metallicity))]
    assert at(0.1) == pytest.approx(0.0, abs=0.02)
    assert at(-0.8) == pytest.approx(0.29, abs=0.03)
    assert weights[np.argmin(np.abs(METALLICITIES - 0.1))].sum() == pytest.approx(1.0, abs=0.1)


def test_weights_of_the_galaxy_depend_on_age():
    weights = AlphaEnhancement().weights(Priors(population="Galaxy"))
    assert weights.shape[0] == AGES.size
    row = np.argmin(np.abs(METALLICITIES + 0.35))
    young, old = (weights[np.argmin(np.abs(AGES - age)), row] for age in (3.0, 11.0))
    nodes = AlphaEnhancement().nodes
    assert old @ nodes / old.sum() > young @ nodes / young.sum() + 0.05


def test_galaxy_prior_does_not_mix_with_other_priors_of_age():
    with pytest.raises(ParameterError):
        Priors(population="Galaxy", age="log-uniform")
    with pytest.raises(ParameterError):
        Priors(population="bulge")
