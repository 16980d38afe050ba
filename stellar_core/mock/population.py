"""Draw MOCK stars: a cell of the tracks by its weight, a point in it, then distance, dust and velocity."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.errors import ParameterError
from stellar_core.galaxy import COMPONENTS, TYPICAL_LATITUDE, radial_velocity
from stellar_core.isochrones import Tracks, load_tracks, track_log_lifetime
from stellar_core.mock.population_cells import DISTANCES, PopulationCells, make_cells
from stellar_core.mock.selection import Selection
from stellar_core.stages import classify


@dataclass(frozen=True)
class Population:
    """Stars; arrays have shape (n,) and dtype float64 except where given.

    Attributes
    ----------
    component : int64, index into `stellar_core.galaxy.COMPONENTS`
    mass, init_feh, eep : initial mass (Msun), initial [Fe/H] (dex), EEP
    log_age, log_lifetime : log10(yr); the lifetime is that to the end of the track
    teff, logg, feh : K, dex(cm/s2), surface [Fe/H] in dex
    log_radius : log10(Rsun)
    distance_pc, ebv, velocity_kms : pc, true E(B-V) in mag, heliocentric km/s
    magnitudes : (n, 5), true ugriz magnitudes with extinction
    stage : int64, index into `stellar_core.stages.STAGES`, from Teff and log g
    """

    component: np.ndarray
    mass: np.ndarray
    init_feh: np.ndarray
    eep: np.ndarray
    log_age: np.ndarray
    log_lifetime: np.ndarray
    teff: np.ndarray
    logg: np.ndarray
    feh: np.ndarray
    log_radius: np.ndarray
    distance_pc: np.ndarray
    ebv: np.ndarray
    velocity_kms: np.ndarray
    magnitudes: np.ndarray
    stage: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.teff)
        for item in fields(self):
            if len(getattr(self, item.name)) != n:
                raise ParameterError(
                    f"A population of {n} stars has {len(getattr(self, item.name))} values of {item.name}."
                )

    def __len__(self) -> int:
        return len(self.teff)

    def select(self, index: np.ndarray | slice) -> Population:
        """The stars of ``index``."""
        return Population(**{item.name: getattr(self, item.name)[index] for item in fields(self)})


@lru_cache(maxsize=4)
def _shipped_cells(selection: Selection) -> PopulationCells:
    return make_cells(load_tracks(), selection)


def draw(
    n: int,
    rng: np.random.Generator,
    *,
    selection: Selection = Selection(),
    flatten: float = 0.0,
    longitude: np.ndarray | None = None,
    latitude: np.ndarray | None = None,
    tracks: Tracks | None = None,
    cells: PopulationCells | None = None,
) -> Population:
    """Draw ``n`` stars.

    Parameters
    ----------
    n : int
        At least 0.
    rng : numpy.random.Generator
    selection : Selection
    flatten : float
        0 draws stars in the proportions of the survey; 1 gives every occupied box in (Teff, log g,
        [Fe/H], stage) the same probability, for training; values between interpolate.
    longitude, latitude : (n,) float, optional
        Galactic coordinates, degrees, for the velocities; by default random above 30 degrees.
        Distances and dust follow a typical sight-line in both cases.
    tracks, cells : optional
        The shipped tracks and their cells by default.

    Returns
    -------
    Population

    Raises
    ------
    ParameterError
        If ``n`` is negative or ``flatten`` is not between 0 and 1.
    """
    if n < 0:
        raise ParameterError(f"The number of stars must not be negative; got {n}.", value=n)
    if not 0.0 <= flatten <= 1.0:
        raise ParameterError(f"flatten must lie between 0 and 1; got {flatten}.", value=flatten)
    tracks = load_tracks() if tracks is None else tracks
    cells = _shipped_cells(selection) if cells is None else cells
    cumulative = cells.cumulative(flatten)
    parts, have = [], 0
    while have < n or not parts:
        part = _draw_cells(int(1.15 * (n - have)) + 8, cells, cumulative, tracks, selection, rng)
        parts.append(part)
        have += len(part["teff"])
    stars = {name: np.concatenate([part[name] for part in parts])[:n] for name in parts[0]}
    if longitude is None or latitude is None:
        longitude = rng.uniform(0.0, 360.0, n)
        latitude = np.degrees(np.arcsin(rng.uniform(0.5, 1.0, n))) * rng.choice([-1.0, 1.0], n)
    return _place(stars, np.broadcast_to(longitude, n), np.broadcast_to(latitude, n), tracks, selection, rng)


def _draw_cells(n, cells, cumulative, tracks, selection, rng) -> dict[str, np.ndarray]:
    """Draw ``n`` cells and a point on the tracks in each; drop points outside the selection."""
    chosen = np.searchsorted(cumulative, rng.random(n), side="right").clip(max=len(cumulative) - 1)
    place = cells.low[chosen] + rng.random((n, 3)) * (cells.high[chosen] - cells.low[chosen])
    points = tracks.at(10.0 ** place[:, 0], place[:, 1], place[:, 2])
    teff = 10.0**points.log_teff
    component = cells.component[chosen]
    low, high = np.array([item.age_range for item in COMPONENTS]).T
    with np.errstate(invalid="ignore"):
        age = 10.0 ** (points.log_age - 9.0)
        fine = (age >= low[component]) & (age <= high[component])
        fine &= (teff >= selection.teff[0]) & (teff <= selection.teff[1])
        fine &= (points.feh_surface >= selection.feh[0]) & (points.feh_surface <= selection.feh[1])
    values = {
        "component": component,
        "mass": points.mass,
        "init_feh": points.feh,
        "eep": points.eep,
        "log_age": points.log_age,
        "teff": teff,
        "logg": points.logg,
        "feh": points.feh_surface,
        "log_radius": points.log_radius,
    }
    return {name: value[fine] for name, value in values.items()}


def _place(stars, longitude, latitude, tracks, selection, rng) -> Population:
    """Draw distance, dust and velocity of the stars, and compute their magnitudes."""
    n = len(stars["teff"])
    ebv = selection.ebv * np.exp(0.55 * rng.standard_normal(n))
    ebv = np.clip(
        ebv * np.sin(np.radians(TYPICAL_LATITUDE)) / np.sin(np.radians(np.clip(np.abs(latitude), 15, 90))), 0.003, 0.5
    )
    absolute = apparent_magnitudes(
        stars["teff"], stars["logg"], stars["feh"], stars["log_radius"], np.full(n, 10.0), ebv
    )
    distance = np.empty(n)
    steps = 5.0 * np.log10(DISTANCES / 10.0)
    for index, component in enumerate(COMPONENTS):
        mine = np.flatnonzero(stars["component"] == index)
        shells = component.space_density(DISTANCES) * DISTANCES**3
        running = np.cumsum(selection.chance(absolute[mine, 2:3] + steps) * shells, axis=1)
        # A star just beyond the distances of its cell is placed at the middle of the magnitude range.
        reach = running[:, -1] > 0
        wanted = rng.random(mine.size) * running[:, -1]
        at = np.minimum((running < wanted[:, None]).sum(axis=1), DISTANCES.size - 1)
        jitter = (rng.random(mine.size) - 0.5) * np.log(DISTANCES[1] / DISTANCES[0])
        middle = 10.0 ** (1.0 + 0.2 * (0.5 * (selection.bright + selection.faint) - absolute[mine, 2]))
        distance[mine] = np.where(reach, DISTANCES[at] * np.exp(jitter), middle)
    lifetime = track_log_lifetime(stars["mass"], stars["init_feh"], tracks)
    return Population(
        **stars,
        log_lifetime=np.maximum(lifetime, stars["log_age"]),
        distance_pc=distance,
        ebv=ebv,
        velocity_kms=radial_velocity(stars["component"], longitude, latitude, rng),
        magnitudes=absolute + (5.0 * np.log10(distance / 10.0))[:, None],
        stage=classify(stars["teff"], stars["logg"]),
    )
