"""The posteriors of many stars compared with those of single stars, summed over finer samples."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.isochrones import AlphaEnhancement, Priors, infer_posterior, load_tracks
from stellar_core.isochrones import catalogue_posterior as module
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
from stellar_core.isochrones.posterior import QUANTITIES
from stellar_core.stages import STAGES
from tests.isochrones.recovery import draw_stars, measure

SSPP = np.array([75.0, 0.20, 0.10])
SOLAR = AlphaEnhancement(0.0)


@pytest.fixture(scope="module")
def tracks():
    """Lighter than the product's: every third EEP."""
    return load_tracks().thin(np.unique(np.append(load_tracks().eep[::3], load_tracks().eep[-1])))


@pytest.fixture(scope="module")
def engine(tracks):
    return CataloguePosterior(alpha=SOLAR, systematics=False, tracks=tracks)


@pytest.fixture(scope="module")
def stars(tracks):
    return draw_stars(tracks, tuple(SSPP), 25, np.random.default_rng(1), max_teff=7500.0)


def from_bins(engine, stars, errors, monkeypatch):
    """Summaries by bins, however few the stars."""
    monkeypatch.setattr(module, "FEW_STARS", 1)
    found = engine.evaluate(*stars.T, diagonal_covariance(errors))
    monkeypatch.undo()
    return found


def compare(found, stars, errors, rows, **engine):
    """Compare summaries with `infer_posterior` on finer samples: to 0.01 dex in the mean, quantiles to 0.02."""
    means, quantiles = [], []
    for row in rows:
        single = infer_posterior(*stars[row], tuple(errors), spacing=0.7, systematics=False, **engine)
        assert single.inside_models == found.inside_models[row] or abs(single.chi2_min - found.chi2_min[row]) < 0.2
        if not (single.inside_models and found.inside_models[row]):
            continue
        interval = single.interval("log_age")
        means.append(abs(found.mean["log_age"][row] - interval.mean))
        exact = (interval.p025, interval.p16, interval.median, interval.p84, interval.p975)
        quantiles.append(np.abs(found.quantiles["log_age"][row] - exact))
        assert found.std["log_age"][row] == pytest.approx(interval.std, abs=0.025)
        assert found.mean["mass"][row] == pytest.approx(single.interval("mass").mean, rel=0.01)
        assert dict(zip(STAGES, found.stage[row])) == pytest.approx(single.stages(), abs=0.03)
        assert found.phase[row].sum() == pytest.approx(1.0, abs=1e-6)
    assert len(means) > 0.4 * len(rows)
    assert np.quantile(means, 0.9) < 0.01 and np.max(means) < 0.015
    assert np.quantile(quantiles, 0.9) < 0.02 and np.max(np.array(quantiles)[:, 1:]) < 0.04


@pytest.mark.slow
@pytest.mark.parametrize("errors", [(20.0, 0.02, 0.02), (75.0, 0.05, 0.1)], ids=["20 K", "75 K"])
def test_single_stars_of_small_errors(engine, stars, tracks, errors):
    found = engine.evaluate(*stars.observed.T, diagonal_covariance(np.array(errors)))
    rows = range(0, len(stars.observed), 10)
    compare(found, stars.observed, errors, rows, alpha=SOLAR, tracks=tracks)


@pytest.mark.slow
def test_bins_equal_single_stars(engine, stars, tracks, monkeypatch):
    found = from_bins(engine, stars.observed, SSPP, monkeypatch)
    rows = range(0, len(stars.observed), 6)
    compare(found, stars.observed, SSPP, rows, alpha=SOLAR, tracks=tracks)


@pytest.mark.slow
@pytest.mark.parametrize("priors", [Priors(), Priors(population="Galaxy")], ids=["flat", "Galaxy"])
def test_bins_marginal_over_alpha_equal_single_stars(tracks, stars, priors, monkeypatch):
    engine = CataloguePosterior(priors, systematics=False, tracks=tracks)
    found = from_bins(engine, stars.observed, SSPP, monkeypatch)
    rows = range(0, len(stars.observed), 9)
    compare(found, stars.observed, SSPP, rows, priors=priors, tracks=tracks)


def test_a_posterior_is_independent_of_the_other_stars(engine, stars):
    together = engine.evaluate(*stars.observed[:20].T, diagonal_covariance(SSPP))
    alone = engine.evaluate(*stars.observed[7:8].T, diagonal_covariance(SSPP))
    assert together.mean["log_age"][7] == pytest.approx(alone.mean["log_age"][0], abs=2e-4)


