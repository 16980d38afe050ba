"""Preparation of spectra: grid, redshift and notes."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import prepare
from stellar_core.spectrum import Spectrum

#: An SDSS spectrograph's pixels: 3802-9206 Angstrom at 1e-4 dex.
LEGACY = 10 ** (3.58 + 1e-4 * np.arange(3842))


def wavy(wavelength: np.ndarray) -> np.ndarray:
    """A smooth spectrum with structure on 300 Angstrom."""
    return 20 + 5 * np.sin(wavelength / 50)


def test_grid_is_that_of_the_paper():
    assert GRID.shape == (6800,)
    assert GRID[0] == 3600 and GRID[-1] == 10399
    assert np.all(np.diff(GRID) == 1)


def test_prepare_removes_the_redshift_of_the_file_or_the_given_one():
    line = wavy(LEGACY) - 10 * np.exp(-0.5 * ((LEGACY - 6564.6 * 1.001) / 4) ** 2)
    spectrum = Spectrum(LEGACY, line, np.ones_like(LEGACY), redshift=0.001, notes=("from afar",))
    prepared = prepare(spectrum)
    assert prepared.redshift_source == "file" and prepared.redshift == 0.001
    assert prepared.notes == ("from afar",)
    window = (GRID > 6545) & (GRID < 6585)
    assert GRID[window][np.argmin(prepared.flux[window])] == pytest.approx(6564.6, abs=1)
    given = prepare(spectrum, redshift=0.0)
    assert given.redshift_source == "given"
    assert GRID[window][np.argmin(given.flux[window])] == pytest.approx(6571.2, abs=1)
    with pytest.raises(ParameterError):
        prepare(spectrum, redshift=-2.0)


def test_prepare_notes_an_assumed_redshift():
    prepared = prepare(Spectrum(LEGACY, wavy(LEGACY), np.ones_like(LEGACY)))
    assert prepared.redshift == 0 and prepared.redshift_source == "assumed"
    assert "no redshift" in prepared.notes[-1]


def test_prepared_arrays_are_read_only():
    prepared = prepare(Spectrum(LEGACY, wavy(LEGACY), np.ones_like(LEGACY), redshift=0.0))
    with pytest.raises(ValueError):
        prepared.flux[0] = 3
