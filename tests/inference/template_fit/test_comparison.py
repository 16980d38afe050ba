"""Contradictions between a network's result and the fit of templates."""

import numpy as np
import pytest

from stellar_core.inference.result import Result, Verdict
from stellar_core.inference.template_fit import TemplateFit, contradiction
from stellar_core.inference.template_fit.comparison import LIMITS
from stellar_core.intervals import Interval


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
