"""Draws of Model 9 as shipped: no combs, and the same posterior as the intervals; with a parallax as without."""

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import select
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.parallax import parallax_terms
from stellar_core.evaluation.views import views
from tests.isochrones.combs import nearly_empty


@pytest.fixture(scope="module")
def posteriors():
    """Posteriors of MOCK stars by what is known of them."""
    estimator, stars = Estimator.load("isochrone"), make_stars(120, DataConfig(seed=77), "test")
    found = {view: estimator.posteriors(*views(stars)[view]) for view in ("spectrum and photometry", "spectrum alone")}
    known = select(stars, np.flatnonzero(stars.gaia.has_parallax))
    terms = parallax_terms(known, photometry=True)
    return found | {"parallax": estimator.posteriors(*views(known)["spectrum and photometry"], terms)}


@pytest.mark.parametrize("view", ("spectrum and photometry", "spectrum alone", "parallax"))
def test_ages_of_draws_are_no_comb(posteriors, view):
    rng = np.random.default_rng(1)
    empty, bins = np.sum([nearly_empty(found, found.draws(1000, rng)) for found in posteriors[view]], axis=0)
    assert bins > 2000 and empty < 0.02 * bins


@pytest.mark.parametrize("view", ("spectrum and photometry", "parallax"))
def test_draws_have_the_intervals_of_the_posterior(posteriors, view):
    rng = np.random.default_rng(2)
    for name in ("log_age", "log_lifetime", "teff"):
        off = []
        for found in posteriors[view][:60]:
            drawn, interval = found.draws(5000, rng), found.interval(name)
            values = 10.0**drawn.log_teff if name == "teff" else getattr(drawn, name)
            low, middle, high = np.quantile(values.astype(float), [0.16, 0.5, 0.84])
            off.append(np.array([low - interval.p16, middle - interval.median, high - interval.p84]) / interval.std)
        # the noise of 5000 draws is about 0.02, and more where a quantile lies between distant points
        assert np.sqrt(np.square(off).mean(axis=0)).max() < 0.08 and np.abs(np.mean(off, axis=0)).max() < 0.02, name


def test_equal_seeds_give_equal_draws(posteriors):
    first, again = (posteriors["parallax"][0].draws(100, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.mass, again.mass) and np.unique(first.mass).size > 90
