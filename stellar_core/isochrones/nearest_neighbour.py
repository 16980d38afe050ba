"""A label as the paper's: age and mass of the nearest point of the tracks.

The paper queries the MIST grid and does not say how; `interpolated_label` is the other way. The nearest point ignores
the time that stars spend at a point and the number of points that fit: a star that its errors put below the zero-age
main sequence gets the age of that line, a few Myr. The posterior is free of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.constants import SSPP_ERRORS, UNIVERSE_LOG_AGE
from stellar_core.errors import ParameterError
from stellar_core.isochrones.lifetime import power_law_log_lifetime
from stellar_core.isochrones.tracks import TrackPoints, Tracks
from stellar_core.stages import STAGES, classify

#: Distance from every point, in units of the errors, beyond which a star lies outside the models.
MAX_DISTANCE = 5.0


@dataclass(frozen=True)
class LookedUpLabel:
    """Labels of each star by the nearest point or by interpolation; arrays of one shape.

    Attributes
    ----------
    log_age : log10(yr); NaN outside the models
    mass : initial mass of the track, Msun; NaN outside
    log_lifetime : log10(yr) from 10 Gyr M^-2.5; NaN outside
    stage : int, index into `STAGES` from the given Teff and log g; -1 outside
    distance : distance to the point in units of `SSPP_ERRORS`
    eep : EEP of the point; NaN outside
    """

    log_age: np.ndarray
    mass: np.ndarray
    log_lifetime: np.ndarray
    stage: np.ndarray
    distance: np.ndarray
    eep: np.ndarray

    @property
    def inside_models(self) -> np.ndarray:
        """True where a track point lies within `MAX_DISTANCE`."""
        return self.stage >= 0

    def to_dict(self) -> dict[str, object] | None:
        """The ``nearest`` object of the command line for a single star; None outside the models."""
        if not bool(np.all(self.inside_models)):
            return None
        return {
            "log_age": float(self.log_age),
            "mass": float(self.mass),
            "log_lifetime": float(self.log_lifetime),
            "stage": STAGES[int(self.stage)],
            "distance": float(self.distance),
        }


def nearest_label(
    teff: np.ndarray,
    logg: np.ndarray,
    feh: np.ndarray,
    tracks: Tracks | None = None,
    scales: tuple[float, float, float] = SSPP_ERRORS,
) -> LookedUpLabel:
    """Label each star by the nearest tabulated track point (EEP 202-808, age up to 13.8 Gyr).

    Parameters
    ----------
    teff, logg, feh : array_like
        Effective temperature in K, log g in dex(cm/s2), surface [Fe/H] in dex; broadcast together.
    tracks : Tracks, optional
        The shipped tracks by default.
    scales : tuple of float
        Units of distance in K, dex, dex.

    Returns
    -------
    LookedUpLabel
        NaN and -1 for stars that are not finite or farther than 5 units from every point.
    """
    from stellar_core.isochrones.track_table import load_tracks

    if len(scales) != 3 or not all(scale > 0 for scale in scales):
        raise ParameterError(f"Three positive scales (K, dex, dex) are needed, got {scales}.", value=scales)
    tree, points = _index(tracks if tracks is not None else load_tracks(), tuple(float(s) for s in scales))
    teff, logg, feh = (np.array(x, float) for x in np.broadcast_arrays(teff, logg, feh))
    stars = np.stack([teff / scales[0], logg / scales[1], feh / scales[2]], axis=-1)
    finite = np.isfinite(stars).all(axis=-1)
    distance, index = tree.query(np.where(finite[..., None], stars, 0.0))
    distance = np.where(finite, distance, np.inf)
    inside = distance <= MAX_DISTANCE
    mass = np.where(inside, points.mass[index], np.nan)
    return LookedUpLabel(
        log_age=np.where(inside, points.log_age[index], np.nan),
        mass=mass,
        log_lifetime=power_law_log_lifetime(mass),
        stage=np.where(inside, classify(teff, logg), -1),
        distance=distance,
        eep=np.where(inside, points.eep[index], np.nan),
    )


@lru_cache(maxsize=2)
def _index(tracks: Tracks, scales: tuple[float, float, float]) -> tuple[object, TrackPoints]:
    """KD-tree over the real points of the tracks, and those points."""
    from scipy.spatial import cKDTree

    points = tracks.points(real_only=True)
    points = points.select(points.log_age <= UNIVERSE_LOG_AGE)
    columns = (points.teff, points.logg, points.feh_surface)
    return cKDTree(np.stack([c / s for c, s in zip(columns, scales)], axis=-1)), points
