"""Colours and absolute magnitudes: of stars on the tracks, and of an observed star at its distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes, load_all_bands
from stellar_core.constants import SUN_LOGG
from stellar_core.isochrones.photometric_likelihood import ZERO_POINT

#: Distance of absolute magnitudes, pc.
TEN_PARSEC = 10.0


@dataclass(frozen=True)
class ColourBands:
    """Bands of a colour-magnitude diagram: the colour is ``blue`` - ``red``."""

    magnitude: str
    blue: str
    red: str

    @property
    def names(self) -> tuple[str, str, str]:
        """Magnitude, blue and red band."""
        return (self.magnitude, self.blue, self.red)


#: Diagrams in order of preference: Gaia (Vega system), SDSS (AB).
DIAGRAMS = (ColourBands("G", "BP", "RP"), ColourBands("r", "g", "r"))


def choose_bands(magnitudes: Mapping[str, tuple[float, float]]) -> ColourBands | None:
    """Return the first of `DIAGRAMS` of which all magnitudes are known; None without one."""
    return next((bands for bands in DIAGRAMS if set(bands.names) <= set(magnitudes)), None)


def model_magnitudes(
    teff: np.ndarray, logg: np.ndarray, feh: np.ndarray, log_radius: np.ndarray, bands: ColourBands
) -> tuple[np.ndarray, np.ndarray]:
    """Colour and absolute magnitude, mag, of stars without extinction, by the bolometric corrections of MIST.

    Parameters
    ----------
    teff, logg, feh, log_radius : (n,) float
        K, dex(cm/s2), dex (surface), log10(Rsun).
    bands : ColourBands

    Returns
    -------
    colour, magnitude : (n,) float
        With the shifts of the models that `PhotometricLikelihood` uses.
    """
    table = load_all_bands()
    n = np.size(teff)
    found = apparent_magnitudes(teff, logg, feh, log_radius, np.full(n, TEN_PARSEC), np.zeros(n), table)
    magnitude, blue, red = (found[:, table.bands.index(band)] + ZERO_POINT.get(band, 0.0) for band in bands.names)
    return blue - red, magnitude


def log_radius(mass: np.ndarray, logg: np.ndarray) -> np.ndarray:
    """log10 of the radius (Rsun) from mass (Msun) and log g (dex(cm/s2))."""
    return 0.5 * (np.log10(mass) + SUN_LOGG - np.asarray(logg))


def observed_magnitudes(
    magnitudes: Mapping[str, tuple[float, float]],
    distance_pc: Mapping[str, float],
    av_mag: Mapping[str, float],
    atmosphere: tuple[float, float, float],
    bands: ColourBands,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Dereddened colour and absolute magnitude of a star, each (p16, median, p84), mag.

    Parameters
    ----------
    magnitudes : mapping of str to (float, float)
        Apparent magnitude and error by band.
    distance_pc, av_mag : mapping of str to float
        Intervals with ``p16``, ``median``, ``p84``: distance, pc, and extinction A_V, mag.
    atmosphere : (float, float, float)
        Teff (K), log g, [Fe/H], on which A_band / A_V depends weakly.
    bands : ColourBands

    Notes
    -----
    Errors of magnitudes, distance and extinction are added in quadrature, as if independent.
    """
    table = load_all_bands()
    ratios = table.at(*(np.array([value]) for value in atmosphere))[1][0]
    ratio = {band: float(ratios[table.bands.index(band)]) for band in bands.names}

    def corrected(band: str) -> float:
        return magnitudes[band][0] - ratio[band] * av_mag["median"]

    def sides(interval: Mapping[str, float]) -> tuple[float, float]:
        return interval["median"] - interval["p16"], interval["p84"] - interval["median"]

    reddening = ratio[bands.blue] - ratio[bands.red]
    less, more = sides(av_mag)
    noise = float(np.hypot(magnitudes[bands.blue][1], magnitudes[bands.red][1]))
    colour = corrected(bands.blue) - corrected(bands.red)
    bluer, redder = np.hypot(noise, reddening * more), np.hypot(noise, reddening * less)

    near, middle, far = (5.0 * np.log10(distance_pc[part] / TEN_PARSEC) for part in ("p16", "median", "p84"))
    magnitude = corrected(bands.magnitude) - middle
    own = magnitudes[bands.magnitude][1]
    brighter = np.sqrt(own**2 + (far - middle) ** 2 + (ratio[bands.magnitude] * more) ** 2)
    fainter = np.sqrt(own**2 + (middle - near) ** 2 + (ratio[bands.magnitude] * less) ** 2)
    return (
        (float(colour - bluer), colour, float(colour + redder)),
        (float(magnitude - brighter), float(magnitude), float(magnitude + fainter)),
    )
