"""Normalisation: coverage, filler, smoothing, errors."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from stellar_core.errors import SpectrumError
from stellar_core.preprocessing.grid import GRID, MAX_GAP
from stellar_core.preprocessing.normalisation import FILLER, normalise, normalise_batch
from stellar_core.preprocessing.smoothing import SMOOTH_ORDER, SMOOTH_WINDOW

#: An SDSS spectrograph's pixels: 3802-9206 Angstrom at 1e-4 dex.
LEGACY = 10 ** (3.58 + 1e-4 * np.arange(3842))


def wavy(wavelength: np.ndarray) -> np.ndarray:
    """A smooth spectrum with structure on 300 Angstrom."""
    return 20 + 5 * np.sin(wavelength / 50)


def test_values_follow_the_steps_of_the_paper():
    flux, coverage, _ = normalise(LEGACY, wavy(LEGACY), np.ones_like(LEGACY))
    inside = (GRID >= LEGACY[0]) & (GRID <= LEGACY[-1])
    np.testing.assert_array_equal(coverage, inside)
    expected = savgol_filter(np.interp(GRID[inside], LEGACY, wavy(LEGACY)), SMOOTH_WINDOW, SMOOTH_ORDER)
    np.testing.assert_allclose(flux[inside], expected / np.median(expected), rtol=1e-6)
    assert flux.dtype == np.float32
    assert np.all(flux[~inside] == FILLER)
    assert np.median(flux[inside]) == pytest.approx(1, abs=1e-6)


def test_only_short_gaps_are_interpolated():
    ivar = np.ones_like(LEGACY)
    short = (LEGACY > 5000) & (LEGACY < 5000 + MAX_GAP - 3)
    long = (LEGACY > 6000) & (LEGACY < 6200)
    ivar[short | long] = 0
    flux = wavy(LEGACY)
    flux[short | long] = -1e6
    out, coverage, _ = normalise(LEGACY, flux, ivar)
    assert coverage[(GRID > 4990) & (GRID < 5030)].all()
    assert not coverage[(GRID > 6002) & (GRID < 6198)].any()
    assert np.all(out[(GRID > 6002) & (GRID < 6198)] == FILLER)
    assert 0.7 < out.min() and out.max() < 1.3


def test_covered_points_are_independent_of_gaps():
    ivar = np.ones_like(LEGACY)
    gap = (LEGACY > 6000) & (LEGACY < 6200)
    ivar[gap] = 0
    first, second = wavy(LEGACY), wavy(LEGACY)
    second[gap] = np.nan
    np.testing.assert_array_equal(normalise(LEGACY, first, ivar)[0], normalise(LEGACY, second, ivar)[0])
    # Each stretch is smoothed as if the other did not exist.
    blue = LEGACY <= 6000
    alone = normalise(LEGACY[blue], first[blue], ivar[blue])[0]
    both = normalise(LEGACY, first, ivar)[0]
    stretch = slice(300, 2390)
    ratio = alone[stretch] / both[stretch]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-17, 1.0, 1e9])
def test_flux_unit_does_not_matter(scale):
    reference = normalise(LEGACY, wavy(LEGACY), np.ones_like(LEGACY))[0]
    scaled = normalise(LEGACY, scale * wavy(LEGACY), np.ones_like(LEGACY) / scale**2)[0]
    np.testing.assert_allclose(scaled, reference, rtol=1e-6)


@pytest.mark.parametrize(
    ("wavelength", "flux", "words"),
    [
        (LEGACY, np.full(LEGACY.size, 7.0), "flat"),
        (LEGACY, -wavy(LEGACY), "median flux"),
        (LEGACY, np.full(LEGACY.size, np.nan), "cover 0 Angstrom"),
        (LEGACY[:300], wavy(LEGACY[:300]), "at least 1000"),
        (LEGACY * 4, wavy(LEGACY), "cover 0 Angstrom"),
    ],
)
def test_unusable_spectra_give_one_sentence(wavelength, flux, words):
    with pytest.raises(SpectrumError, match=words) as caught:
        normalise(wavelength, flux, np.ones_like(wavelength))
    assert "\n" not in str(caught.value)


@given(seed=st.integers(0, 2**31), spikes=st.integers(0, 60), dead=st.integers(0, 1500), shift=st.floats(-0.01, 0.01))
@settings(max_examples=60, deadline=None)
def test_damaged_spectra_give_finite_numbers_or_an_error(seed, spikes, dead, shift):
    rng = np.random.default_rng(seed)
    flux = wavy(LEGACY) + rng.normal(0, 8, LEGACY.size)
    flux[rng.integers(0, LEGACY.size, spikes)] = rng.choice([np.nan, np.inf, -1e5, 1e7], spikes)
    ivar = np.full(LEGACY.size, 1 / 64)
    ivar[rng.integers(0, LEGACY.size, dead)] = rng.choice([0, np.nan, -1, np.inf], dead)
    try:
        out, coverage, _ = normalise(LEGACY / (1 + shift), flux, ivar)
    except SpectrumError:
        return
    assert np.all(np.isfinite(out))
    assert np.all(out[~coverage] == FILLER)
    assert coverage.sum() >= 1000


def test_batch_equals_single_spectra_and_marks_unusable_ones():
    rng = np.random.default_rng(3)
    flux = wavy(LEGACY) + rng.normal(0, 1, (4, LEGACY.size))
    flux[2] = 0
    ivar = np.ones_like(flux)
    out, coverage, _, usable = normalise_batch(LEGACY, flux, ivar)
    np.testing.assert_array_equal(usable, [True, True, False, True])
    assert out.dtype == np.float32
    for row in (0, 1, 3):
        one, mask, _ = normalise(LEGACY, flux[row], ivar[row])
        np.testing.assert_array_equal(out[row], one)
        np.testing.assert_array_equal(coverage[row], mask)
    assert np.all(out[2] == FILLER) and not coverage[2].any()
    ragged = normalise_batch([LEGACY, LEGACY[:3000]], [flux[0], flux[1, :3000]], [ivar[0], ivar[1, :3000]])
    np.testing.assert_array_equal(ragged[0][0], out[0])


def test_batch_is_fast_enough_for_a_training_set():
    flux = wavy(LEGACY) + np.random.default_rng(0).normal(0, 1, (300, LEGACY.size))
    ivar = np.ones_like(flux)
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        normalise_batch(LEGACY, flux, ivar)
        best = min(best, time.process_time() - start)
    assert best < 1.0, "300 spectra should take about 0.1 s of processor"
