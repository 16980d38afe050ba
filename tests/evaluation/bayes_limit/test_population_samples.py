"""Weighted samples of the mock's population: weights undo how they were drawn."""

import numpy as np
import pytest

from stellar_core.evaluation.bayes_limit.population_samples import draw_samples
from stellar_core.evaluation.bayes_limit.spectral_basis import SpectralBasis
from stellar_core.galaxy import STRAGGLERS
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.population import draw


@pytest.fixture(scope="module")
def samples():
    return draw_samples(30_000, 3)


@pytest.fixture(scope="module")
def survey():
    stars = draw(30_000, np.random.default_rng(4))
    known = SpectralEmulator.load().domain(stars.teff, stars.logg, stars.feh)
    return stars.select(np.flatnonzero(known & (stars.component != STRAGGLERS)))


def test_weighted_samples_are_the_survey(samples, survey):
    weight = samples.weight / samples.weight.sum()
    for name in ("teff", "logg", "feh", "log_age", "log_lifetime"):
        values = getattr(survey, name)
        error = 4.0 * values.std() / np.sqrt(len(values) / 2)
        assert weight @ getattr(samples, name) == pytest.approx(values.mean(), abs=error), name
        assert abs(getattr(samples, name).mean() - values.mean()) > error or name == "logg", "drawn more evenly"
    stages = np.bincount(samples.stage, weights=weight, minlength=5)
    assert np.allclose(stages, np.bincount(survey.stage, minlength=5) / len(survey), atol=0.02)
    pairs = float(weight[samples.companion_light > 0.1].sum())
    assert pairs == pytest.approx((survey.secondary_flux[:, 2] > 0.1).mean(), abs=0.02)


def test_samples_are_sorted_and_select_keeps_rows(samples):
    assert (np.diff(samples.teff) >= 0).all() and samples.weight.mean() == pytest.approx(1.0, abs=1e-4)
    rows = np.array([5, 3])
    assert np.array_equal(samples.select(rows).points(np.arange(2)), samples.points(rows))


def test_spectra_of_pairs_are_between_those_of_their_stars(samples):
    bright = np.flatnonzero(samples.companion_light > 0.3)[:50]
    alone = SpectralBasis.load().coefficients(samples.teff[bright], samples.logg[bright], samples.feh[bright])
    assert (np.abs(samples.coefficients[bright] - alone).max(axis=1) > 1e-3).all()
    single = np.flatnonzero(samples.companion_light == 0)[:50]
    alone = SpectralBasis.load().coefficients(samples.teff[single], samples.logg[single], samples.feh[single])
    assert np.allclose(samples.coefficients[single], alone, atol=1e-3)


def test_distances_are_those_at_which_the_survey_selects(samples, survey):
    """The density of distances, averaged over dwarfs of one population, is that of drawn stars."""
    modulus = 5.0 * np.log10(survey.distance_pc / 10.0)
    steps = np.arange(4.0, 18.0, 0.05)
    some = np.flatnonzero((samples.component == 1) & (samples.absolute[:, 2] > 4.5) & (samples.absolute[:, 2] < 5.0))[
        :40
    ]
    density = np.array([np.exp(samples.select(some).log_distance_density(np.full(some.size, step))) for step in steps])
    apparent = samples.absolute[some, 2] + steps[:, None]
    density = np.where((apparent > 14.0) & (apparent < 19.5), density, 0.0)
    mean = float(((density * steps[:, None]).sum(axis=0) / density.sum(axis=0)).mean())
    absolute = survey.magnitudes[:, 2] - modulus
    like = (survey.component == 1) & (absolute > 4.5) & (absolute < 5.0)
    assert like.sum() > 100 and mean == pytest.approx(modulus[like].mean(), abs=0.25)
