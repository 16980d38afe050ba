"""ugriz magnitudes of mock stars: bolometric corrections, distance, dust and SDSS-like errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from stellar_core.cards import TRAINED_DIR
from stellar_core.errors import ParameterError
from stellar_core.mock.tables import read_tables

#: Absolute bolometric magnitude and effective temperature (K) of the Sun (IAU 2015 B2, B3).
SUN_MBOL, SUN_TEFF = 4.74, 5772.0
#: Ratio of total to selective extinction.
RV = 3.1
#: Extinction per unit of SFD E(B-V) in u, g, r, i, z as PhotoObj has it since DR9
#: (Schlafly & Finkbeiner 2011, ApJ 737, 103, table 6).
SFD_COEFFICIENTS = np.array([4.239, 3.303, 2.285, 1.698, 1.263])
#: True E(B-V) over that of the SFD map (Schlafly & Finkbeiner 2011).
SFD_SCALE = 0.86
#: Five-sigma depth for point sources in u, g, r, i, z (SDSS imaging), mag.
DEPTH = np.array([22.15, 23.13, 22.70, 22.20, 20.71])
#: Smallest error of a PSF magnitude, mag.
FLOOR = np.array([0.018, 0.014, 0.014, 0.014, 0.016])
#: Softening of the asinh magnitudes (Lupton, Gunn & Szalay 1999; SDSS values).
SOFTENING = np.array([1.4e-10, 0.9e-10, 1.2e-10, 1.8e-10, 7.4e-10])
_POGSON = 2.5 / np.log(10.0)


@dataclass(frozen=True)
class BolometricTable:
    """Bolometric corrections and extinctions of the five bands.

    Attributes
    ----------
    teff, logg, feh : (nt,), (ng,), (nf,) float64
        Axes: K, dex(cm/s2), dex.
    correction : (nt, ng, nf, 5) float64
        BC in the SDSS system, mag: magnitude = M_bol - BC. Includes ``zero_point``.
    extinction : (nt, ng, nf, 5) float64
        A_band / A_V.
    zero_point : (5,) float64
        Empirical shift of the theoretical magnitudes onto the colours of real SDSS stars, mag.
    curve : (6800,) float64
        A(lambda) / A_V at 3600..10399 A, vacuum.
    """

    teff: np.ndarray
    logg: np.ndarray
    feh: np.ndarray
    correction: np.ndarray = field(repr=False)
    extinction: np.ndarray = field(repr=False)
    zero_point: np.ndarray = field(repr=False)
    curve: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        shape = (self.teff.size, self.logg.size, self.feh.size, 5)
        if self.correction.shape != shape or self.extinction.shape != shape:
            raise ParameterError(f"The bolometric corrections need the shape {shape}; got {self.correction.shape}.")

    def at(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """BC and A_band / A_V, each (n, 5), by trilinear interpolation; inputs are held at the table's ends."""
        n = np.size(teff)
        corners = [np.zeros(n, np.int64)]
        weights = [np.ones(n)]
        for axis, value in ((self.teff, teff), (self.logg, logg), (self.feh, feh)):
            value = np.clip(np.asarray(value, float), axis[0], axis[-1])
            low = np.clip(np.searchsorted(axis, value, side="right") - 1, 0, axis.size - 2)
            part = (value - axis[low]) / (axis[low + 1] - axis[low])
            corners = [c * axis.size + low + step for c in corners for step in (0, 1)]
            weights = [w * f for w in weights for f in (1 - part, part)]
        tables = self.correction.reshape(-1, 5), self.extinction.reshape(-1, 5)
        return tuple(sum(w[:, None] * table[c] for w, c in zip(weights, corners)) for table in tables)


@lru_cache(maxsize=2)
def load_bolometric(folder: Path = TRAINED_DIR) -> BolometricTable:
    """The shipped table."""
    arrays, _ = read_tables("mock-photometry", folder)
    zero = arrays["zero_point"].astype(float)
    correction = arrays["correction_mmag"].astype(float) / 1000.0 - zero
    extinction = arrays["extinction_e4"].astype(float) / 10000.0
    axes = (arrays[name].astype(float) for name in ("teff_K", "logg_dex", "feh_dex"))
    return BolometricTable(*axes, correction, extinction, zero, arrays["curve"].astype(float))


