"""The catalogue posterior compared with the plain sum over all samples."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.isochrones import load_tracks
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance, fixed_samples
from stellar_core.isochrones.posterior import QUANTITIES, infer_posterior
from stellar_core.stages import STAGES
from tests.isochrones.recovery import brute_force, draw_stars, measure

ERRORS = np.array([120.0, 0.32, 0.16])
#: Lighter than the product's engine, the same engine: every fifth EEP, larger samples for larger errors.
RESOLUTION = (0.01, 0.25, 0.12)


@pytest.fixture(scope="module")
def tracks():
    return load_tracks().thin(np.unique(np.append(load_tracks().eep[::5], load_tracks().eep[-1])))


@pytest.fixture(scope="module")
def engine(tracks):
    return CataloguePosterior(fixed_samples(tracks, resolution=RESOLUTION), RESOLUTION)


@pytest.fixture(scope="module")
def stars(engine):
    return draw_stars(engine.samples, tuple(ERRORS), 25, np.random.default_rng(1), max_teff=7500.0)


@pytest.mark.slow
def test_equals_the_plain_sum(engine, stars):
    found = engine.evaluate(*stars.observed.T, diagonal_covariance(ERRORS))
    for i in range(0, len(stars.observed), 5):
        if not found.inside_models[i]:
            continue
        plain = brute_force(engine.samples, *stars.observed[i], ERRORS)
        for name in QUANTITIES:
            assert found.mean[name][i] == pytest.approx(plain[name][0], abs=0.005 if name != "mass" else 0.02)
            assert found.std[name][i] == pytest.approx(plain[name][1], abs=0.01 if name != "mass" else 0.02)


@pytest.mark.slow
def test_quantiles_and_stages_equal_the_posterior_of_single_stars(engine, stars, tracks):
    """The same tracks with other samples: two independent ways to the same numbers."""
    for i in range(0, len(stars.observed), 20):
        single = infer_posterior(*stars.observed[i], tuple(ERRORS), tracks=tracks)
        many = engine.evaluate(*stars.observed[i : i + 1].T, diagonal_covariance(ERRORS))
        if single.inside_models and many.inside_models[0]:
            assert many.quantiles["log_age"][0] == pytest.approx(
                list(single.interval("log_age").to_dict().values())[2:], abs=0.08
            )
            assert dict(zip(STAGES, many.stage[0])) == pytest.approx(single.stages(), abs=0.04)
            assert many.phase[0].sum() == pytest.approx(1.0, abs=1e-6)


def test_a_posterior_is_independent_of_the_other_stars(engine, stars):
    together = engine.evaluate(*stars.observed[:20].T, diagonal_covariance(ERRORS))
    alone = engine.evaluate(*stars.observed[7:8].T, diagonal_covariance(ERRORS))
    assert together.mean["log_age"][7] == pytest.approx(alone.mean["log_age"][0], abs=2e-4)


@pytest.mark.slow
def test_each_star_has_its_own_errors(engine, stars):
    scale = np.linspace(1.0, 2.5, 30)[:, None] * ERRORS
    found = engine.evaluate(*stars.observed[40:70].T, diagonal_covariance(scale))
    for i in (0, 12, 29):
        if found.inside_models[i]:
            plain = brute_force(engine.samples, *stars.observed[40 + i], scale[i])
            assert found.mean["log_age"][i] == pytest.approx(plain["log_age"][0], abs=0.005)


@pytest.mark.slow
def test_draws_follow_the_posterior(engine, stars):
    observed = stars.observed[::10]
    index = engine.draws(*observed.T, diagonal_covariance(ERRORS), 2000, np.random.default_rng(2))
    found = engine.evaluate(*observed.T, diagonal_covariance(ERRORS))
    for i in np.flatnonzero(found.inside_models):
        drawn = engine.samples.log_age[index[i]].astype(float)
        assert drawn.mean() == pytest.approx(
            found.mean["log_age"][i], abs=5 * found.std["log_age"][i] / np.sqrt(2000) + 0.01
        )
        assert drawn.std() == pytest.approx(found.std["log_age"][i], rel=0.12, abs=0.01)
    again = engine.draws(*observed.T, diagonal_covariance(ERRORS), 2000, np.random.default_rng(2))
    assert (again == index).all()


@pytest.mark.slow
def test_intervals_have_their_nominal_coverage(engine):
    report = measure(engine, tuple(ERRORS), 600, np.random.default_rng(3))
    assert report["inside_models"] > 0.97
    for level in ("68", "90", "95"):
        assert 100 * report["all"][level] == pytest.approx(float(level), abs=1.5)
        for stage in STAGES:
            assert 100 * report[stage][level] == pytest.approx(float(level), abs=4.0)
    assert report["all"]["rmse_dex"] < report["all"]["rmse_constant_dex"]


def test_outside_the_models_is_nan(engine):
    found = engine.evaluate(
        np.array([5772.0, 7000.0]), np.array([4.4, 7.5]), np.array([0.0, 0.0]), diagonal_covariance(ERRORS)
    )
    assert found.inside_models.tolist() == [True, False]
    assert np.isnan(found.mean["log_age"][1]) and np.isnan(found.quantiles["mass"][1]).all()
    assert np.isnan(found.stage[1]).all()
    index = engine.draws(
        np.array([7000.0]), np.array([7.5]), np.array([0.0]), diagonal_covariance(ERRORS), 5, np.random.default_rng(0)
    )
    assert (index == -1).all()


def test_ages_and_lifetimes_stay_in_bounds(engine, stars):
    found = engine.evaluate(*stars.observed.T, diagonal_covariance(ERRORS))
    inside = found.inside_models
    assert (found.quantiles["log_age"][inside] <= np.log10(13.8e9) + 0.03).all()
    assert (np.diff(found.quantiles["log_age"][inside], axis=1) >= 0).all()
    assert (engine.samples.log_age <= engine.samples.log_lifetime).all()


def test_no_stars_give_an_empty_result(engine):
    assert engine.evaluate(np.empty(0), np.empty(0), np.empty(0), diagonal_covariance(ERRORS)).inside_models.size == 0


@pytest.mark.parametrize("errors", [(5.0, 0.01, 0.01), (0.0, 0.2, 0.1), (np.nan, 0.2, 0.1)])
def test_errors_too_small_or_bad_are_refused(engine, errors):
    with pytest.raises(ParameterError):
        engine.evaluate(np.array([5772.0]), np.array([4.4]), np.array([0.0]), diagonal_covariance(np.array(errors)))


def test_bad_values_are_refused(engine):
    with pytest.raises(ParameterError):
        engine.evaluate(np.array([np.nan]), np.array([4.4]), np.array([0.0]), diagonal_covariance(ERRORS))
