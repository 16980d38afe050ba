"""The mock spectrographs: shapes, S/N, line spread, velocity, and the noise of real files."""

import numpy as np
import pytest

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ParameterError
from stellar_core.mock.fit.instrument import fit_instruments, read_frames
from stellar_core.mock.instrument import INSTRUMENTS, load_instrument, observe
from stellar_core.mock.spectrograph import LOGLAM_STEP, LOGLAM_ZERO, N_PIXEL, NODES
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR

GRID = 3600.0 + np.arange(6800)


def lined(n: int, centre: float = 6000.0) -> np.ndarray:
    """Flat spectra with one absorption line of 2.5 A FWHM."""
    sigma = 2.5 / 2.3548
    return np.tile(1 - 0.6 * np.exp(-0.5 * ((GRID - centre) / sigma) ** 2), (n, 1))


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_spectra_have_the_requested_snr(name):
    snr = np.repeat([5.0, 20.0, 60.0], 40)
    seen = observe(lined(120), 0.0, snr, name, np.random.default_rng(3))
    flux, ivar = seen.flux, seen.ivar
    got = np.array([np.median((f * np.sqrt(i))[i > 0]) for f, i in zip(flux, ivar)])
    assert np.abs(np.median((got / snr).reshape(3, 40), axis=1) - 1).max() < 0.02
    assert np.abs(got / snr - 1).max() < 0.10


def test_ranges_and_pixels():
    for name, low, high in (("SDSS", 3835, 9180), ("BOSS", 3650, 10300)):
        seen = observe(lined(40), 0.0, 30.0, name, np.random.default_rng(0))
        wavelength, flux, ivar = seen.wavelength, seen.flux, seen.ivar
        assert flux.shape == ivar.shape == (40, wavelength.size)
        steps = (np.log10(wavelength) - LOGLAM_ZERO) / LOGLAM_STEP
        assert np.allclose(steps, np.round(steps), atol=1e-6)
        covered = (wavelength > low) & (wavelength < high)
        assert (ivar[:, covered] > 0).mean() > 0.95
        assert np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()
    seen = observe(lined(40), 0, 30, "SDSS", np.random.default_rng(0))
    starts = [np.flatnonzero(row > 0)[0] for row in seen.ivar]
    assert len(set(starts)) > 5


def test_same_generator_same_spectrum():
    first, second = (observe(lined(2), 10.0, 20.0, "BOSS", np.random.default_rng(5)) for _ in range(2))
    other = observe(lined(2), 10.0, 20.0, "BOSS", np.random.default_rng(6))
    assert np.array_equal(first.flux, second.flux) and np.array_equal(first.ivar, second.ivar)
    assert not np.array_equal(first.flux, other.flux)


def centroid(seen, row, centre):
    near = np.abs(seen.wavelength - centre) < 12
    depth = 1 - seen.model[row, near] / np.median(seen.model[row, near])
    depth = np.where(depth > 0.03, depth, 0)
    return np.sum(depth * seen.wavelength[near]) / depth.sum()


def test_velocity_moves_lines():
    velocity = np.array([-300.0, 0.0, 300.0])
    seen = observe(lined(3), velocity, 1e4, "SDSS", np.random.default_rng(0))
    for row, speed in enumerate(velocity):
        expected = 6000.0 * (1 + speed / SPEED_OF_LIGHT)
        assert abs(centroid(seen, row, expected) - expected) < 0.1


def test_line_spread_is_that_of_real_files():
    tool = load_instrument("SDSS")
    for centre in (6500.0, 8600.0):
        seen = observe(
            lined(30, centre), 0.0, 1e4, tool, np.random.default_rng(1), resolution=lambda wave: 2.5 + 0 * wave
        )
        near = np.abs(seen.wavelength - centre) < 12
        depth = 1 - seen.model[:, near] / np.median(seen.model[:, near], axis=1, keepdims=True)
        x = seen.wavelength[near] - centre
        step = np.gradient(seen.wavelength[near])
        area = (np.clip(depth, 0, None) * step).sum(1)
        width = area / depth.max(1) / np.sqrt(2 * np.pi)
        expected = np.interp(np.log10(centre), NODES, tool.wdisp) * centre * np.log(10) * LOGLAM_STEP
        assert abs(np.median(width) / expected - 1) < 0.08, (centre, x.size)


