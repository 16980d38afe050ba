"""Stellar lifetimes, from the tracks and from the power law of the paper."""

from __future__ import annotations

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.isochrones.tracks import LAST_EEP, RGB_TIP, TAMS, Tracks

#: End points of a lifetime: end of the main sequence, tip of the red-giant branch, end of the track.
ENDS = {"tams": TAMS, "rgb_tip": RGB_TIP, "end": LAST_EEP}


def power_law_log_lifetime(mass: np.ndarray) -> np.ndarray:
    """The paper's lifetime, 10 Gyr (M/Msun)^-2.5, as log10(yr) (section 3.2.2, after Maeder 2008).

    Differs from the tracks by 0.1-0.2 dex and ignores metallicity; kept to reproduce the paper.

    Parameters
    ----------
    mass : array_like
        Initial mass, Msun, positive.
    """
    mass = np.asarray(mass, float)
    if np.any(mass <= 0):
        raise ParameterError("A lifetime needs a positive mass in Msun.", value=float(mass.min()))
    return 10.0 - 2.5 * np.log10(mass)


def track_log_lifetime(mass: np.ndarray, feh: np.ndarray, tracks: Tracks, end: str = "end") -> np.ndarray:
    """Age at an end point of the tracks, log10(yr).

    Interpolated as the tracks are, so the age of a star never exceeds its lifetime to
    ``end="end"``; stars past the main sequence are older than ``"tams"``. Below 0.6 Msun the
    tracks stop at the end of the main sequence, which exceeds the age of the Universe.

    Parameters
    ----------
    mass, feh : array_like
        Initial mass in Msun and initial [Fe/H] in dex, broadcast together.
    tracks : Tracks
    end : {"tams", "rgb_tip", "end"}
        EEP 454, 605, or 808 (or where the track stops before).

    Returns
    -------
    ndarray
        NaN outside the table.
    """
    if end not in ENDS:
        raise ParameterError(f"The end of a lifetime is one of {', '.join(ENDS)}; got {end!r}.", value=end)
    ages = tracks.end_log_age(ENDS[end])
    mass, feh = (np.array(x, float) for x in np.broadcast_arrays(mass, feh))
    return tracks.between_nodes(ages, mass, feh)
