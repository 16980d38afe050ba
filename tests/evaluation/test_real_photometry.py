"""Comparison of estimates with and without the photometry of files: arithmetic, noise, and REAL stars."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.evaluation import real_photometry
from stellar_core.evaluation.real_photometry import MISTAKES, compare_photometry, labelled_spectra, text, with_noise
from stellar_core.photometry import Photometry
from stellar_core.sdss.readers.photometric_rows import AB_OFFSET
from stellar_core.spectrum import Spectrum


def test_noise_lowers_the_signal_to_noise_ratio_as_asked():
    wave = np.linspace(4000, 9000, 4000)
    ivar = np.full(wave.size, 400.0)
    ivar[:100] = 0
    spectrum = Spectrum(wave, np.full(wave.size, 2.0), ivar)
    noisy = with_noise(spectrum, 10.0, np.random.default_rng(0))
    assert spectrum.snr == pytest.approx(40) and noisy.snr == pytest.approx(10, rel=0.02)
    deviation = (noisy.flux - spectrum.flux)[100:]
    assert np.std(deviation) == pytest.approx(0.05 * np.sqrt(15), rel=0.05)  # 0.2^2 - 0.05^2 = 15 * 0.05^2
    assert (noisy.ivar[:100] == 0).all() and with_noise(noisy, 20.0, np.random.default_rng(0)) is noisy


def test_rows_compare_paired_differences():
    reference = np.column_stack([[100.0, -100, 100, -100], np.full(4, 0.2), np.zeros(4)])
    found = real_photometry._row("x", 0.5 * reference, np.array([True, False, False, False]), reference, stars=2)
    assert (found["case"], found["n"], found["flagged"]) == ("x", 4, 1)
    assert found["teff_rms"] == 50 and found["teff_rms_change"] == -50 and found["teff_rms_change_error"] == 0
    assert found["logg_bias"] == 0.1 and found["logg_scatter"] == 0 and found["teff_scatter"] == pytest.approx(74.1)


def test_mistakes_are_those_named():
    right = Photometry(np.full(5, 18.0), np.full(5, 0.02), np.full(5, 0.1), np.full(5, 18.0))
    same, offset, dustless = (change(right) for change in MISTAKES.values())
    assert same is right
    np.testing.assert_allclose(offset.psf_mag - right.psf_mag, AB_OFFSET)
    np.testing.assert_allclose(dustless.extinction, 0.005)


@pytest.mark.slow
def test_photometry_of_real_files_helps(shared_data):
    found = compare_photometry(Estimator.load(), shared_data / "sdss")
    rows = {row["case"]: row for row in found["rows"]}
    assert found["stars"] == 32 and found["with_photometry"] >= 12
    every = rows["all stars, with photometry"]
    assert every["flagged"] <= rows["all stars, spectrum alone"]["flagged"]
    for name, error in (("teff", 75.0), ("logg", 0.2), ("feh", 0.1)):
        assert every[f"{name}_rms_change"] < 0.15 * error, "answers with photometry are at least as good"
    for snr, gain in ((10, 20.0), (5, 50.0)):
        assert rows[f"the same at S/N {snr}, with photometry"]["teff_rms_change"] < -gain
    assert rows["complete photometry, faulty bands used"]["logg_rms"] > 1.5 * every["logg_rms"]
    assert rows["complete photometry, and no extinction"]["teff_rms_change"] > 30
    assert text(found).count("\n") == len(found["rows"]) + 1


def test_labels_are_those_of_the_index(shared_data):
    spectra, labels = labelled_spectra(shared_data / "sdss")
    assert len(spectra) == len(labels) == 32 and np.isfinite(labels).all()
    assert 5200 < labels[:, 0].min() and labels[:, 0].max() < 7500 and labels[:, 2].max() < -0.8
    assert sum(spectrum.photometry is not None for spectrum in spectra) >= 15
