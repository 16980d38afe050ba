"""Principal components of emulated spectra: they reproduce the emulator between the nodes."""

import numpy as np

from stellar_core.evaluation.bayes_limit.spectral_basis import COMPONENTS, SpectralBasis, emulated
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.light import R_BAND
from stellar_core.mock.population import draw


def test_coefficients_reproduce_the_spectra_of_other_stars():
    stars = draw(400, np.random.default_rng(5))
    stars = stars.select(np.flatnonzero(SpectralEmulator.load().domain(stars.teff, stars.logg, stars.feh)))
    basis = SpectralBasis.load()
    coefficients = basis.coefficients(stars.teff, stars.logg, stars.feh)
    assert coefficients.shape == (len(stars), COMPONENTS) and coefficients.dtype == np.float32
    found, true = basis.spectra(coefficients), emulated(5040.0 / stars.teff, stars.logg, stars.feh)
    rms = np.sqrt(((found / true - 1.0) ** 2).mean(axis=1))
    assert np.median(rms) < 2e-4 and np.quantile(rms, 0.95) < 1e-3
    assert np.allclose(found[:, R_BAND].mean(axis=1), 1.0, atol=1e-4)


def test_beyond_the_nodes_the_edge_is_taken():
    basis = SpectralBasis.load()
    cold, colder = (basis.coefficients([teff], [4.5], [0.0]) for teff in (2000.0, 1000.0))
    assert np.isfinite(cold).all() and np.array_equal(cold, colder)
