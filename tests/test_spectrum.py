"""Spectra refuse impossible arrays and mask bad pixels."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.photometry import Photometry
from stellar_core.spectrum import MAX_PIXELS, Spectrum

WAVE = np.linspace(4000.0, 5000.0, 100)


def test_bad_pixels_are_masked_and_kept_finite():
    flux, ivar = np.ones(100), np.ones(100)
    flux[3], ivar[4], ivar[5] = np.nan, np.inf, -1.0
    spectrum = Spectrum(WAVE, flux, ivar)
    assert np.flatnonzero(~spectrum.good).tolist() == [3, 4, 5]
    assert np.isfinite(spectrum.flux).all() and spectrum.snr == 1.0


def test_arrays_cannot_be_changed():
    spectrum = Spectrum(WAVE, np.ones(100), np.ones(100))
    with pytest.raises(ValueError):
        spectrum.flux[0] = 2.0
    with pytest.raises(TypeError):
        spectrum.meta["class"] = "STAR"


@pytest.mark.parametrize(
    ("wave", "flux", "ivar", "words"),
    [
        (WAVE, np.ones(99), np.ones(100), "equally long"),
        (WAVE[:5], np.ones(5), np.ones(5), "5 pixels"),
        (np.arange(MAX_PIXELS + 1.0), np.ones(MAX_PIXELS + 1), np.ones(MAX_PIXELS + 1), "pixels"),
        (WAVE[::-1], np.ones(100), np.ones(100), "increasing"),
        (WAVE, np.full(100, np.nan), np.ones(100), "No pixel"),
        (WAVE, np.ones(100), np.zeros(100), "No pixel"),
    ],
)
def test_impossible_arrays_are_one_clear_error(wave, flux, ivar, words):
    with pytest.raises(SpectrumError, match=words) as caught:
        Spectrum(wave, flux, ivar)
    assert "\n" not in str(caught.value)


def test_sdss_missing_values_count_as_missing_photometry():
    good = Photometry([18.0] * 5, [0.02] * 5, [0.1] * 5, [18.0] * 5)
    assert good.complete
    assert not Photometry([18.0, -9999, 18, 18, 18], [0.02] * 5, [0.1] * 5, [18.0] * 5).complete
    assert not Photometry([18.0] * 5, [0.0] * 5, [0.1] * 5, [18.0] * 5).complete
    with pytest.raises(ParameterError, match="five values"):
        Photometry([18.0] * 4, [0.02] * 5, [0.1] * 5, [18.0] * 5)
