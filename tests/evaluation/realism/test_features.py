"""Each realism feature responds to its own kind of difference."""

import numpy as np
import pytest

from stellar_core.constants import TELLURIC_BANDS
from stellar_core.evaluation.realism.features import realism_features
from stellar_core.spectrum import Spectrum

WAVELENGTH = 10 ** (3.5815 + 1e-4 * np.arange(3830))


def plain(seed: int = 0, **changes: np.ndarray) -> Spectrum:
    """A flat spectrum of S/N 30 with white noise."""
    flux = 1 + np.random.default_rng(seed).standard_normal(WAVELENGTH.size) / 30
    values = {"flux": flux, "ivar": np.full(WAVELENGTH.size, 900.0)} | changes
    return Spectrum(WAVELENGTH, values["flux"], values["ivar"])


def test_white_noise_of_the_right_size_gives_zero():
    found = realism_features(plain())
    assert np.abs(found["noise scale"]).max() < 0.3 and np.abs(found["noise correlation"]).max() < 0.4
    assert np.abs(found["continuum"]).max() < 0.02
    assert all(np.isfinite(values).all() for values in found.values())


def test_doubled_noise_gives_ln_2():
    flux = 1 + 2 * (plain().flux - 1)
    assert realism_features(plain(flux=flux))["noise scale"] == pytest.approx(np.full(10, np.log(2)), abs=0.3)


def test_correlated_neighbours_lower_the_nearest_difference():
    white = np.random.default_rng(1).standard_normal(WAVELENGTH.size + 1)
    flux = 1 + (white[1:] + 0.6 * white[:-1]) / np.sqrt(1.36) / 30
    ratios = realism_features(plain(flux=flux))["noise correlation"]
    assert np.median(ratios[:10]) == pytest.approx(0.5 * np.log((1.5 - 2 * 0.441) / 1.5), abs=0.1)


def test_a_spike_is_an_outlier_in_its_own_range():
    calm = realism_features(plain())["outliers"]
    flux = plain().flux.copy()
    flux[np.searchsorted(WAVELENGTH, 6000)] += 10 / 30
    struck = realism_features(plain(flux=flux))["outliers"]
    changed = np.flatnonzero(~np.isclose(struck, calm))
    assert changed.size and changed.min() >= 8 and changed.max() < 16


def test_telluric_depth():
    flux = np.ones(WAVELENGTH.size)
    low, high = TELLURIC_BANDS["O2 A"]
    flux[(WAVELENGTH > low) & (WAVELENGTH < high)] = 0.8
    depth = realism_features(plain(flux=flux))["telluric bands"].reshape(5, 5)[:, 0]
    assert depth == pytest.approx([0, 0, -0.2, 0, 0], abs=0.01)


def test_bad_pixels_and_the_ends():
    ivar = np.full(WAVELENGTH.size, 900.0)
    ivar[1000:1007] = 0
    found = realism_features(plain(ivar=ivar))["bad pixels"]
    assert found[0] == pytest.approx(WAVELENGTH[0] / 100)
    assert np.expm1(found[5:8]) == pytest.approx([7, 1, 7])


def test_interstellar_sodium():
    flux = np.ones(WAVELENGTH.size)
    flux[np.abs(WAVELENGTH - 5891.58) < 1.6] = 0.7
    calcium_k, _, sodium, _ = realism_features(plain(flux=flux))["interstellar lines"]
    assert calcium_k == pytest.approx(1) and sodium == pytest.approx(0.7, abs=0.02)