def apparent_magnitudes(
    teff: np.ndarray,
    logg: np.ndarray,
    feh: np.ndarray,
    log_radius: np.ndarray,
    distance_pc: np.ndarray,
    ebv: np.ndarray,
    table: BolometricTable | None = None,
) -> np.ndarray:
    """True ugriz magnitudes, SDSS system.

    Parameters
    ----------
    teff, logg, feh : (n,) float
        K, dex(cm/s2), dex (surface).
    log_radius : (n,) float
        log10 of the radius in solar radii.
    distance_pc : (n,) float
    ebv : (n,) float
        True E(B-V), mag; A_V = 3.1 E(B-V).

    Returns
    -------
    (n, 5) float64
    """
    table = load_bolometric() if table is None else table
    correction, extinction = table.at(teff, logg, feh)
    bolometric = SUN_MBOL - 5.0 * np.asarray(log_radius) - 10.0 * np.log10(np.asarray(teff) / SUN_TEFF)
    modulus = 5.0 * np.log10(np.asarray(distance_pc) / 10.0)
    return (bolometric + modulus)[:, None] - correction + RV * np.asarray(ebv)[:, None] * extinction


@dataclass(frozen=True)
class PhotometryBatch:
    """Photometry of many stars, columns as `stellar_core.photometry.Photometry`, each (n, 5) float64, mag."""

    psf_mag: np.ndarray
    psf_mag_err: np.ndarray
    extinction: np.ndarray
    model_mag: np.ndarray


def observe_photometry(magnitudes: np.ndarray, ebv: np.ndarray, rng: np.random.Generator) -> PhotometryBatch:
    """What the imaging survey reports for stars of true ``magnitudes`` (n, 5) behind ``ebv`` (n,).

    The error of a band is its floor and the sky-limited error of its depth, in quadrature, with
    a quarter of scatter from field to field; the model magnitude shares most of the PSF
    magnitude's error and differs by one or two hundredths. The extinction is that of the SFD map,
    with its own error of ten per cent and 0.003 mag in E(B-V).
    """
    true = np.asarray(magnitudes, float)
    quality = np.exp(0.15 * rng.standard_normal((len(true), 1)) + 0.10 * rng.standard_normal(true.shape))
    sky = 0.2 * _POGSON * 10.0 ** (0.4 * (true - DEPTH))
    error = np.hypot(FLOOR, sky) * quality
    flux = 10.0 ** (-0.4 * true) * (1.0 + error / _POGSON * rng.standard_normal(true.shape))
    model = flux * (1.0 + np.hypot(0.010, 0.5 * error) / _POGSON * rng.standard_normal(true.shape))
    sfd = np.asarray(ebv, float) / SFD_SCALE * np.exp(0.1 * rng.standard_normal(len(true)))
    sfd = np.maximum(sfd + 0.003 * rng.standard_normal(len(true)), 0.004)
    # The quoted error in magnitudes of the softened scale.
    signal = 10.0 ** (-0.4 * true)
    quoted = error * signal / np.hypot(signal, 2 * SOFTENING)
    return PhotometryBatch(asinh_magnitude(flux), quoted, sfd[:, None] * SFD_COEFFICIENTS, asinh_magnitude(model))


def asinh_magnitude(flux: np.ndarray) -> np.ndarray:
    """Asinh magnitudes of fluxes (n, 5) in units of the zero-magnitude flux (Lupton et al. 1999)."""
    return -_POGSON * (np.arcsinh(flux / (2 * SOFTENING)) + np.log(SOFTENING))


def reddening_curve() -> np.ndarray:
    """A(lambda) / A_V at 3600..10399 A (vacuum), (6800,) float64: Fitzpatrick (1999), R_V 3.1."""
    return load_bolometric().curve


def redden(flux: np.ndarray, ebv: np.ndarray) -> np.ndarray:
    """Redden spectra (n, 6800) on the rest-frame grid by true E(B-V) (n,), mag; float32."""
    factor = np.exp(-RV / _POGSON * np.asarray(ebv, np.float32)[:, None] * reddening_curve().astype(np.float32))
    return np.asarray(flux, np.float32) * factor
