"""The isochrone fit to a network's atmosphere is the exact posterior, or empty."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.inference.isochrone_check import check_against_isochrones
from stellar_core.isochrones import Priors, infer_posterior
from stellar_core.mock.survey import MockSurvey


@pytest.fixture(scope="module")
def result():
    survey = MockSurvey()
    return Estimator.load().estimate(survey.spectrum(survey.examples()[0][0]), samples=10)


def test_the_fit_is_the_posterior_of_the_draws(result):
    draws = np.array([result.draws[name] for name in ("teff", "logg", "feh")])
    fine = infer_posterior(*draws.mean(axis=1), covariance=np.cov(draws) + np.diag([1.0, 1e-4, 1e-4]))
    found = check_against_isochrones(result)
    assert found["log_age"]["mean"] == pytest.approx(fine.interval("log_age").mean, abs=0.005)
    assert sum(found["stage"].values()) == pytest.approx(1)
    assert found["log_age"]["p975"] <= found["log_lifetime"]["p975"]
    other = infer_posterior(
        *draws.mean(axis=1), covariance=np.cov(draws) + np.diag([1.0, 1e-4, 1e-4]), priors=Priors(population="Galaxy")
    ).interval("log_age")
    assert found["other_prior"]["population"] == "Galaxy"
    assert found["other_prior"]["log_age"]["mean"] == pytest.approx(other.mean, abs=0.005)


def test_a_star_outside_the_models_gives_an_empty_fit(result):
    draws = {**result.draws, "logg": result.draws["logg"] + 4.0}
    assert check_against_isochrones(replace(result, draws=draws)) == {}
