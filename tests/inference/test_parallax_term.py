"""The factor of a parallax: the conditional probability, its limits, and the results that it changes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.astrometry import Astrometry
from stellar_core.errors import ParameterError
from stellar_core.inference.parallax_term import ParallaxTerm, has_magnitude, remarks_on_parallax
from stellar_core.isochrones.track_samples import load_track_samples
from stellar_core.mock.plates import make_plate
from stellar_core.mock.survey import MockSurvey
from stellar_core.quantities import UNITS
from stellar_core.sdss.star_id import StarId

#: A single star at the turn-off with a parallax of thirty errors.
TURN_OFF = StarId.of(16000, 52357, 384)


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load("isochrone")


@pytest.fixture(scope="module")
def spectrum():
    return MockSurvey().spectrum(TURN_OFF, gaia=True)


@pytest.fixture(scope="module")
def result(estimator, spectrum):
    return estimator.estimate(spectrum, samples=5)


@pytest.fixture(scope="module")
def without(estimator, spectrum):
    return estimator.estimate(replace(spectrum, astrometry=None), samples=5)


def test_only_what_the_network_has_not_seen_is_new(spectrum):
    read, unread = (ParallaxTerm.of(spectrum, reads) for reads in (True, False))
    assert set(read.seen.magnitudes) == set("ugriz") and set(read.joint.magnitudes) == {*"ugriz", "G", "BP", "RP"}
    assert not unread.seen.magnitudes and set(unread.joint.magnitudes) == {"G", "BP", "RP"}
    assert read.joint.parallax == spectrum.astrometry.parallax and read.seen.parallax is None
    assert read.joint.dust_column == read.seen.dust_column > 0, "one prior of the dust for both"
    typed = replace(spectrum, astrometry=Astrometry(2.0, 0.1))
    assert set(ParallaxTerm.of(typed, False).joint.magnitudes) == set("ugriz"), "else there is no magnitude at all"


def test_a_parallax_that_says_nothing_changes_nothing(spectrum):
    stars = load_track_samples().stars
    index = np.arange(0, len(stars), len(stars) // 300)
    samples = stars.select(index[stars.logg[index] > 3.0])
    vague, precise = (
        ParallaxTerm.of(replace(spectrum, astrometry=Astrometry(0.5, error)), True) for error in (900.0, 0.02)
    )
    likely = vague.joint.log_likelihood(samples) > -20
    assert np.ptp(vague.log_ratio(samples)[likely]) < 0.1 < 2.0 < np.ptp(precise.log_ratio(samples)[likely])


def test_dust_needs_a_position_and_an_extinction(spectrum):
    nowhere = replace(spectrum, meta={name: value for name, value in spectrum.meta.items() if name != "ra"})
    bare = replace(spectrum, photometry=None)
    for one in (nowhere, bare):
        assert ParallaxTerm.of(one, False).joint.dust_column is None


def test_weights_do_not_depend_on_the_tiers(spectrum, monkeypatch):
    stars, rng = load_track_samples().stars, np.random.default_rng(0)
    index = rng.choice(len(stars), 3000, replace=False)
    index = index[(stars.logg[index] > 3.5) & (stars.log_teff[index] > 3.7) & (stars.log_teff[index] < 3.83)]
    probability = np.exp(-rng.uniform(0, 14, index.size))
    term = ParallaxTerm.of(spectrum, True)
    some, weight, ratio = term.weigh(stars, index, probability / probability.sum())
    monkeypatch.setattr("stellar_core.inference.parallax_term.TIERS", (1e-7,))
    every, exact, _ = term.weigh(stars, index, probability / probability.sum())
    assert weight.sum() == pytest.approx(1) and len(some) == len(weight) == len(ratio)
    found, expected = (w @ stars.log_age[i] for w, i in ((weight, some), (exact, every)))
    assert found == pytest.approx(expected, abs=0.02)


def test_the_age_of_a_turn_off_star_is_more_precise(result, without):
    width = lambda interval: interval.p84 - interval.p16
    assert width(result.log_age) < 0.9 * width(without.log_age) and result.log_age.std < 0.9 * without.log_age.std
    plate = make_plate(MockSurvey().seed, TURN_OFF.plate)
    row = plate.row(TURN_OFF.fiber)
    assert result.log_age.p025 < plate.stars.log_age[row] < result.log_age.p975
    distance = result.parallax["distance_pc"]
    assert distance["p025"] < plate.stars.distance_pc[row] < distance["p975"]
    assert result.parallax["wrong_parallax"] < 0.05 and result.verdict.in_domain
    assert sum(result.stage.values()) == pytest.approx(1)
    assert all(result.parts[name].epistemic < 1.5 * getattr(result, name).std for name in UNITS), (
        "budget of this answer"
    )


def test_the_answer_without_is_that_of_the_same_spectrum_alone(result, without):
    told = result.parallax["without"]
    for name in ("log_age", "log_lifetime", "teff", "logg", "feh"):
        assert told[name] == getattr(without, name).to_dict(), "to the last digit"
    assert told["stage"] == without.stage and without.parallax is None
    assert 0.5 < told["mass"]["median"] < 2.0


def test_equal_seeds_give_equal_numbers_and_json(estimator, spectrum, result):
    again = estimator.estimate(spectrum, samples=5)
    assert json.dumps(again.to_dict(), allow_nan=False) == json.dumps(result.to_dict(), allow_nan=False)
    told = json.loads(json.dumps(result.to_dict()))["parallax"]
    assert told["origin"] == "MOCK survey" and told["parallax_mas"] == spectrum.astrometry.parallax
    assert set(told["distance_pc"]) == set(told["av_mag"]) == {"mean", "std", "p025", "p16", "median", "p84", "p975"}


def test_many_stars_have_the_numbers_of_one(estimator, spectrum, result):
    (one,) = estimator.estimate_many([spectrum])
    assert one.log_age.median == pytest.approx(result.log_age.median, abs=1e-3)
    assert one.parallax["distance_pc"]["median"] == pytest.approx(result.parallax["distance_pc"]["median"], rel=1e-3)


def test_a_parallax_that_contradicts_the_spectrum_is_not_believed(estimator, spectrum, without):
    wrong = replace(spectrum.astrometry, parallax=12.0, parallax_error=0.02)
    found = estimator.estimate(replace(spectrum, astrometry=wrong), samples=5)
    assert found.parallax["wrong_parallax"] > 0.9
    assert any("contradicts the spectrum" in message for message in found.verdict.messages)
    assert found.log_age.median == pytest.approx(without.log_age.median, abs=0.15)
    assert found.verdict.in_domain, "the spectrum itself is sound"


def test_a_bright_companion_and_caveats_are_reported():
    star = Astrometry(1.0, 0.5, {"G": (15.0, 0.01)}, ruwe=2.0, notes=("A note.",))
    remarks = remarks_on_parallax(star, {"wrong_parallax": 0.1, "companion": 0.8})
    assert "unresolved binary" in remarks[0] and "RUWE is 2.0" in remarks[1] and "says little" in remarks[2]
    assert remarks[3] == "A note."
    assert "contradicts" in remarks_on_parallax(star, {"wrong_parallax": 0.8, "companion": 0.8})[0]


def test_a_parallax_needs_a_magnitude(estimator, spectrum):
    bare = replace(spectrum, photometry=None, astrometry=Astrometry(2.0, 0.1))
    assert not has_magnitude(bare, bare.astrometry) and has_magnitude(spectrum, bare.astrometry)
    with pytest.raises(ParameterError, match="needs a magnitude"):
        estimator.estimate(bare, samples=2)


def test_a_network_without_posterior_says_so(spectrum, without):
    paper = Estimator.load("paper-setup-a")
    found = paper.estimate(spectrum, samples=2)
    assert found.parallax is None
    assert any("cannot use a parallax" in message for message in found.verdict.messages)
    alone = paper.estimate(replace(spectrum, astrometry=None), samples=2)
    assert found.log_age == alone.log_age
    assert not any("parallax" in message for message in alone.verdict.messages)
