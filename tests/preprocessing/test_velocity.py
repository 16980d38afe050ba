"""Velocities by cross-correlation, of synthetic and of real spectra."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import prepare
from stellar_core.preprocessing.velocity import MAX_VELOCITY, measure_velocity
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum

PIXELS = 10 ** (3.58 + 1e-4 * np.arange(3842))


def synthetic_star(wavelength: np.ndarray, seed: int = 5) -> np.ndarray:
    """A sloping continuum with 150 random absorption lines; rest-frame ``wavelength``."""
    rng = np.random.default_rng(seed)
    flux = 2 - wavelength / 10000
    for centre, depth in zip(rng.uniform(3700, 9000, 150), rng.uniform(0.05, 0.5, 150)):
        flux = flux * (1 - depth * np.exp(-0.5 * ((wavelength - centre) / 3) ** 2))
    return flux


def templates_of(shared_data: Path, count: int) -> np.ndarray:
    """``count`` MILES stars from 4000 to 9000 K, evenly in rank of Teff, (count, 6800)."""
    with (shared_data / "library" / "stellar_library.csv").open(newline="") as handle:
        rows = [
            (float(row["teff_K"]), int(row["row"]))
            for row in csv.DictReader(handle)
            if row["source"] == "MILES" and row["teff_K"] and row["feh_dex"]
        ]
    rows = sorted(row for row in rows if 4000 < row[0] < 9000)
    chosen = [rows[i][1] for i in np.linspace(0, len(rows) - 1, count).astype(int)]
    with np.load(shared_data / "library" / "stellar_library.npz") as library:
        return library["flux"][chosen].astype(np.float64)


@pytest.mark.parametrize("velocity", [-650.0, -101.7, 0.0, 13.3, 420.0])
def test_a_known_velocity_is_recovered(velocity):
    rng = np.random.default_rng(2)
    redshift = velocity / SPEED_OF_LIGHT
    flux = synthetic_star(PIXELS / (1 + redshift)) + rng.normal(0, 0.05, PIXELS.size)
    templates = np.stack([synthetic_star(GRID, seed=8), synthetic_star(GRID)])
    found = measure_velocity(PIXELS, flux, np.full(PIXELS.size, 400.0), templates)
    assert found.template == 1
    assert found.reliable
    assert found.redshift * SPEED_OF_LIGHT == pytest.approx(velocity, abs=4)
    assert 4 < found.error * SPEED_OF_LIGHT < 15


def test_templates_may_have_gaps_and_missing_ends():
    template = synthetic_star(GRID)
    template[GRID > 7400] = np.nan
    template[(GRID > 5000) & (GRID < 5100)] = np.nan
    flux = synthetic_star(PIXELS / 1.0004)
    found = measure_velocity(PIXELS, flux, np.full(PIXELS.size, 400.0), template[None])
    assert found.redshift == pytest.approx(0.0004, abs=1.5e-5)


def test_noise_has_no_velocity():
    rng = np.random.default_rng(4)
    flux = 1 + rng.normal(0, 0.1, PIXELS.size)
    found = measure_velocity(PIXELS, flux, np.full(PIXELS.size, 100.0), synthetic_star(GRID)[None])
    assert not found.reliable


def test_velocity_beyond_the_search_range_is_unreliable():
    redshift = 1.3 * MAX_VELOCITY / SPEED_OF_LIGHT
    flux = synthetic_star(PIXELS / (1 + redshift))
    found = measure_velocity(PIXELS, flux, np.full(PIXELS.size, 400.0), synthetic_star(GRID)[None])
    assert not found.reliable


def test_bad_arguments_are_refused():
    with pytest.raises(ParameterError, match="6800"):
        measure_velocity(PIXELS, PIXELS, PIXELS, np.ones((3, 10)))
    with pytest.raises(SpectrumError, match="500"):
        measure_velocity(PIXELS[:100], PIXELS[:100], PIXELS[:100], synthetic_star(GRID)[None])


def test_prepare_measures_the_velocity_with_a_note():
    redshift = -250 / SPEED_OF_LIGHT
    spectrum = Spectrum(PIXELS, synthetic_star(PIXELS / (1 + redshift)), np.full(PIXELS.size, 400.0))
    prepared = prepare(spectrum, synthetic_star(GRID)[None])
    assert prepared.redshift_source == "cross-correlation"
    assert prepared.redshift == pytest.approx(redshift, abs=2e-5)
    assert prepared.redshift_error is not None and prepared.redshift_error > 0
    assert "cross-correlation" in prepared.notes[-1] and "-25" in prepared.notes[-1]
    assert prepare(spectrum, synthetic_star(GRID, seed=99)[None] * 0 + 1).redshift_source == "assumed"


def test_sdss_redshifts_are_reproduced(shared_data):
    """Stars with S/N > 15: against the pipeline's redshift, scatter below 15 km/s."""
    templates = templates_of(shared_data, 40)
    differences = []
    with (shared_data / "sdss" / "index.csv").open(newline="") as handle:
        stars = [row for row in csv.DictReader(handle) if row["kind"] == "STAR" and row["z"] and float(row["sn"]) > 15]
    assert len(stars) > 40
    for star in stars:
        spectrum = read_spectrum(shared_data / "sdss" / star["file"])
        found = measure_velocity(spectrum.wavelength, spectrum.flux, spectrum.ivar, templates)
        assert found.reliable, star["file"]
        differences.append((found.redshift - spectrum.redshift) * SPEED_OF_LIGHT)
    differences = np.array(differences)
    scatter = 1.4826 * np.median(np.abs(differences - np.median(differences)))
    assert abs(np.median(differences)) < 10
    assert scatter < 12
    assert np.max(np.abs(differences)) < 50