def test_noise_is_correlated_between_neighbours():
    seen = observe(np.ones((60, 6800)), 0.0, 20.0, "SDSS", np.random.default_rng(2))
    use = (seen.wavelength > 4300) & (seen.wavelength < 5000)
    chi = ((seen.flux - seen.model) * np.sqrt(seen.ivar))[:, use]
    lag = [np.mean(chi[:, k:] * chi[:, : chi.shape[1] - k]) / np.mean(chi**2) for k in (1, 2, 3)]
    assert 0.2 < lag[0] < 0.45 and abs(lag[1]) < 0.1 and abs(lag[2]) < 0.1


def test_faint_stars_are_limited_by_the_sky():
    faint = observe(np.ones((40, 6800)), 0.0, 4.0, "SDSS", np.random.default_rng(2))
    bright = observe(np.ones((40, 6800)), 0.0, 80.0, "SDSS", np.random.default_rng(2))
    contrast = []
    for seen in (faint, bright):
        sigma = np.median(1 / np.sqrt(np.maximum(seen.ivar, 1e-30)), axis=0)
        at = lambda wave: sigma[np.argmin(np.abs(seen.wavelength - wave))]
        contrast.append(at(8828.0) / at(8600.0))
    assert contrast[0] > 3 > contrast[1] > 1.3


@pytest.mark.parametrize(
    ("flux", "snr", "name"),
    [(np.ones((2, 100)), 20.0, "SDSS"), (np.ones((2, 6800)), 0.0, "SDSS"), (np.ones((2, 6800)), 9.0, "DESI")],
)
def test_bad_input(flux, snr, name):
    with pytest.raises(ParameterError):
        observe(flux, 0.0, snr, name, np.random.default_rng(0))


@pytest.mark.slow
def test_shipped_tables_equal_a_fit_to_the_files(shared_data):
    arrays, _ = fit_instruments(shared_data / "sdss")
    shipped, _ = read_model(TRAINED_DIR / "mock-instrument")
    assert arrays.keys() == shipped.keys()
    for key, value in arrays.items():
        assert np.allclose(value, shipped[key], rtol=1e-3, atol=1e-3), key


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_noise_shape_of_real_files(shared_data, name):
    """Relative sigma(lambda) of mock copies of the real files, in 150-pixel medians, within 12 %."""
    frames = list(read_frames(shared_data / "sdss")[name])
    tool = load_instrument(name)
    loglam = LOGLAM_ZERO + LOGLAM_STEP * np.arange(N_PIXEL)
    low, high = (3850, 9150) if name == "SDSS" else (3700, 10250)
    edges = np.log10(np.linspace(low, high, 25))
    ratios = []
    for seed, frame in enumerate(frames):
        good = frame["ivar"] > 0
        snr = np.median(frame["flux"][good] * np.sqrt(frame["ivar"][good]))
        if snr < 2:
            continue
        rest = np.interp(np.log10(GRID), loglam[good], frame["model"][good])
        level = np.median(frame["sky"][good]) / np.median(frame["flux"][good])
        seen = observe(np.tile(rest, (4, 1)), 0.0, snr, tool, np.random.default_rng(seed), sky=level)
        mock = np.full((4, N_PIXEL), np.nan)
        mock[:, tool.pixels] = np.where(seen.ivar > 0, seen.ivar, np.nan) ** -0.5
        real = np.where(good, frame["ivar"], np.nan) ** -0.5
        mock = mock / np.nanmedian(mock, axis=1, keepdims=True)
        real = real / np.nanmedian(real)
        cells = [(loglam >= a) & (loglam < b) for a, b in zip(edges[:-1], edges[1:])]
        both = [c & np.isfinite(real) & np.isfinite(mock).all(axis=0) for c in cells]
        ratios.append([np.log(np.median(mock[:, c]) / np.median(real[c])) if c.any() else np.nan for c in both])
    assert np.abs(np.nanmedian(ratios, axis=0)).max() < 0.12
