"""Segments of the tracks through track samples: where the stars lie that a sample stands for.

A sample stands for all stars of its group, which spans 0.1 dex of age; draws at the samples alone make a histogram of
ages a comb. The segment of a sample is the line in initial metallicity, log initial mass and EEP along which the age
changes most for the least change of the atmosphere, as long as the extent of the group in age and atmosphere allows. A
point on it is a star of the interpolated tracks, as the sample itself is. The sample is the middle of its segment, so
that means stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stellar_core.isochrones.mesh import Mesh, TrackSamples
from stellar_core.isochrones.track_sampling import LOG_AGE, LOG_TEFF, LOG_TEFF_SUN, LOGG, LUMINOSITY, SURFACE

#: Quantities whose half extents are kept.
HALF_WIDTHS = ("log_teff", "logg", "feh_surface", "log_age", "log_lifetime")
#: Scales of metallicity (dex), log10 mass and EEP, and the change of the atmosphere, in groups, that a step of one
#: scale counts for beside its own: keeps steps small where the atmosphere does not change.
_SCALES, _STIFFNESS = np.array([0.1, 0.02, 10.0]), 0.03
#: Half the extent of a segment in the atmosphere, in groups; and how far a track may leave a straight line.
_HALF, _LEEWAY = 0.5, 1.0
#: How often a segment with an end that is no star, or is far from a straight line, is halved before it is given up.
_HALVINGS = 4
#: Samples at a time: bounds the memory.
_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class TrackSegments:
    """A segment for each of some track samples.

    Attributes
    ----------
    direction : (n, 3) float
        From the sample to the older end: initial metallicity (dex), log10 initial mass, EEP.
    half_width : (n, 5) float
        Half the extent in each of `HALF_WIDTHS`, dex, not negative.
    """

    direction: np.ndarray
    half_width: np.ndarray

    def select(self, keep: np.ndarray) -> TrackSegments:
        """The segments of ``keep``, a boolean mask or an index."""
        return TrackSegments(self.direction[keep], self.half_width[keep])

    def half_width_of(self, quantity: str, samples: TrackSamples) -> np.ndarray:
        """(n,) half the extent in a quantity of `HALF_WIDTHS`, ``feh``, ``mass`` or ``teff``; 0 in any other."""
        if quantity in HALF_WIDTHS:
            return self.half_width[:, HALF_WIDTHS.index(quantity)]
        if quantity == "feh":
            return np.abs(self.direction[:, 0])
        if quantity == "mass":
            return np.abs(self.direction[:, 1]) * np.log(10.0) * samples.mass
        if quantity == "teff":
            return self.half_width[:, 0] * np.log(10.0) * 10.0**samples.log_teff
        return np.zeros(len(samples))

    def stars(self, samples: TrackSamples, mesh: Mesh, rng: np.random.Generator) -> TrackSamples:
        """Draw a star on each segment, uniform in its length.

        Parameters
        ----------
        samples : TrackSamples
            The middles of the segments, (n,).
        mesh : Mesh
            Of the tracks of ``samples``.
        rng : numpy.random.Generator

        Returns
        -------
        TrackSamples
            float32; a star that the models lack, or older than the prior allows, is replaced by its sample.
        """
        place = _place(samples) + self.direction * rng.uniform(-1.0, 1.0, (len(samples), 1))
        columns, log_lifetime = mesh.at(*place.T)
        oldest = np.log10(mesh.priors.max_age) - 1e-6
        good = np.isfinite(columns).all(axis=1) & (columns[:, LOG_AGE] <= oldest)
        log_teff = columns[:, LOG_TEFF]
        found = {
            "log_teff": log_teff,
            "logg": columns[:, LOGG],
            "feh_surface": columns[:, SURFACE],
            "feh": place[:, 0],
            "log_age": columns[:, LOG_AGE],
            "mass": 10.0 ** place[:, 1],
            "log_lifetime": np.fmax(log_lifetime, columns[:, LOG_AGE]),
            "log_radius": 0.5 * columns[:, LUMINOSITY] - 2.0 * (log_teff - LOG_TEFF_SUN),
            "eep": place[:, 2],
        }
        found = {name: column.astype(np.float32) for name, column in found.items()}
        for name, column in found.items() if not good.all() else ():
            column[~good] = getattr(samples, name)[~good]
        return replace(samples, **found, edges=None)


def find_segments(mesh: Mesh, samples: TrackSamples, size: np.ndarray, age_step: float) -> TrackSegments:
    """Find the segments of samples that stand for groups of one size.

    Parameters
    ----------
    mesh : Mesh
        Of the tracks of ``samples``.
    samples : TrackSamples
    size : (3,) float
        Extent of a group in log10 Teff, log g and surface metallicity.
    age_step : float
        Its extent in log age, dex.

    Returns
    -------
    TrackSegments
        Of length 0 where there is no star beside the sample.
    """
    parts = [
        _find(mesh, samples.select(slice(start, start + _AT_ONCE)), size, age_step)
        for start in range(0, len(samples), _AT_ONCE)
    ]
    return TrackSegments(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _find(mesh: Mesh, samples: TrackSamples, size: np.ndarray, age_step: float) -> TrackSegments:
    place, log_age = _place(samples), samples.log_age.astype(float)
    gradient = mesh.gradient(*place.T) * _SCALES  # (n, 5, 3)
    known = np.isfinite(gradient).all(axis=(1, 2))
    gradient[~known] = 1.0
    # the step of unit change in log age that changes the atmosphere least
    atmosphere, age = gradient[:, [LOG_TEFF, LOGG, SURFACE]] / size[:, None], gradient[:, LOG_AGE]
    normal = np.swapaxes(atmosphere, 1, 2) @ atmosphere + _STIFFNESS**2 * np.eye(3)
    step = np.linalg.solve(normal, age[:, :, None])[:, :, 0]
    step /= (age * step).sum(axis=1, keepdims=True)
    change = np.abs(np.einsum("nqi,ni->nq", atmosphere, step)).max(axis=1)
    oldest = np.log10(mesh.priors.max_age) - 1e-6
    half = np.minimum(np.minimum(0.5 * age_step, oldest - log_age), _HALF / np.maximum(change, 1e-9))
    half = np.where(known, np.maximum(half, 0.0), 0.0)
    todo = np.flatnonzero(half > 0)
    for _ in range(_HALVINGS):
        move = (half[:, None] * step * _SCALES)[todo]
        ends = [mesh.at(*(place[todo] + sign * move).T)[0] for sign in (-1.0, 1.0)]
        todo = todo[~np.all([_lies_near(end, samples.select(todo), size, age_step, oldest) for end in ends], axis=0)]
        half[todo] *= 0.5
    half[todo] = 0.0
    direction = half[:, None] * step * _SCALES
    younger, older = (mesh.at(*(place + sign * direction).T) for sign in (-1.0, 1.0))
    extent = [older[0] - younger[0], (older[1] - younger[1])[:, None]]
    extent = np.hstack(extent)[:, [LOG_TEFF, LOGG, SURFACE, LOG_AGE, -1]]
    return TrackSegments(direction, np.nan_to_num(0.5 * np.abs(extent)))


def _lies_near(columns: np.ndarray, samples: TrackSamples, size: np.ndarray, age_step: float, oldest: float):
    """(n,) True for stars, rows of `Mesh.at`, within the groups of ``samples``."""
    middle = np.column_stack([samples.log_teff, samples.logg, samples.feh_surface])
    away = np.abs(columns[:, [LOG_TEFF, LOGG, SURFACE]] - middle) / size
    log_age = columns[:, LOG_AGE]
    near = (away <= _LEEWAY).all(axis=1) & (np.abs(log_age - samples.log_age) <= 0.6 * age_step)
    return near & (log_age <= oldest)  # False for NaN


def _place(samples: TrackSamples) -> np.ndarray:
    """(n, 3) float64: initial metallicity, log10 initial mass, EEP."""
    return np.column_stack([samples.feh, np.log10(samples.mass.astype(float)), samples.eep]).astype(float)
