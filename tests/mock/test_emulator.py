"""The spectral emulator: physics of the lines, scale, spread and domain."""

import json

import numpy as np
import pytest

from stellar_core.errors import ModelError
from stellar_core.mock.emulator import EMULATOR_DIR, SpectralEmulator
from stellar_core.mock.fit.library import load_library, smooth_continuum
from stellar_core.mock.spectrograph import sdss_fwhm
from stellar_core.preprocessing.grid import GRID


@pytest.fixture(scope="module")
def emulator() -> SpectralEmulator:
    return SpectralEmulator.load()


def depth(lines: np.ndarray, centre: float, half: float = 4.0) -> np.ndarray:
    """Mean depth of a line in spectra divided by their continuum."""
    return 1 - lines[:, np.abs(GRID - centre) <= half].mean(axis=1)


def test_spectra_are_normalised_to_median_one(emulator):
    flux = emulator.spectra([5000.0, 6500.0], [4.5, 4.0], [-0.5, -1.0])
    assert flux.shape == (2, 6800) and flux.dtype == np.float32
    window = (GRID >= 4500) & (GRID < 7000)
    assert np.median(flux[:, window], axis=1) == pytest.approx(1.0, abs=1e-3)
    assert np.isfinite(flux).all() and (flux > 0).all()


def test_hotter_stars_are_bluer_and_have_stronger_balmer_lines(emulator):
    teff = np.array([4500.0, 5500.0, 6500.0, 8500.0])
    flux, lines = emulator.spectra(teff, 4.2, -0.3), emulator.lines(teff, 4.2, -0.3)
    colour = flux[:, GRID < 4700][:, 300:].mean(1) / flux[:, (GRID > 7000) & (GRID < 8000)].mean(1)
    assert (np.diff(colour) > 0).all()
    assert (np.diff(depth(lines, 4862.7, 10)) > 0).all()


def test_metals_deepen_lines_and_gravity_the_magnesium_triplet(emulator):
    feh = np.array([-2.0, -1.0, 0.0])
    assert (np.diff(depth(emulator.lines(5500.0, 4.3, feh), 5178.0, 12)) > 0).all()
    giant, dwarf = depth(emulator.lines(4800.0, np.array([2.2, 4.6]), -0.3), 5178.0, 12)
    assert dwarf > giant + 0.03


def test_the_residual_scatter_has_the_size_of_the_library(emulator):
    plain = emulator.lines(np.full(200, 5800.0), 4.3, -0.5)
    flux = emulator.spectra(np.full(200, 5800.0), 4.3, -0.5, np.random.default_rng(0))
    again = emulator.spectra(np.full(200, 5800.0), 4.3, -0.5, np.random.default_rng(0))
    assert np.array_equal(flux, again)
    spread = (flux / smooth_continuum(flux) - plain)[:, 250:3500].std(axis=0)
    assert 0.003 < np.median(spread) < 0.03


def test_the_domain_is_where_the_library_has_stars(emulator):
    inside = emulator.domain([5772.0, 4800.0, 6200.0], [4.44, 2.5, 4.1], [0.0, -0.2, -1.5])
    outside = emulator.domain([30000.0, 3500.0, 5500.0], [4.0, 0.0, 8.0], [0.0, -2.5, 0.0])
    assert inside.all() and not outside.any()


def test_the_card_names_sources_errors_and_outliers():
    card = json.loads((EMULATOR_DIR / "card.json").read_text())
    held = card["held_out_line_residual_3850_7350"]["without those named as outliers"]
    assert held["4500-8000 K"]["rms"] <= 0.018 and held["3500-4500 K"]["rms"] <= 0.040
    assert set(card["sources"]) == {"MILES", "STELIB", "BOSS_TEMPLATE", "KURUCZ_STD"} and card["outliers_left_out"]


def test_damaged_weights_give_one_sentence(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ModelError, match="be read"):
        SpectralEmulator.load(tmp_path)


def test_the_library_is_brought_to_one_resolution(shared_data):
    library = load_library(shared_data / "library")
    assert len(library) > 1300 and np.isfinite(library.flux).all()
    assert sdss_fwhm(np.array([4000.0, 6090.0, 9000.0])) == pytest.approx([2.5, 3.0, 3.4])


def test_emulated_spectra_are_close_to_the_library(shared_data, emulator):
    library = load_library(shared_data / "library")
    teff = library.labels[:, 0]
    rows = np.flatnonzero((library.source == "MILES") & (teff > 4500) & (teff < 8000))[::8]
    lines = library.flux[rows] / smooth_continuum(library.flux[rows])
    difference = (lines - emulator.lines(*library.labels[rows].T))[:, 250:3500]
    rms = np.sqrt((difference**2).mean(axis=1))
    assert np.median(rms) < 0.015
