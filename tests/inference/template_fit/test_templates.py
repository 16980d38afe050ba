"""The lattice of templates and the lines of a star."""

from dataclasses import replace

import numpy as np

from stellar_core.inference.template_fit.templates import (
    AXES,
    INDEPENDENT,
    REGION,
    WAVELENGTH,
    Templates,
    line_spectra,
    star_lines,
)
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import PreparedSpectrum, prepare
from stellar_core.spectrum import Spectrum


def prepared(change=lambda flux: flux, teff=5600.0, logg=4.4, feh=-0.4, snr=100.0) -> PreparedSpectrum:
    flux = SpectralEmulator.load().spectra([teff], [logg], [feh])[0].astype(float)
    return prepare(Spectrum(GRID, change(flux), (snr / flux) ** 2, redshift=0.0))


def test_the_lattice_spans_its_axes():
    found = Templates.load()
    size = np.prod([axis.size for axis in AXES])
    assert found.labels.shape == (size, 3) and found.lines.shape == (size, WAVELENGTH.size)
    assert np.isfinite(found.lines).all() and np.isfinite(found.log_prior).all()
    assert (np.diff(REGION) >= 0).all()


def test_the_prior_prefers_stars_that_exist():
    found = Templates.load()

    def prior(teff, logg, feh):
        return found.log_prior[np.argmin(((found.labels - [np.log(teff), logg, feh]) ** 2).sum(axis=1))]

    assert prior(5000, 4.5, -0.25) > prior(5000, 4.0, -0.25) + 1
    assert prior(4800, 2.5, -0.25) > prior(4800, 1.0, -0.25) + 1
    unknown = ~SpectralEmulator.load().domain(np.exp(found.labels[:, 0]), *found.labels[:, 1:].T)
    assert 0.1 < unknown.mean() < 0.6 and found.log_prior[unknown].max() < found.log_prior[~unknown].min()


def test_lines_of_a_star_are_those_of_its_template():
    lines, weight = star_lines(prepared())
    like = line_spectra(SpectralEmulator.load(), np.array([[np.log(5600.0), 4.4, -0.4]]))[0]
    assert np.abs(lines - like)[weight > 0].max() < 0.01
    assert (weight <= INDEPENDENT / 0.013**2).all()


def test_a_smooth_error_of_the_calibration_does_not_change_lines():
    plain, weight = star_lines(prepared())
    tilted, _ = star_lines(prepared(lambda flux: flux * (GRID / 5000.0) ** 1.5))
    assert np.abs(tilted - plain)[weight > 0].max() < 0.02


def test_sky_lines_and_gaps_have_no_weight():
    star = prepared()
    gap = star.coverage & ~((GRID > 5000) & (GRID < 5100))
    lines, weight = star_lines(replace(star, coverage=gap))
    for low, high in ((5000, 5100), (5571, 5589), (5885, 5903)):
        inside = (WAVELENGTH > low) & (WAVELENGTH < high)
        assert inside.any() and not weight[inside].any() and not lines[inside].any()
