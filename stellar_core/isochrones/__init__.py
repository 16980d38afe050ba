"""MIST tracks and isochrones, lifetimes, and the posterior of a star's age."""

from __future__ import annotations

from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
from stellar_core.isochrones.interpolated_label import interpolated_label
from stellar_core.isochrones.lifetime import power_law_log_lifetime, track_log_lifetime
from stellar_core.isochrones.nearest_neighbour import LookedUpLabel, nearest_label
from stellar_core.isochrones.observation import Observation
from stellar_core.isochrones.posterior import Posterior, infer_posterior
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import TrackPoints, Tracks

#: Ways to look an age and a mass up from Teff, log g and [Fe/H].
LOOK_UPS = {"nearest": nearest_label, "interpolated": interpolated_label}

__all__ = [
    "LOOK_UPS",
    "AlphaEnhancement",
    "LookedUpLabel",
    "Observation",
    "Posterior",
    "Priors",
    "TrackPoints",
    "Tracks",
    "infer_posterior",
    "interpolated_label",
    "load_tracks",
    "nearest_label",
    "power_law_log_lifetime",
    "track_log_lifetime",
]
