"""Draw MOCK stars: a cell of the tracks by its weight, a point in it, [alpha/Fe] and a companion, then distance, dust
and velocity.

Tracks are entered at [M/H] = [Fe/H] + `metallicity_offset`, because tracks of scaled-solar mixture at [M/H] stand for
those of a mixture enhanced in alpha elements. Spectra and bolometric corrections are taken at [Fe/H]. The absorption
that tells metallicities apart in ugriz is that of iron-peak elements; and real stars set the scale of both: the
spectral libraries are labelled by [Fe/H], and their metal-poor stars are as enhanced as the MOCK ones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.errors import ParameterError
from stellar_core.galaxy import COMPONENTS, STRAGGLERS, TYPICAL_LATITUDE, radial_velocity, straggler_ages
from stellar_core.isochrones import Tracks, load_tracks
from stellar_core.mock.binaries import draw_companions, with_companion
from stellar_core.mock.metallicities import split_metallicity
from stellar_core.mock.population_cells import DISTANCES, PopulationCells, make_cells
from stellar_core.mock.selection import Selection
from stellar_core.stages import classify


@dataclass(frozen=True)
class Population:
    """Stars; arrays have shape (n,) and dtype float64 except where given.

    Values are those of the primary where the star has an unresolved companion, except ``magnitudes`` (both stars) and
    ``velocity_kms`` (mean weighted by the light in r). The companion is described in
    `stellar_core.mock.binaries.Companions`.

    Attributes
    ----------
    component : int64, index into `stellar_core.galaxy.COMPONENTS`
    mass, eep : initial mass (Msun), EEP
    init_mh, init_feh, alpha_fe : initial [M/H] (the track's), initial [Fe/H] and [alpha/Fe], dex
    log_age : log10(yr); for blue stragglers the age of their population
    apparent_log_age : log10(yr) on the track of a single star; differs from ``log_age`` for blue stragglers only
    log_lifetime : log10(yr), to the end of the track; for blue stragglers from the birth of their population
    teff, logg, feh : K, dex(cm/s2), surface [Fe/H] in dex
    log_radius : log10(Rsun)
    mass_ratio, log_period : of the companion, 0 and NaN for single stars; log10(days)
    secondary_teff, secondary_logg, secondary_feh : atmosphere of the companion, NaN if there is none
    secondary_flux : (n, 5), light of the companion in ugriz over that of the primary, 0 if there is none
    secondary_velocity : radial velocity of the companion relative to the primary, km/s
    distance_pc, ebv, velocity_kms : pc, true E(B-V) in mag, heliocentric km/s
    magnitudes : (n, 5), true ugriz magnitudes with extinction
    stage : int64, index into `stellar_core.stages.STAGES`, from Teff and log g
    """

    component: np.ndarray
    mass: np.ndarray
    eep: np.ndarray
    init_mh: np.ndarray
    init_feh: np.ndarray
    alpha_fe: np.ndarray
    log_age: np.ndarray
    apparent_log_age: np.ndarray
    log_lifetime: np.ndarray
    teff: np.ndarray
    logg: np.ndarray
    feh: np.ndarray
    log_radius: np.ndarray
    mass_ratio: np.ndarray
    log_period: np.ndarray
    secondary_teff: np.ndarray
    secondary_logg: np.ndarray
    secondary_feh: np.ndarray
    secondary_flux: np.ndarray
    secondary_velocity: np.ndarray
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


@lru_cache(maxsize=8)
def _shipped_cumulative(selection: Selection, flatten: float) -> np.ndarray:
    return _shipped_cells(selection).cumulative(flatten)


@lru_cache(maxsize=2)
def _end_log_age(tracks: Tracks) -> np.ndarray:
    return tracks.end_log_age()


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
    if cells is None:
        cells, cumulative = _shipped_cells(selection), _shipped_cumulative(selection, flatten)
    else:
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
    """Draw ``n`` cells, a point on the tracks in each, and its companion; drop what the survey does not select."""
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
    alpha, init_feh = split_metallicity(component, points.feh, rng)
    offset = points.feh - init_feh
    with np.errstate(invalid="ignore"):
        feh = points.feh_surface - offset
        fine &= (feh >= selection.feh[0]) & (feh <= selection.feh[1])
    chosen, points, offset = chosen[fine], points.select(fine), offset[fine]
    pairs = draw_companions(points, offset, cells.paired[chosen], selection.ebv, tracks, rng)
    kept = cells.accepted(chosen, pairs.mass_ratio > 0, pairs.flux[:, 2], rng)
    values = {
        "component": component[fine],
        "mass": points.mass,
        "eep": points.eep,
        "init_mh": points.feh,
        "init_feh": init_feh[fine],
        "alpha_fe": alpha[fine],
        "apparent_log_age": points.log_age,
        "teff": teff[fine],
        "logg": points.logg,
        "feh": feh[fine],
        "log_radius": points.log_radius,
        "mass_ratio": pairs.mass_ratio,
        "log_period": pairs.log_period,
        "secondary_teff": pairs.teff,
        "secondary_logg": pairs.logg,
        "secondary_feh": pairs.feh,
        "secondary_flux": pairs.flux,
        "secondary_velocity": pairs.velocity_kms,
    }
    return {name: value[kept] for name, value in values.items()}


def _place(stars, longitude, latitude, tracks, selection, rng) -> Population:
    """Draw distance, dust and velocity of the stars, and compute their magnitudes."""
    n = len(stars["teff"])
    ebv = selection.ebv * np.exp(0.55 * rng.standard_normal(n))
    ebv = np.clip(
        ebv * np.sin(np.radians(TYPICAL_LATITUDE)) / np.sin(np.radians(np.clip(np.abs(latitude), 15, 90))), 0.003, 0.5
    )
    absolute = with_companion(
        apparent_magnitudes(stars["teff"], stars["logg"], stars["feh"], stars["log_radius"], np.full(n, 10.0), ebv),
        stars["secondary_flux"],
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
    log_age, log_lifetime = _ages(stars, tracks, rng)
    return Population(
        **stars,
        log_age=log_age,
        log_lifetime=log_lifetime,
        distance_pc=distance,
        ebv=ebv,
        velocity_kms=radial_velocity(stars["component"], longitude, latitude, rng),
        magnitudes=absolute + (5.0 * np.log10(distance / 10.0))[:, None],
        stage=classify(stars["teff"], stars["logg"]),
    )


def _ages(stars: dict[str, np.ndarray], tracks: Tracks, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """log10(yr) of age and lifetime.

    A blue straggler is as old as its population, and has the time left that a single star of its mass and apparent age
    has; so no star is older than its lifetime.
    """
    apparent = stars["apparent_log_age"]
    age, lifetime = apparent.copy(), tracks.between_nodes(_end_log_age(tracks), stars["mass"], stars["init_mh"])
    lifetime = np.maximum(lifetime, apparent)
    merged = np.flatnonzero(stars["component"] == STRAGGLERS)
    years = straggler_ages(stars["init_feh"][merged], rng) * 1e9
    age[merged] = np.log10(years)
    lifetime[merged] = np.log10(years + (10.0 ** lifetime[merged] - 10.0 ** apparent[merged]))
    return age, lifetime
