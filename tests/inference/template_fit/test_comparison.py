"""Contradictions between a network's result and the fit of templates."""

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.inference.result import Result, Verdict
from stellar_core.inference.template_fit import TemplateFit, contradiction, with_template_fit
from stellar_core.inference.template_fit.comparison import LIMITS
from stellar_core.intervals import Interval
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum


def fit(chi2=1.0) -> TemplateFit:
    errors = np.array([80.0, 0.15, 0.1])
    return TemplateFit(6500.0, 4.2, -0.2, errors, errors, chi2, {}, 0.0, 0.0)


def result(teff=6500.0, logg=4.2, feh=-0.2, error=(60.0, 0.2, 0.2)) -> Result:
    intervals = [Interval.gaussian(*pair) for pair in zip((teff, logg, feh), error)]
    rest = Interval.gaussian(9.5, 0.2)
    return Result("x", "x", "upload", "isochrone", 0, 0, *intervals, rest, rest, {"Hot": 1.0}, Verdict(True))


def test_agreement_is_no_contradiction():
    found = contradiction(result(teff=6600.0, feh=-0.5), fit())
    assert not found and not found.sentences
    assert [one.quantity for one in found.tensions] == list(LIMITS)


def test_a_metal_poor_answer_for_a_solar_star_contradicts_in_a_plain_sentence():
    found = contradiction(result(feh=-2.3), fit())
    assert found and [one.quantity for one in found.beyond] == ["feh"]
    assert found.sentences == (
        "[Fe/H] contradicts a fit of template spectra to the lines: −2.30 ± 0.20 dex from the network, "
        "−0.20 ± 0.10 dex from the templates (9.4 sigma).",
    )


@pytest.mark.parametrize(("quantity", "value"), [("teff", 7200.0), ("logg", 2.8)])
def test_teff_and_log_g_contradict_too(quantity, value):
    assert [one.quantity for one in contradiction(result(**{quantity: value}), fit()).beyond] == [quantity]


def test_wide_errors_and_small_differences_do_not_contradict():
    assert not contradiction(result(feh=-2.3, error=(60.0, 0.2, 0.8)), fit())
    assert not contradiction(result(teff=6790.0, error=(1.0, 0.01, 0.01)), fit())


def test_a_poor_fit_contradicts_nothing():
    assert not contradiction(result(feh=-2.3), fit(chi2=5.0))


def prepared(first=4000.0):
    flux = SpectralEmulator.load().spectra([6500.0], [4.2], [-0.2])[0].astype(float)
    return prepare(Spectrum(GRID, np.where(GRID < first, np.nan, flux), (60.0 / flux) ** 2, redshift=0.0))


def test_a_result_that_contradicts_is_no_longer_trusted():
    kept = with_template_fit(result(), prepared())
    assert kept.verdict == Verdict(True) and kept.to_dict()["template_fit"]["contradicts"] == []
    flagged = with_template_fit(result(feh=-2.3), prepared())
    assert not flagged.verdict.in_domain and flagged.verdict.messages[0].startswith("[Fe/H] contradicts")
    assert flagged.template_fit["contradicts"] == ["feh"] and flagged.template_fit["teff"]["std"] > 0


def test_a_result_stays_as_it_is_where_nothing_can_be_fitted():
    same = result()
    assert with_template_fit(same, prepared(first=7000.0)) is same and same.to_dict()["template_fit"] is None


@pytest.mark.slow
def test_a_real_star_of_another_survey_that_the_network_takes_for_metal_poor_is_flagged(shared_data):
    path = shared_data / "lamost" / "spec-55862-B6212_sp06-043.fits.gz"
    if not path.exists():
        pytest.skip("no spectra of LAMOST")
    found = Estimator.load().estimate(read_spectrum(path), samples=2).to_dict()
    if abs(found["feh"]["median"] + 0.17) < 0.5:
        assert found["verdict"]["in_domain"], "a network that is right needs no flag"
    else:
        assert not found["verdict"]["in_domain"] and found["template_fit"]["contradicts"] == ["feh"]
    assert found["template_fit"]["feh"]["median"] == pytest.approx(-0.17, abs=0.25)
