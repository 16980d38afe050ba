"""Imaging photometry of MOCK stars: dust, errors and asinh magnitudes as in SDSS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.bolometric_corrections import RV, load_bolometric
from stellar_core.constants import ASINH_SOFTENING, POGSON
from stellar_core.dust_map import SFD_COEFFICIENTS

#: True E(B-V) over that of the SFD map (Schlafly & Finkbeiner 2011).
SFD_SCALE = 0.86
#: Five-sigma depth for point sources in u, g, r, i, z (SDSS imaging), mag.
DEPTH = np.array([22.15, 23.13, 22.70, 22.20, 20.71])
#: Smallest error of a PSF magnitude, mag.
FLOOR = np.array([0.018, 0.014, 0.014, 0.014, 0.016])
SOFTENING = np.array(ASINH_SOFTENING)


@dataclass(frozen=True)
class PhotometryBatch:
    """Photometry of many stars: fields of `stellar_core.photometry.Photometry`, each (n, 5) float64, mag."""

    psf_mag: np.ndarray
    psf_mag_err: np.ndarray
    extinction: np.ndarray
    model_mag: np.ndarray


def observe_photometry(magnitudes: np.ndarray, ebv: np.ndarray, rng: np.random.Generator) -> PhotometryBatch:
    """Observe stars of true ``magnitudes`` (n, 5) behind true E(B-V) ``ebv`` (n,), mag.

    The error of a band is its floor and the sky-limited error of its depth, in quadrature, with
    a quarter of scatter from field to field; the model magnitude shares most of the PSF
    magnitude's error and differs by one or two hundredths. The extinction is that of the SFD map,
    with its own error of ten per cent and 0.003 mag in E(B-V).
    """
    true = np.asarray(magnitudes, float)
    quality = np.exp(0.15 * rng.standard_normal((len(true), 1)) + 0.10 * rng.standard_normal(true.shape))
    sky = 0.2 * POGSON * 10.0 ** (0.4 * (true - DEPTH))
    error = np.hypot(FLOOR, sky) * quality
    flux = 10.0 ** (-0.4 * true) * (1.0 + error / POGSON * rng.standard_normal(true.shape))
    model = flux * (1.0 + np.hypot(0.010, 0.5 * error) / POGSON * rng.standard_normal(true.shape))
    sfd = np.asarray(ebv, float) / SFD_SCALE * np.exp(0.1 * rng.standard_normal(len(true)))
    sfd = np.maximum(sfd + 0.003 * rng.standard_normal(len(true)), 0.004)
    # The quoted error in magnitudes of the softened scale.
    signal = 10.0 ** (-0.4 * true)
    quoted = error * signal / np.hypot(signal, 2 * SOFTENING)
    return PhotometryBatch(asinh_magnitude(flux), quoted, sfd[:, None] * SFD_COEFFICIENTS, asinh_magnitude(model))


def asinh_magnitude(flux: np.ndarray) -> np.ndarray:
    """Asinh magnitudes of fluxes (n, 5) in units of the zero-magnitude flux (Lupton et al. 1999)."""
    return -POGSON * (np.arcsinh(flux / (2 * SOFTENING)) + np.log(SOFTENING))


def reddening_curve() -> np.ndarray:
    """A(lambda) / A_V at 3600..10399 A (vacuum), (6800,) float64: Fitzpatrick (1999), R_V 3.1."""
    return load_bolometric().curve


def redden(flux: np.ndarray, ebv: np.ndarray) -> np.ndarray:
    """Redden spectra (n, 6800) on the rest-frame grid by true E(B-V) (n,), mag; float64."""
    # A NumPy scalar, so that the product is in double precision: the bits of every MOCK spectrum depend on it.
    slope = np.float64(-RV / POGSON)
    factor = np.exp(slope * np.asarray(ebv, np.float32)[:, None] * reddening_curve().astype(np.float32))
    return np.asarray(flux, np.float32) * factor
