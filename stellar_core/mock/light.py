"""Spectra of MOCK stars at rest: the star, its unresolved companion, and dust."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.photometry import redden
from stellar_core.mock.streams import StarStreams
from stellar_core.preprocessing.grid import GRID

#: The r band on the rest-frame grid, which sets the flux scale.
R_BAND = slice(5600 - 3600, 6750 - 3600)
#: Companions with less light than this share of their primary's in every band are left out of the spectrum.
LEAST_LIGHT = 0.002
#: Pairs whose velocities differ by less than this, km/s, a twentieth of a resolution element, are not shifted.
LEAST_VELOCITY = 5.0
#: Limits of Teff (K) and log g (dex) of companions in the emulator; cooler ones give little light.
COMPANION_TEFF, COMPANION_LOGG = (3500.0, 12_000.0), (0.0, 5.0)


class Stars(Protocol):
    """What `LightSources.of` reads, as in `stellar_core.mock.population.Population`."""

    teff: np.ndarray
    secondary_flux: np.ndarray


@dataclass(frozen=True)
class LightSources:
    """The properties of stars that their spectra depend on; fields as in `stellar_core.mock.population.Population`."""

    teff: np.ndarray
    logg: np.ndarray
    feh: np.ndarray
    secondary_teff: np.ndarray
    secondary_logg: np.ndarray
    secondary_feh: np.ndarray
    secondary_flux: np.ndarray = field(repr=False)
    secondary_velocity: np.ndarray

    @classmethod
    def of(cls, stars: Stars) -> LightSources:
        """Those of a population."""
        return cls(*(getattr(stars, item.name) for item in fields(cls)))


def rest_spectra(stars: LightSources, ebv: np.ndarray, rng: np.random.Generator | StarStreams) -> np.ndarray:
    """Emulate, add companions, and redden.

    The spectra of the two stars of a pair are added in units of absolute flux: both are scaled to their light in r.
    They share the draw from the residual covariance, which stands for abundances that the labels do not give, and
    which two stars born together have in common. Each is shifted so that the mean velocity, weighted by light, is 0.

    Parameters
    ----------
    stars : LightSources
    ebv : (n,) float
        True E(B-V), mag.
    rng : numpy.random.Generator or StarStreams
        For the draw from the residual covariance.

    Returns
    -------
    (n, 6800) float32
        Flux per Angstrom on `GRID`, arbitrary scale.
    """
    emulator = SpectralEmulator.load()
    scores = emulator.draw_scores(len(stars.teff), rng)
    flux = emulator.spectra(stars.teff, stars.logg, stars.feh, scores=scores)
    pairs = np.flatnonzero((stars.secondary_flux > LEAST_LIGHT).any(axis=1))
    if pairs.size:
        second = emulator.spectra(
            np.clip(stars.secondary_teff[pairs], *COMPANION_TEFF),
            np.clip(stars.secondary_logg[pairs], *COMPANION_LOGG),
            stars.secondary_feh[pairs],
            scores=scores[pairs],
        )
        for row, other in zip(pairs, second):
            light = float(stars.secondary_flux[row, 2])
            other *= np.float32(light * flux[row, R_BAND].mean() / other[R_BAND].mean())
            velocity, share = float(stars.secondary_velocity[row]), light / (1.0 + light)
            if abs(velocity) < LEAST_VELOCITY:
                flux[row] += other
            else:
                flux[row] = _shifted(flux[row], -share * velocity) + _shifted(other, (1.0 - share) * velocity)
    return redden(flux, ebv)


def _shifted(flux: np.ndarray, velocity: float) -> np.ndarray:
    """A spectrum (6800,) moved by ``velocity``, km/s."""
    return np.interp(GRID / (1.0 + velocity / SPEED_OF_LIGHT), GRID, flux).astype(np.float32)
