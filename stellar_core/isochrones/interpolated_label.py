"""The label of the paper by interpolation: age and mass between the isochrones that pass near a star.

The nearest track point has the age of the zero-age main sequence for every star that its errors put below it. Here
each isochrone gives its own nearest point, and ages and masses are averaged with the inverse squared distances as
weights (Shepard 1968). A star on one of the isochrones gets its age; a star away from all of them, where they lie
close together, gets an average age. It is no posterior: the time that stars spend at a point does not enter.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stellar_core.constants import SSPP_ERRORS, UNIVERSE_AGE_GYR
from stellar_core.isochrones.lifetime import power_law_log_lifetime
from stellar_core.isochrones.nearest_neighbour import MAX_DISTANCE, LookedUpLabel
from stellar_core.isochrones.tracks import Tracks
from stellar_core.stages import classify

#: Ages of the isochrones, Gyr, and the step of their initial [Fe/H], dex.
AGES_GYR = np.arange(0.25, UNIVERSE_AGE_GYR, 0.25)
FEH_STEP = 0.1
#: Smallest distance, in units of the errors: below it a star lies on the isochrone.
SOFTENING = 1e-3


def interpolated_label(
    teff: np.ndarray, logg: np.ndarray, feh: np.ndarray, tracks: Tracks | None = None
) -> LookedUpLabel:
    """Label each star by inverse-distance interpolation between isochrones of equal steps in age.

    Parameters
    ----------
    teff, logg, feh : array_like
        Effective temperature in K, log g in dex(cm/s2), surface [Fe/H] in dex; broadcast together.
    tracks : Tracks, optional
        The shipped tracks by default.

    Returns
    -------
    LookedUpLabel
        ``distance`` and ``eep`` are those of the nearest isochrone's point. NaN and -1 for stars that are not finite
        or farther than 5 units of `SSPP_ERRORS` from every isochrone.
    """
    from stellar_core.isochrones.track_table import load_tracks

    isochrones = _isochrones(tracks if tracks is not None else load_tracks())
    teff, logg, feh = (np.array(x, float) for x in np.broadcast_arrays(teff, logg, feh))
    stars = np.stack([teff, logg, feh], axis=-1) / SSPP_ERRORS
    finite = np.isfinite(stars).all(axis=-1)
    stars = np.where(finite[..., None], stars, 0.0)
    total, age, mass = (np.zeros(finite.shape) for _ in range(3))
    nearest, eep = np.full(finite.shape, np.inf), np.full(finite.shape, np.nan)
    for gyr, (tree, masses, eeps) in zip(AGES_GYR, isochrones):
        distance, index = tree.query(stars)
        weight = 1.0 / np.maximum(distance, SOFTENING) ** 2
        total, age, mass = total + weight, age + weight * gyr, mass + weight * masses[index]
        closer = distance < nearest
        nearest, eep = np.where(closer, distance, nearest), np.where(closer, eeps[index], eep)
    nearest = np.where(finite, nearest, np.inf)
    inside = nearest <= MAX_DISTANCE
    mass = np.where(inside, mass / total, np.nan)
    return LookedUpLabel(
        log_age=np.where(inside, np.log10(age / total) + 9.0, np.nan),
        mass=mass,
        log_lifetime=power_law_log_lifetime(mass),
        stage=np.where(inside, classify(teff, logg), -1),
        distance=nearest,
        eep=np.where(inside, eep, np.nan),
    )


@lru_cache(maxsize=2)
def _isochrones(tracks: Tracks) -> list[tuple[object, np.ndarray, np.ndarray]]:
    """KD-tree, initial masses and EEPs of the isochrones of each age at all [Fe/H]."""
    from scipy.spatial import cKDTree

    found = []
    metallicities = np.linspace(*tracks.feh[[0, -1]], int(round(np.ptp(tracks.feh) / FEH_STEP)) + 1)
    for gyr in AGES_GYR:
        parts = [tracks.isochrone(np.log10(gyr) + 9.0, feh) for feh in metallicities]
        place = np.concatenate([np.column_stack([part.teff, part.logg, part.feh_surface]) for part in parts])
        masses, eeps = (np.concatenate([getattr(part, name) for part in parts]) for name in ("mass", "eep"))
        found.append((cKDTree(place / SSPP_ERRORS), masses, eeps))
    return found
