"""Overlay the emulated spectrum of an atmosphere on an observed one."""

from __future__ import annotations

import numpy as np

from stellar_core.inference.spectral_diagnostics import continuum
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum


def emulated_spectrum(
    emulator: SpectralEmulator, spectrum: Spectrum, prepared: PreparedSpectrum, atmosphere: tuple[float, float, float]
) -> np.ndarray | None:
    """Emulate the spectrum of one atmosphere on the pixels of an observed spectrum.

    At the resolution of SDSS; scaled by the ratio of running means over 301 Angstrom, which removes differences
    in dust and flux calibration, so that lines can be compared.

    Parameters
    ----------
    emulator : SpectralEmulator
    spectrum : Spectrum
    prepared : PreparedSpectrum
        Made from ``spectrum``.
    atmosphere : (3,) float
        Teff [K], log g, [Fe/H] [dex].

    Returns
    -------
    (n_pixel,) float64 or None
        In the unit of the spectrum's flux, NaN outside the coverage; None if the emulator's library has no such star.
    """
    if not emulator.domain(*atmosphere)[0]:
        return None
    coverage = prepared.coverage[None]
    like = emulator.spectra(*(np.array([value]) for value in atmosphere)).astype(float)
    like *= continuum(prepared.flux[None], coverage) / continuum(like, coverage)
    rest, good = spectrum.wavelength / (1.0 + prepared.redshift), spectrum.good
    covered = prepared.coverage
    unit = np.median(np.interp(GRID[covered], rest[good], spectrum.flux[good])) / np.median(prepared.flux[covered])
    return np.interp(rest, GRID, np.where(covered, unit * like[0], np.nan), left=np.nan, right=np.nan)
