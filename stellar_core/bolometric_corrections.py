"""Magnitudes of a star from its atmosphere and radius, by the bolometric corrections of MIST."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from stellar_core.constants import SUN_MBOL, SUN_TEFF
from stellar_core.errors import ModelError, ParameterError
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR

#: Ratio of total to selective extinction.
RV = 3.1
#: Bands of SDSS (AB), and of Gaia EDR3 and 2MASS (Vega).
SDSS_BANDS = ("u", "g", "r", "i", "z")
GAIA_2MASS_BANDS = ("G", "BP", "RP", "J", "H", "Ks")


@dataclass(frozen=True)
class BolometricTable:
    """Bolometric corrections and extinctions of several bands.

    Attributes
    ----------
    teff, logg, feh : (nt,), (ng,), (nf,) float64
        Axes: K, dex(cm/s2), dex.
    correction : (nt, ng, nf, n_band) float64
        BC, mag: magnitude = M_bol - BC. Includes ``zero_point``.
    extinction : (nt, ng, nf, n_band) float64
        A_band / A_V.
    zero_point : (n_band,) float64
        Empirical shift of the theoretical magnitudes onto the colours of real SDSS stars, mag.
    curve : (6800,) float64
        A(lambda) / A_V at 3600..10399 A, vacuum.
    bands : tuple of str
    """

    teff: np.ndarray
    logg: np.ndarray
    feh: np.ndarray
    correction: np.ndarray = field(repr=False)
    extinction: np.ndarray = field(repr=False)
    zero_point: np.ndarray = field(repr=False)
    curve: np.ndarray = field(repr=False)
    bands: tuple[str, ...] = SDSS_BANDS

    def __post_init__(self) -> None:
        shape = (self.teff.size, self.logg.size, self.feh.size, len(self.bands))
        if self.correction.shape != shape or self.extinction.shape != shape:
            raise ParameterError(f"The bolometric corrections need the shape {shape}; got {self.correction.shape}.")

    def at(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """BC and A_band / A_V, each (n, n_band), by trilinear interpolation; inputs are clipped to the table."""
        n = np.size(teff)
        corners = [np.zeros(n, np.int64)]
        weights = [np.ones(n)]
        for axis, value in ((self.teff, teff), (self.logg, logg), (self.feh, feh)):
            value = np.clip(np.asarray(value, float), axis[0], axis[-1])
            low = np.clip(np.searchsorted(axis, value, side="right") - 1, 0, axis.size - 2)
            part = (value - axis[low]) / (axis[low + 1] - axis[low])
            corners = [c * axis.size + low + step for c in corners for step in (0, 1)]
            weights = [w * f for w in weights for f in (1 - part, part)]
        tables = (values.reshape(-1, len(self.bands)) for values in (self.correction, self.extinction))
        return tuple(sum(w[:, None] * table[c] for w, c in zip(weights, corners)) for table in tables)


@lru_cache(maxsize=2)
def load_bolometric(folder: Path = TRAINED_DIR) -> BolometricTable:
    """Load the shipped table of ugriz."""
    arrays, _ = read_model(folder / "mock-photometry")
    zero = arrays["zero_point"].astype(float)
    correction = arrays["correction_mmag"].astype(float) / 1000.0 - zero
    extinction = arrays["extinction_e4"].astype(float) / 10000.0
    axes = (arrays[name].astype(float) for name in ("teff_K", "logg_dex", "feh_dex"))
    return BolometricTable(*axes, correction, extinction, zero, arrays["curve"].astype(float))


@lru_cache(maxsize=2)
def load_all_bands(folder: Path = TRAINED_DIR) -> BolometricTable:
    """Load the shipped table of ugriz, Gaia's G, BP, RP and 2MASS's J, H, Ks."""
    sdss = load_bolometric(folder)
    arrays, _ = read_model(folder / "gaia-photometry")
    correction = arrays["correction_mmag"].astype(float) / 1000.0
    extinction = arrays["extinction_e4"].astype(float) / 10000.0
    for name, axis in (("teff_K", sdss.teff), ("logg_dex", sdss.logg), ("feh_dex", sdss.feh)):
        if not np.allclose(arrays[name], axis):
            raise ModelError(f"gaia-photometry and mock-photometry have other nodes of {name}.")
    return BolometricTable(
        sdss.teff,
        sdss.logg,
        sdss.feh,
        np.concatenate([sdss.correction, correction], axis=-1),
        np.concatenate([sdss.extinction, extinction], axis=-1),
        np.append(sdss.zero_point, np.zeros(len(GAIA_2MASS_BANDS))),
        sdss.curve,
        SDSS_BANDS + GAIA_2MASS_BANDS,
    )


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
