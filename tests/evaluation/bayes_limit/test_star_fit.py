"""Quadratic form of the likelihood: Woodbury's identity against the dense covariance, and its evaluation."""

from types import SimpleNamespace

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.bayes_limit.observation_model import VELOCITY
from stellar_core.evaluation.bayes_limit.observed_star import observed_star
from stellar_core.evaluation.bayes_limit.population_samples import draw_samples
from stellar_core.evaluation.bayes_limit.star_fit import Quadratic, StarFit, _noise_scale

DATA = DataConfig(seed=7)


class Few(SimpleNamespace):
    """Samples of coefficients and magnitudes alone."""

    def __len__(self) -> int:
        return len(self.absolute)


@pytest.fixture(scope="module")
def samples():
    return draw_samples(2000, 3)


@pytest.fixture(scope="module")
def stars():
    return make_stars(6, DATA, "test", raw=True)


@pytest.fixture(scope="module")
def fit(samples, stars):
    """The first star, with the sample nearest to its true atmosphere as the fiducial one."""
    distance = (samples.points(slice(None))[:, :3] - stars.truth.atmosphere[0]) / [100.0, 0.2, 0.1]
    return StarFit(observed_star(stars, 0, DATA), samples, int((distance**2).sum(axis=1).argmin()))


def test_data_of_a_star_are_those_of_the_set(stars):
    star = observed_star(stars, 0, DATA)
    assert star.instrument in ("SDSS", "BOSS") and np.array_equal(star.flux, stars.raw.flux[0])
    assert np.allclose(star.magnitudes, stars.inputs.features[0, :5])
    assert 0.003 < star.ebv < 1.0 and star.ebv_error > 0.1 * star.ebv and star.velocity_error > 10.0


def test_chi_square_is_that_of_the_dense_covariance():
    rng = np.random.default_rng(0)
    data, cross, nuisances = rng.standard_normal(60), rng.standard_normal((60, 8)), 3.0 * rng.standard_normal((4, 60))
    found = Quadratic.marginal(data, cross, nuisances)
    inverse = np.linalg.inv(np.eye(60) + nuisances.T @ nuisances)
    fiducial = rng.standard_normal(8)
    samples = Few(
        coefficients=rng.standard_normal((50, 3)).astype(np.float32),
        absolute=rng.standard_normal((50, 5)).astype(np.float32),
    )
    residual = data - (np.hstack([samples.coefficients, samples.absolute]) - fiducial) @ cross.T
    expected = np.einsum("ni,ij,nj->n", residual, inverse, residual)
    assert np.allclose(found.of(samples, fiducial[:3], fiducial[3:]), expected, rtol=1e-4, atol=0.05)
    x = rng.standard_normal(8)
    n = found.nuisances(x)
    left = data - cross @ x - n @ nuisances
    assert np.allclose(n, nuisances @ left), "at the most probable nuisances the gradient vanishes"


def test_chi_square_of_a_real_star_follows_its_samples(fit, samples):
    found = fit.quadratic()
    few = samples.select(np.arange(0, len(samples), len(samples) // 5))
    x = np.hstack([few.coefficients - fit.at.coefficients, few.absolute - fit.absolute]).astype(float)
    direct = [found.chi2 - 2.0 * found.vector @ one + one @ found.matrix @ one for one in x]
    assert found.data.size > 3000
    assert np.allclose(found.of(few, fit.at.coefficients, fit.absolute), direct, rtol=1e-3, atol=1.0)


def test_a_move_finds_velocity_and_spikes(fit, samples, stars):
    star = observed_star(stars, 0, DATA)
    shifted = type(star)(**{**vars(star), "velocity_kms": star.velocity_kms + 15.0, "velocity_error": 60.0})
    flux = shifted.flux.copy()
    place = int(np.flatnonzero(shifted.ivar > 0)[1000])
    flux[place] += 30.0 / np.sqrt(shifted.ivar[place])
    shifted = type(star)(**{**vars(shifted), "flux": flux})
    near = int(((samples.coefficients - fit.at.coefficients) ** 2).sum(axis=1).argmin())
    moved = []
    for one in (star, shifted):
        other = StarFit(one, samples, near)
        for _ in range(3):
            other.move(other.quadratic(), other.at.coefficients, other.absolute, np.array(other.at.atmosphere))
        moved.append(other)
    assert not moved[1].good[place - moved[1].model.tool.pixels.start]
    assert moved[0].good.sum() - moved[1].good.sum() < 20
    assert moved[1].at.velocity_kms - star.velocity_kms < 12.0 and VELOCITY == 1


def test_the_noise_scale_is_found():
    rng = np.random.default_rng(0)
    components = np.stack([np.full(4000, 0.1), np.linspace(-0.1, 0.1, 4000)])
    truth = np.array([1.5, -0.7]) @ components
    found = _noise_scale(np.exp(truth) * rng.standard_normal(4000), components, np.ones(4000, bool))
    assert np.abs(found - truth).max() < 0.04
