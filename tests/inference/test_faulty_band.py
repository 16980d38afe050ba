"""A single magnitude that disagrees with spectrum and other bands is found, and the answer rests on the spectrum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stellar_core import Estimator, read_spectrum
from stellar_core.bolometric_corrections import load_bolometric
from stellar_core.dust_map import SFD_COEFFICIENTS
from stellar_core.inference.faulty_band import band_deviations
from stellar_core.mock.survey import MockSurvey
from stellar_core.photometry import BANDS, Photometry

MEAN, STD = np.array([5900.0, 4.3, -0.6]), np.array([60.0, 0.15, 0.08])
NAMES = ("teff", "logg", "feh", "log_age", "log_lifetime")


def photometry(shift=np.zeros(5), modulus=17.0) -> Photometry:
    """Of the star ``MEAN`` behind E(B-V) = 0.03 mag."""
    magnitude = modulus - load_bolometric().at(*MEAN[:, None])[0][0] + 0.03 * SFD_COEFFICIENTS + shift
    return Photometry(magnitude, np.full(5, 0.025), 0.03 * SFD_COEFFICIENTS, magnitude)


def shifted(star, band, by):
    shift = np.where(np.arange(5) == BANDS.index(band), by, 0.0)
    found = star.photometry
    return replace(star, photometry=replace(found, psf_mag=found.psf_mag + shift, model_mag=found.model_mag + shift))


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load()


@pytest.fixture(scope="module")
def star():
    survey = MockSurvey()
    return survey.spectrum(survey.examples()[0][0])


@pytest.mark.parametrize("modulus", [12.0, 20.0])
def test_right_photometry_deviates_at_no_distance(modulus):
    found = band_deviations(MEAN, STD, photometry(modulus=modulus))
    assert found.chi2 < 1e-6 and found.faulty is None


@pytest.mark.parametrize("band", range(5))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_single_wrong_band_is_named_with_its_deviation(band, sign):
    shift = np.where(np.arange(5) == band, 0.4 * sign, 0.0)
    found = band_deviations(MEAN, STD, photometry(shift))
    assert found.faulty == band and found.deviation[band] == pytest.approx(0.4 * sign, abs=1e-6)
    assert found.others[band] < 1e-3 and found.chi2 == pytest.approx(found.significance[band] ** 2, rel=1e-4)


def test_colours_of_another_star_or_more_dust_are_not_one_faulty_band():
    tilt = 0.25 * np.array([2.0, 1.0, 0.0, -1.0, -2.0])
    found = band_deviations(MEAN, STD, photometry(tilt))
    assert found.chi2 > 100 and found.faulty is None
    assert band_deviations(MEAN, STD, photometry(0.01 * SFD_COEFFICIENTS)).faulty is None


def test_an_uncertain_star_excuses_what_its_atmosphere_could_explain():
    shift = np.array([0.15, 0, 0, 0, 0])
    sure, unsure = (band_deviations(MEAN, STD * factor, photometry(shift)).chi2 for factor in (0.3, 3.0))
    assert unsure < 0.5 * sure


@pytest.mark.parametrize(("band", "by"), [("u", 0.8), ("r", -0.3)])
def test_answer_with_a_faulty_band_is_that_of_the_spectrum_alone(estimator, star, band, by):
    damaged = shifted(star, band, by)
    alone = estimator.estimate(replace(star, photometry=None), samples=5)
    right, one_of_many = estimator.estimate_many([star, damaged])
    assert right.quality["photometry"] == "used"
    for found in (estimator.estimate(damaged, samples=5), one_of_many):
        assert found.quality["photometry"] == "missing"
        assert any(f"The {band} magnitude is" in message for message in found.verdict.messages)
        assert found.verdict.in_domain == alone.verdict.in_domain
        for name in NAMES:
            assert getattr(found, name).mean == pytest.approx(getattr(alone, name).mean, rel=1e-5)


def test_right_photometry_is_used(estimator, star):
    found = estimator.estimate(star, samples=5)
    assert found.quality["photometry"] == "used" and not any("magnitude is" in text for text in found.verdict.messages)


def test_faulty_bands_of_real_stars(estimator, shared_data):
    """CALIBFLUX of these two legacy stars has one band wrong by 0.4 (u) and 0.25 mag (r)."""
    for name, band in (("0304-51609-0105", "u"), ("0314-51641-0425", "r")):
        spectrum = read_spectrum(shared_data / "sdss" / f"spec-{name}.fits")
        assert spectrum.photometry.complete
        result = estimator.estimate(spectrum, samples=5)
        assert result.verdict.in_domain and result.quality["photometry"] == "missing"
        assert any(f"The {band} magnitude is" in message for message in result.verdict.messages)
        assert result.logg.mean > 4
