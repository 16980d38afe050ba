"""[M/H] and [alpha/Fe]: normalised, and equal to a direct draw."""

import numpy as np
import pytest

from stellar_core.abundances import metallicity_offset
from stellar_core.galaxy import COMPONENTS
from stellar_core.mock.metallicities import METALLICITIES, metallicities, split_metallicity


def forward(component, n, rng):
    """[Fe/H], [alpha/Fe] and [M/H] in the order of their definition."""
    feh = component.feh_mean + component.feh_spread * rng.standard_normal(n)
    alpha = component.alpha_mean(feh) + component.alpha_spread * rng.standard_normal(n)
    return feh, alpha, feh + metallicity_offset(alpha)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_density_of_metallicity_is_that_of_a_direct_draw(component):
    found = metallicities(component)
    assert np.trapezoid(found.density, METALLICITIES) == pytest.approx(1.0, abs=0.01)
    _, _, metal = forward(component, 200_000, np.random.default_rng(0))
    mean = np.trapezoid(found.density * METALLICITIES, METALLICITIES)
    spread = np.sqrt(np.trapezoid(found.density * (METALLICITIES - mean) ** 2, METALLICITIES))
    assert (mean, spread) == pytest.approx((metal.mean(), metal.std()), abs=0.005)


@pytest.mark.parametrize("index", range(len(COMPONENTS)), ids=lambda index: COMPONENTS[index].name)
def test_split_returns_the_abundances_of_a_direct_draw(index):
    """[M/H] of a direct draw, split again, gives the same joint distribution of [Fe/H] and [alpha/Fe]."""
    feh, alpha, metal = forward(COMPONENTS[index], 100_000, np.random.default_rng(1))
    split_alpha, split_feh = split_metallicity(np.full(metal.size, index), metal, np.random.default_rng(2))
    assert split_feh + metallicity_offset(split_alpha) == pytest.approx(metal)
    direct, again = (np.stack(pair) for pair in ((feh, alpha), (split_feh, split_alpha)))
    assert again.mean(axis=1) == pytest.approx(direct.mean(axis=1), abs=0.004)
    assert np.cov(again) == pytest.approx(np.cov(direct), abs=0.002)
    assert np.percentile(again, (2, 50, 98), axis=1) == pytest.approx(
        np.percentile(direct, (2, 50, 98), axis=1), abs=0.02
    )
