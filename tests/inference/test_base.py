"""The estimator on mock stars, corrupted input and objects that are not stars."""

import json

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.mock.survey import MockSurvey
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

INTERVALS = ("teff", "logg", "feh", "log_age", "log_lifetime")


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator.load()


@pytest.fixture(scope="module")
def star() -> Spectrum:
    survey = MockSurvey()
    return survey.spectrum(survey.examples()[0][0])


def changed(star: Spectrum, **changes) -> Spectrum:
    fields = {name: getattr(star, name) for name in Spectrum.__dataclass_fields__}
    return Spectrum(**{**fields, **changes})


def test_a_result_is_the_json_of_the_contract(estimator, star):
    result = estimator.estimate(star, samples=20)
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert found["source"] == "mock" and found["model"] == "isochrone" and found["samples"] == 20
    for name in INTERVALS:
        parts = found[name]
        assert list(parts) == ["mean", "std", "p025", "p16", "median", "p84", "p975"]
        assert parts["p025"] <= parts["p16"] <= parts["median"] <= parts["p84"] <= parts["p975"]
    assert list(found["stage"]) == list(STAGES) and sum(found["stage"].values()) == pytest.approx(1)
    assert found["verdict"]["in_domain"] is True
    assert result.draws["stage"].shape == (20, 5) and list(found["stage_interval"]) == list(STAGES)
    assert 10 ** found["log_age"]["p975"] <= 13.8e9


def test_equal_seeds_give_equal_numbers(estimator, star):
    first, again, other = (estimator.estimate(star, samples=10, seed=seed) for seed in (3, 3, 4))
    assert first.to_dict() == again.to_dict()
    assert not np.array_equal(first.draws["log_age"], other.draws["log_age"])
    assert first.network["log_age"].mean != other.network["log_age"].mean
    assert first.log_age == other.log_age, "Model 9's intervals are those of the posterior itself, whatever is drawn"
    assert not any(module.training for module in estimator.network.modules())


def test_photometry_is_used_and_its_absence_is_noted(estimator, star):
    with_it, without = (
        estimator.estimate(star, samples=10),
        estimator.estimate(changed(star, photometry=None), samples=10),
    )
    assert with_it.quality["photometry"] == "used" and without.quality["photometry"] == "missing"
    assert with_it.quality["photometry_source"] == star.photometry.source != ""
    assert without.quality["photometry_source"] == ""
    assert any("No photometry" in message for message in without.verdict.messages)
    assert with_it.teff.mean != without.teff.mean


def test_pixels_outside_the_coverage_have_no_influence(estimator, star):
    cut = star.wavelength < 6500
    first = changed(star, ivar=np.where(cut, star.ivar, 0.0))
    second = changed(star, ivar=np.where(cut, star.ivar, 0.0), flux=np.where(cut, star.flux, 1e6))
    assert estimator.estimate(first, samples=5).log_age == estimator.estimate(second, samples=5).log_age


def corrupted(star: Spectrum, kind: str) -> Spectrum:
    rng = np.random.default_rng(5)
    flux, ivar, wave = np.array(star.flux), np.array(star.ivar), star.wavelength
    if kind == "spikes":
        flux[rng.integers(0, flux.size, 60)] *= 50
    elif kind == "dead arm":
        ivar[wave > 6000] = 0
    elif kind == "shuffled":
        flux = rng.permutation(flux)
    elif kind == "noise":
        flux = rng.standard_normal(flux.size) + 0.1
    elif kind == "negative arm":
        flux[wave < 5000] *= -1
    elif kind == "huge":
        flux, ivar = flux * 1e25, ivar * 1e-50
    elif kind == "tilt":
        flux *= (wave / 6000) ** 4
    return changed(star, flux=flux, ivar=ivar)


@pytest.mark.parametrize("kind", ["spikes", "dead arm", "shuffled", "noise", "negative arm", "huge", "tilt"])
def test_ages_stay_physical_on_corrupted_spectra(estimator, star, kind):
    try:
        result = estimator.estimate(corrupted(star, kind), samples=10)
    except SpectrumError as error:
        assert "\n" not in str(error)
        return
    ages = 10.0 ** np.concatenate([result.draws["log_age"], [result.network["log_age"].p975]])
    assert ages.min() > 0 and ages.max() <= 13.8e9
    assert all(np.isfinite(result.draws[name]).all() for name in INTERVALS)
    if kind in ("shuffled", "noise", "negative arm"):
        assert not result.verdict.in_domain


def test_bad_requests_are_errors_of_one_line(estimator, star):
    for samples in (1, 5000):
        with pytest.raises(ParameterError, match="passes"):
            estimator.estimate(star, samples=samples)
    with pytest.raises(ParameterError, match="seed"):
        estimator.estimate(star, seed=-1)