@pytest.mark.slow
def test_each_star_has_its_own_errors(engine, stars, tracks):
    scale = np.linspace(0.3, 2.5, 30)[:, None] * SSPP
    found = engine.evaluate(*stars.observed[40:70].T, diagonal_covariance(scale))
    for row in np.flatnonzero(found.inside_models)[[0, 12, -1]]:
        compare(found, stars.observed[40:70], scale[row], [row], alpha=SOLAR, tracks=tracks)


def test_draws_follow_the_posterior(engine, stars):
    observed = stars.observed[::10]
    drawn = engine.draws(*observed.T, diagonal_covariance(SSPP), 2000, np.random.default_rng(2))
    found = engine.evaluate(*observed.T, diagonal_covariance(SSPP))
    for row in np.flatnonzero(found.inside_models):
        ages = drawn["log_age"][row].astype(float)
        allowed = 5 * found.std["log_age"][row] / np.sqrt(2000) + 0.01
        assert ages.mean() == pytest.approx(found.mean["log_age"][row], abs=allowed)
        assert ages.std() == pytest.approx(found.std["log_age"][row], rel=0.12, abs=0.01)
        assert (ages <= drawn["log_lifetime"][row] + 1e-5).all()
    again = engine.draws(*observed.T, diagonal_covariance(SSPP), 2000, np.random.default_rng(2))
    assert np.array_equal(again["log_age"], drawn["log_age"], equal_nan=True)


@pytest.mark.slow
def test_intervals_have_their_nominal_coverage(engine):
    report = measure(engine, tuple(SSPP), 600, np.random.default_rng(3))
    assert report["inside_models"] > 0.97
    for level in ("68", "90", "95"):
        assert 100 * report["all"][level] == pytest.approx(float(level), abs=1.5)
        for stage in STAGES:
            assert 100 * report[stage][level] == pytest.approx(float(level), abs=4.0)
    assert report["all"]["rmse_dex"] < report["all"]["rmse_constant_dex"]


def test_outside_the_models_is_nan(engine):
    stars = np.array([5772.0, 7000.0]), np.array([4.4, 7.5]), np.array([0.0, 0.0])
    found = engine.evaluate(*stars, diagonal_covariance(SSPP))
    assert found.inside_models.tolist() == [True, False]
    assert np.isnan(found.mean["log_age"][1]) and np.isnan(found.quantiles["mass"][1]).all()
    assert np.isnan(found.stage[1]).all()
    drawn = engine.draws(*stars, diagonal_covariance(SSPP), 5, np.random.default_rng(0))
    assert np.isnan(drawn["log_age"][1]).all() and np.isfinite(drawn["log_age"][0]).all()


def test_ages_and_lifetimes_stay_in_bounds(engine, stars):
    found = engine.evaluate(*stars.observed.T, diagonal_covariance(SSPP))
    inside = found.inside_models
    assert (found.quantiles["log_age"][inside] <= np.log10(13.8e9) + 0.03).all()
    for name in QUANTITIES:
        assert (np.diff(found.quantiles[name][inside], axis=1) >= 0).all()


def test_no_stars_give_an_empty_result(engine):
    assert engine.evaluate(np.empty(0), np.empty(0), np.empty(0), diagonal_covariance(SSPP)).inside_models.size == 0


def test_systematic_errors_widen_and_move_ages(tracks):
    star = np.array([5000.0]), np.array([3.3]), np.array([0.0])
    covariance = diagonal_covariance(np.array([40.0, 0.02, 0.04]))
    plain = CataloguePosterior(alpha=SOLAR, systematics=False, tracks=tracks).evaluate(*star, covariance)
    corrected = CataloguePosterior(alpha=SOLAR, tracks=tracks).evaluate(*star, covariance)
    assert corrected.std["log_age"][0] > plain.std["log_age"][0]
    assert abs(corrected.mean["log_age"][0] - plain.mean["log_age"][0]) > 0.02


@pytest.mark.parametrize("errors", [(0.0, 0.2, 0.1), (np.nan, 0.2, 0.1), (-75.0, 0.2, 0.1)])
def test_bad_errors_are_refused(engine, errors):
    with pytest.raises(ParameterError):
        engine.evaluate(
            np.array([5772.0]), np.array([4.4]), np.array([0.0]), np.diag(np.sign(errors) * np.square(errors))
        )


def test_bad_values_are_refused(engine):
    with pytest.raises(ParameterError):
        engine.evaluate(np.array([np.nan]), np.array([4.4]), np.array([0.0]), diagonal_covariance(SSPP))
