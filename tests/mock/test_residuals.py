"""Residuals of the mock instrument: sizes as measured, independent for each star."""

import numpy as np
import pytest

from stellar_core.mock.fit.residuals import TELLURIC
from stellar_core.mock.instrument import INSTRUMENTS, load_instrument, observe
from stellar_core.mock.optics import hat_matrix
from stellar_core.mock.residuals import MEAN_DUST, interstellar
from stellar_core.mock.spectrograph import LOGLAM_STEP, LOGLAM_ZERO, N_PIXEL, NODES, SKY_RANGES
from stellar_core.mock.streams import StarStreams


@pytest.fixture(params=INSTRUMENTS)
def tool(request):
    return load_instrument(request.param)


def hats(tool):
    return hat_matrix(NODES, tool.loglam)


def test_noise_has_the_measured_correlation(tool):
    noise, _ = tool.residuals.noise(300, hats(tool), np.random.default_rng(0))
    use = slice(1000, 1400)
    taps = (tool.residuals.filter @ hats(tool))[:, 1200]
    for lag in (1, 2, 3):
        wanted = np.sum(taps[lag:] * taps[:-lag]) / np.sum(taps**2)
        found = np.mean(noise[:, use] * noise[:, 1000 + lag : 1400 + lag]) / np.mean(noise[:, use] ** 2)
        assert found == pytest.approx(wanted, abs=0.03)


def test_differences_two_steps_away_have_unit_scatter(tool):
    noise, _ = tool.residuals.noise(400, hats(tool), np.random.default_rng(1))
    difference = (noise[:, 2:-2] - (noise[:, :-4] + noise[:, 4:]) / 2) / np.sqrt(1.5)
    assert 1.4826 * np.median(np.abs(difference)) == pytest.approx(1.0, abs=0.03)


def test_ripples_are_correlated_between_neighbours(tool):
    _, ripple = tool.residuals.noise(200, hats(tool), np.random.default_rng(2))
    assert np.mean(ripple[:, 1:] * ripple[:, :-1]) / np.mean(ripple**2) == pytest.approx(0.8, abs=0.03)


def test_spikes_are_as_many_as_in_real_files(tool):
    empty = np.zeros((2000, tool.loglam.size), np.float32)
    tool.residuals.add_spikes(empty, tool.pixels.start, np.random.default_rng(3))
    per_spectrum = (np.abs(empty) > 4).sum() / 2000
    real = (np.abs(tool.residuals.spikes[:, 1:]) > 4).sum() / len(tool.residuals.spike_counts)
    assert per_spectrum == pytest.approx(real, rel=0.15) and 0.3 < real < 6


def test_transmission_has_telluric_bands_and_is_otherwise_smooth(tool):
    factor = tool.residuals.transmission(200, tool.pixels, hats(tool), np.random.default_rng(4))
    wave = 10**tool.loglam
    band = np.any([(wave > low - 20) & (wave < high + 20) for low, high in TELLURIC], axis=0)
    steps = np.abs(np.diff(factor, n=2, axis=1))
    assert np.median(steps[:, band[1:-1]]) > 20 * np.median(steps[:, ~band[1:-1]])
    spread = factor.std(axis=0)
    assert spread[np.argmin(np.abs(wave - 3900))] > 2 * spread[np.argmin(np.abs(wave - 6500))] > 0.001
    assert 0.7 < factor.min() and factor.max() < 1.3


def test_sky_residuals_stay_in_their_ranges(tool):
    wave = 10**tool.loglam
    left = tool.residuals.sky_left(500, wave, np.random.default_rng(5))
    inside = np.any([(wave >= low) & (wave < high) for low, high in SKY_RANGES], axis=0)
    assert not left[:, ~inside].any()
    oh = left[:, np.argmin(np.abs(wave - 8000))]
    assert 0.002 < np.median(np.abs(oh)) < 0.1 and abs(np.mean(oh > 0) - 0.5) < 0.1


def test_interstellar_lines_follow_the_dust():
    wave = 10 ** load_instrument("SDSS").loglam
    wdisp = np.full((4000, wave.size), 1.0, np.float32)
    parts = interstellar(4000, wave, wdisp, np.random.default_rng(6))
    # Na D2 + D1 at the median of the dust, Poznanski et al. (2012).
    wanted = (np.log10(MEAN_DUST * np.log(2)) + 1.85) / 1.17
    width = sum(((1 - factor) * np.gradient(wave[near])).sum(axis=1) for near, factor in parts[:2])
    assert np.median(width) == pytest.approx(wanted, rel=0.06)
    assert len(parts) == 4 and all(factor.max() <= 1 and factor.min() > 0.3 for _, factor in parts)


def test_residuals_are_independent_for_each_star(tool):
    rest = np.ones((5, 6800), np.float32)
    together = observe(rest, 0.0, 20.0, tool, StarStreams([[7, k] for k in range(5)]))
    alone = observe(rest[3:4], 0.0, 20.0, tool, StarStreams([[7, 3]]))
    assert np.array_equal(together.flux[3], alone.flux[0]) and np.array_equal(together.ivar[3], alone.ivar[0])


@pytest.mark.slow
def test_outliers_as_in_real_files(shared_data):
    """The fraction of pixels beyond five times the local scatter agrees with real SDSS stars within a factor of two."""
    from scipy.ndimage import median_filter

    from stellar_core.mock.fit.instrument import read_frames

    instrument = load_instrument("SDSS")
    wave = 10 ** (LOGLAM_ZERO + LOGLAM_STEP * np.arange(N_PIXEL))
    # Free of strong stellar lines, where the pipeline's models are off.
    calm = ((wave > 4400) & (wave < 4840)) | ((wave > 5300) & (wave < 5860)) | ((wave > 6600) & (wave < 8450))

    def share(residual):
        chi = residual - median_filter(np.nan_to_num(residual), (1, 31))
        local = 1.4826 * np.nanmedian(np.abs(chi[:, calm]), axis=1, keepdims=True)
        found = chi[:, calm] / local
        return float(np.mean(np.abs(found[np.isfinite(found)]) > 5))

    real, mock = [], []
    for seed, frame in enumerate(read_frames(shared_data / "sdss")["SDSS"]):
        good = frame["ivar"] > 0
        sigma = np.where(good, frame["ivar"], np.nan) ** -0.5
        real.append((frame["flux"] - frame["model"]) / sigma)
        snr = np.median((frame["flux"] / sigma)[good])
        seen = observe(np.ones((1, 6800)), 0.0, max(snr, 3.0), instrument, np.random.default_rng(seed))
        row = np.full(N_PIXEL, np.nan)
        row[instrument.pixels] = np.where(seen.ivar > 0, (seen.flux - seen.model) * np.sqrt(seen.ivar), np.nan)[0]
        mock.append(row)
    assert 0.5 < share(np.array(mock)) / share(np.array(real)) < 2
