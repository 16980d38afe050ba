"""Residuals added to spectra are recovered by the fit."""

import numpy as np
import pytest

from stellar_core.mock.fit.residuals import _components, _moving_average, _ripple, _spikes, sky_gains

WAVELENGTH = 10 ** (3.55 + 1e-4 * np.arange(4700))
CELLS = [slice(low, low + 117) for low in range(0, 4680, 117)]


@pytest.mark.parametrize("wanted", [(0.3, 0.0, 0.05), (0.35, -0.05, 0.05), (0.0, 0.0, 0.0)])
def test_moving_average_has_the_requested_correlation(wanted):
    taps = _moving_average(*wanted)
    assert np.sum(taps**2) == pytest.approx(1)
    assert [np.sum(taps[k:] * taps[:-k]) for k in (1, 2, 3)] == pytest.approx(wanted, abs=0.02)


def test_components_are_corrected_for_noise():
    rng = np.random.default_rng(0)
    shape = np.sin(np.arange(40) / 5)
    rows = 0.05 * rng.standard_normal((400, 1)) * shape + 0.02 * rng.standard_normal((400, 40))
    first, second = _components(rows, 0.02, 2)
    assert np.abs(first @ shape) / (shape @ shape) == pytest.approx(0.05, rel=0.1)
    assert np.linalg.norm(second) < 0.03


def test_sky_gains_are_corrected_for_noise():
    rng = np.random.default_rng(1)
    lines = np.where(np.arange(4700) % 17 == 0, 5.0, -0.3)
    true = 0.03 * rng.standard_normal(90)
    residual = true[:, None] * lines + rng.standard_normal((90, 4700)) * 0.2
    found = sky_gains(residual, np.full((90, 4700), 0.2), np.tile(lines, (90, 1)), WAVELENGTH)
    assert np.corrcoef(found[:, 3], true)[0, 1] > 0.9
    assert found[:, 3].std() == pytest.approx(0.03, rel=0.2)
    assert (
        np.abs(
            sky_gains(residual - true[:, None] * lines, np.full((90, 4700), 0.2), np.tile(lines, (90, 1)), WAVELENGTH)
        ).max()
        < 0.01
    )


def test_spikes_are_found_but_not_lines():
    chi = np.random.default_rng(2).standard_normal((3, 4700))
    chi[0, 2000] += 12.0
    chi[1, np.searchsorted(WAVELENGTH, 6564.6)] += 12.0
    counts, found = _spikes(chi, WAVELENGTH)
    assert counts[0] >= 1 and counts.sum() <= 3
    assert found[0, 0] + 2 == 2000 and found[0, 3] == pytest.approx(12, abs=3)


def test_ripples_and_bumps_of_ivar():
    white = np.random.default_rng(3).standard_normal((20, 4703))
    ripple = 0.03 * (white[:, 1:-2] + white[:, 2:-1] + 0.5 * (white[:, :-3] + white[:, 3:])) / np.sqrt(2.5)
    ripple[4, 1500:1503] += 0.4
    size, spread, counts, bumps = _ripple(ripple, np.ones(4700, bool), WAVELENGTH, CELLS)
    assert np.median(size) == pytest.approx(0.03, rel=0.1) and spread[0] < 0.05
    assert counts[4] == 1 and counts.sum() <= 3 and abs(bumps[np.cumsum(counts)[3], 0] + 2 - 1501) <= 1
