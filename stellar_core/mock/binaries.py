"""Unresolved companions of MOCK stars.

The share of stars with a companion grows with mass (Duchene & Kraus 2013, ARA&A 51, 269, Table 1). Periods follow the
log-normal distribution of solar-type stars (Raghavan et al. 2010, ApJS 190, 1, Fig. 13), mass ratios are equally
frequent from `LEAST_RATIO` to 1. Companions have the age and abundances of their primary. Pairs wider than
`WIDEST_PERIOD` are two stars on the sky, and count as single; so do systems in which the companion is a white dwarf.
Higher multiples count as pairs. Orbits are circular and randomly oriented.

Period, mass ratio and light ratio are kept for every star, so that a later astrometric view can compute the motion of
the photocentre from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.constants import POGSON
from stellar_core.isochrones import TrackPoints, Tracks

#: Primary masses (Msun) and share of stars of that mass with a companion, at any separation.
MASSES, SHARES = (0.3, 1.0, 2.5), (0.26, 0.44, 0.50)
#: Mean and standard deviation of log10 of the period in days.
LOG_PERIOD = (5.03, 2.28)
#: log10 of the period in days: shorter pairs touch; longer ones are wider than 1500 AU, 1.5 arcsec (half a fiber of
#: SDSS) at 1 kpc, a typical distance.
SHORTEST_PERIOD, WIDEST_PERIOD = 0.5, 7.2
#: Lowest ratio of the masses.
LEAST_RATIO = 0.1
#: Relative velocity of two stars of together 1 Msun in a circular orbit of one day, km/s.
ORBITAL_SPEED = 212.9


@dataclass(frozen=True)
class Companions:
    """Companions of stars; arrays have shape (n,) and dtype float64 except where given.

    Values that do not exist are NaN: all but ``mass_ratio``, ``flux`` and ``velocity_kms`` where the star is single,
    the atmosphere where the companion is lighter than the lightest track.

    Attributes
    ----------
    mass_ratio : initial mass over that of the primary, 0 for single stars
    log_period : log10(days)
    teff, logg, feh : K, dex(cm/s2), surface [Fe/H] in dex
    flux : (n, 5), light in u, g, r, i, z over that of the primary, 0 for single stars
    velocity_kms : radial velocity relative to the primary, km/s
    """

    mass_ratio: np.ndarray
    log_period: np.ndarray
    teff: np.ndarray
    logg: np.ndarray
    feh: np.ndarray
    flux: np.ndarray = field(repr=False)
    velocity_kms: np.ndarray

    def select(self, index: np.ndarray) -> Companions:
        """The companions of ``index``."""
        return Companions(**{item.name: getattr(self, item.name)[index] for item in fields(self)})


def unresolved_share(mass: np.ndarray) -> np.ndarray:
    """Share of stars of initial ``mass`` (Msun) in a volume of space that have an unresolved companion."""
    from scipy.special import ndtr

    mean, spread = LOG_PERIOD
    low, high = ((limit - mean) / spread for limit in (SHORTEST_PERIOD, WIDEST_PERIOD))
    return np.interp(np.log10(mass), np.log10(MASSES), SHARES) * (ndtr(high) - ndtr(low))


def draw_companions(
    primary: TrackPoints, offset: np.ndarray, chance: np.ndarray, ebv: float, tracks: Tracks, rng: np.random.Generator
) -> Companions:
    """Draw a companion, or none, for each star.

    Parameters
    ----------
    primary : TrackPoints
        The stars, (n,), with ``feh`` the initial [M/H] on the tracks.
    offset : (n,) float
        [M/H] - [Fe/H], dex.
    chance : (n,) float
        Probability of a companion.
    ebv : float
        E(B-V) behind which the light ratios are computed, mag; they hardly depend on it.
    """
    from scipy.special import ndtr, ndtri

    n, (mean, spread) = len(offset), LOG_PERIOD
    has, ratio, place, part = rng.random((4, n))
    pair = np.flatnonzero(has < chance)
    low, high = (ndtr((limit - mean) / spread) for limit in (SHORTEST_PERIOD, WIDEST_PERIOD))
    none = np.full(n, np.nan)
    found = Companions(np.zeros(n), none, none.copy(), none.copy(), none.copy(), np.zeros((n, 5)), np.zeros(n))
    found.mass_ratio[pair] = LEAST_RATIO + (1.0 - LEAST_RATIO) * ratio[pair]
    found.log_period[pair] = mean + spread * ndtri(low + (high - low) * place[pair])
    mass, total = primary.mass[pair] * found.mass_ratio[pair], primary.mass[pair] * (1.0 + found.mass_ratio[pair])
    # The projection of a vector of random direction is uniform.
    speed = ORBITAL_SPEED * (total / 10.0 ** found.log_period[pair]) ** (1.0 / 3.0)
    found.velocity_kms[pair] = speed * (2.0 * part[pair] - 1.0)

    shown = pair[mass >= tracks.mass[0]]
    own, first = primary.select(shown), np.full(shown.size, float(tracks.eep[0]))
    light = own.mass * found.mass_ratio[shown]
    points = tracks.stars(light, own.feh, own.log_age)
    # Companions that have not reached the main sequence are placed at its beginning.
    young = np.isnan(points.log_teff)
    points = tracks.at(light, own.feh, np.where(young, first, points.eep)) if young.any() else points
    found.teff[shown], found.logg[shown] = points.teff, points.logg
    found.feh[shown] = points.feh_surface - offset[shown]
    far, dust = np.full(shown.size, 10.0), np.full(shown.size, ebv)
    bright = apparent_magnitudes(own.teff, own.logg, own.feh_surface - offset[shown], own.log_radius, far, dust)
    faint = apparent_magnitudes(points.teff, points.logg, found.feh[shown], points.log_radius, far, dust)
    found.flux[shown] = np.nan_to_num(10.0 ** (-0.4 * (faint - bright)))
    return found


def with_companion(magnitudes: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Magnitudes (n, 5) of pairs from those of the primaries and the light ratios ``flux`` (n, 5)."""
    return magnitudes - POGSON * np.log1p(flux)
