"""Model 9 as shipped: draws are physical, the prior can be exchanged, and lines alone serve other surveys."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.exact_posterior import exact_posterior
from stellar_core.evaluation.views import views
from stellar_core.inference.calibration.isochrone import LINES, VIEWS
from stellar_core.isochrones import Priors
from stellar_core.isochrones.track_samples import load_track_samples
from stellar_core.mock.survey import MockSurvey
from stellar_core.spectrum import Spectrum


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load("isochrone")


@pytest.fixture(scope="module")
def stars():
    return make_stars(120, DataConfig(seed=5), "test")


@pytest.fixture(scope="module")
def posteriors(estimator, stars):
    """Posteriors of the stars by what is known of them."""
    names = [name for name, view in VIEWS.items() if view < LINES]
    return {name: estimator.posteriors(*views(stars)[name]) for name in names}


def test_cells_are_physical_stars():
    cells = load_track_samples().stars
    assert cells.log_age.max() <= np.log10(13.8e9) + 1e-6 and (10.0**cells.log_age).min() > 0
    assert (cells.log_age <= cells.log_lifetime + 1e-6).all()


@pytest.mark.parametrize("view", ("spectrum and photometry", "spectrum alone", "photometry alone"))
def test_no_draw_is_unphysical(posteriors, view):
    rng = np.random.default_rng(0)
    for found in posteriors[view]:
        drawn = found.draws(1000, rng)
        assert (drawn.log_age <= drawn.log_lifetime + 1e-6).all()
        assert drawn.log_age.max() <= np.log10(13.8e9) + 1e-6


@pytest.mark.slow
def test_spectrum_and_photometry_are_more_precise_than_either(posteriors, stars):
    truth, widths = stars.truth.atmosphere, {}
    for view, found in posteriors.items():
        error = np.array([item.interval("teff").mean for item in found]) - truth[:, 0]
        widths[view] = np.median([item.interval("logg").std for item in found])
        assert np.median(np.abs(error)) < 130, view
    assert widths["spectrum and photometry"] < min(widths["photometry alone"], widths["spectrum alone"])


@pytest.mark.slow
def test_ages_beat_the_exact_posterior_of_pipeline_parameters(posteriors, stars):
    baseline, inside = exact_posterior(stars.labels.atmosphere, (75.0, 0.20, 0.10), 0)
    found = posteriors["spectrum and photometry"]
    ours = np.array([item.interval("log_age").mean for item in found]) - stars.truth.log_age
    exact = baseline.log_age - stars.truth.log_age
    assert inside.sum() > 100
    assert np.sqrt((ours[inside] ** 2).mean()) <= 1.05 * np.sqrt((exact[inside] ** 2).mean())


def test_another_prior_changes_the_age_and_not_the_atmosphere(estimator, stars):
    arrays = tuple(part[:20] for part in views(stars)["spectrum and photometry"])
    flat = estimator.without_recalibration().posteriors(*arrays)
    young = estimator.with_priors(Priors(age="log-uniform")).posteriors(*arrays)
    moved = [a.interval("log_age").mean - b.interval("log_age").mean for a, b in zip(flat, young)]
    assert min(moved) > -1e-6 and max(moved) > 0.05
    assert np.median([a.interval("teff").mean - b.interval("teff").mean for a, b in zip(flat, young)]) == pytest.approx(
        0, abs=30
    )


def test_single_and_batched_estimates_agree(estimator):
    survey = MockSurvey()
    spectra = [survey.spectrum(star) for star, _ in survey.examples()[:3]]
    one = [estimator.estimate(spectrum, samples=2, seed=3) for spectrum in spectra]
    for single, together in zip(one, estimator.estimate_many(spectra, seed=3)):
        assert single.log_age.mean == pytest.approx(together.log_age.mean, abs=2e-3)
        assert single.model == "isochrone" and sum(single.stage.values()) == pytest.approx(1.0, abs=1e-6)
        assert (single.draws["log_age"] <= single.draws["log_lifetime"] + 1e-6).all()


def _filled_in(spectrum: Spectrum) -> Spectrum:
    """The spectrum with light that fills in its blue lines, as in spectra of some other surveys."""
    light = 2.0 * np.exp(-((spectrum.wavelength - 3700.0) / 500.0)) * np.median(spectrum.flux)
    return replace(spectrum, flux=spectrum.flux + light)


def _of_origin(spectrum: Spectrum, **meta: object) -> Spectrum:
    return replace(spectrum, source="upload", meta=meta, photometry=None)


def test_a_spectrum_of_another_survey_rests_on_its_lines_and_says_so(estimator):
    star = MockSurvey().spectrum(MockSurvey().examples()[0][0])
    ours, other = _of_origin(star, plate=1), _of_origin(star, instrument="LAMOST")
    assert not estimator.rests_on_lines(estimator.prepare(ours), np.full(29, np.nan))
    assert estimator.rests_on_lines(estimator.prepare(other), np.full(29, np.nan))
    first, second = estimator.estimate_many([ours, other])
    assert any("another survey" in text for text in second.verdict.messages)
    assert not any("another survey" in text for text in first.verdict.messages)
    assert abs(first.teff.mean - second.teff.mean) < 3 * np.hypot(first.teff.std, second.teff.std)
    single = estimator.estimate(other, samples=2)
    assert single.log_age.mean == pytest.approx(second.log_age.mean, abs=1e-6)


def test_lines_that_are_filled_in_do_not_change_the_metallicity_of_another_survey(estimator):
    star = MockSurvey().spectrum(MockSurvey().examples()[0][0])
    good, bad = (_of_origin(one, instrument="LAMOST") for one in (star, _filled_in(star)))
    trusting = _of_origin(_filled_in(star), plate=1)
    found = [result.feh.mean for result in estimator.estimate_many([good, bad, trusting])]
    assert abs(found[1] - found[0]) < 0.3
    assert abs(found[1] - found[0]) < abs(found[2] - found[0])


def test_of_unknown_origin_the_lines_are_used_where_the_shape_contradicts_them(estimator):
    star = MockSurvey().spectrum(MockSurvey().examples()[0][0])
    good, bad = _of_origin(star), _of_origin(_filled_in(star))
    assert not estimator.rests_on_lines(estimator.prepare(good), np.full(29, np.nan))
    assert estimator.rests_on_lines(estimator.prepare(bad), np.full(29, np.nan))
    result = next(iter(estimator.estimate_many([bad])))
    assert any("contradicts its lines" in text for text in result.verdict.messages)
