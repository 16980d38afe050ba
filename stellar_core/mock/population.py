"""Drawing mock stars: IMF, time spent on the tracks, ages, metals, distances and the survey's choice.

The tracks are cut into cells of initial mass, initial [Fe/H] and EEP. The weight of a cell is
IMF x star-formation history x [Fe/H] distribution x time spent in it x the volume in which
the survey would take such a star; a draw takes a cell by its weight and a place in the cell at random.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.isochrones import Tracks, load_tracks, track_log_lifetime
from stellar_core.mock.galaxy import COMPONENTS, OLDEST, TYPICAL_LATITUDE, initial_mass_function, radial_velocity
from stellar_core.mock.photometry import RV, apparent_magnitudes
from stellar_core.mock.tables import read_tables
from stellar_core.stages import classify

_DISTANCES = np.geomspace(30.0, 120_000.0, 240)


@dataclass(frozen=True)
class Selection:
    """Which stars the survey takes.

    Attributes
    ----------
    bright, faint : float
        Limits in r, mag, extinction included.
    full : float
        Every star to this r is taken with one chance; beyond it the chance falls by
        ``fall`` dex per magnitude, which makes the counts per magnitude nearly flat.
    fall : float
    teff : (float, float)
        K.
    feh : (float, float)
        Surface [Fe/H], dex.
    ebv : float
        Median true E(B-V) of the sight-lines, mag.
    """

    bright: float = 14.0
    faint: float = 19.5
    full: float = 16.5
    fall: float = 0.35
    teff: tuple[float, float] = (3500.0, 10000.0)
    feh: tuple[float, float] = (-2.8, 0.6)
    ebv: float = 0.035

    def __post_init__(self) -> None:
        if not self.bright < self.faint or not self.teff[0] < self.teff[1] or not self.feh[0] < self.feh[1]:
            raise ParameterError("The limits of a selection must increase.")

    def chance(self, r: np.ndarray) -> np.ndarray:
        """Relative chance of being taken at r, mag."""
        inside = (r >= self.bright) & (r <= self.faint)
        return np.where(inside, 10.0 ** (-self.fall * np.maximum(r - self.full, 0.0)), 0.0)


@dataclass(frozen=True)
class Population:
    """Stars; every array has shape (n,) and dtype float64 unless said.

    Attributes
    ----------
    component : int64, index into `stellar_core.mock.galaxy.COMPONENTS`
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
                raise ParameterError(f"A population of {n} stars has {len(getattr(self, item.name))} values of {item.name}.")

    def __len__(self) -> int:
        return len(self.teff)

    def select(self, index: np.ndarray | slice) -> Population:
        """The stars of ``index``."""
        return Population(**{item.name: getattr(self, item.name)[index] for item in fields(self)})


@dataclass(frozen=True)
class Cells:
    """Cells of the tracks that hold stars the survey can take, with their weights.

    Attributes
    ----------
    component : (m,) int64
    low, high : (m, 3) float64
        Ends of the cell in log10 initial mass (Msun), initial [Fe/H] and EEP.
    absolute_r : (m,) float64
        M_r at the centre, mag.
    weight : (m,) float64
        Relative number of stars in the survey.
    box : (m,) int64
        Number of the box in (Teff, log g, [Fe/H], stage) that the cell lies in, for `flatten`.
    """

    component: np.ndarray
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    absolute_r: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    box: np.ndarray = field(repr=False)

    def cumulative(self, flatten: float) -> np.ndarray:
        """Cumulative probability (m,) of the cells, boxes evened out by the power ``flatten``."""
        total = np.bincount(self.box, weights=self.weight)
        probability = self.weight * np.where(total > 0, total, 1.0)[self.box] ** -flatten
        running = np.cumsum(probability)
        return running / running[-1]


def colour_chance(g_r: np.ndarray) -> np.ndarray:
    """Relative chance that the survey's targeting takes a star of true g-r (mag), extinction included.

    Learned from the colours of real SDSS stars by `stellar_core.mock.population_fit`.
    """
    nodes, chance = _colour_table()
    return np.interp(g_r, nodes, chance)


@lru_cache(maxsize=1)
def _colour_table() -> tuple[np.ndarray, np.ndarray]:
    arrays, _ = read_tables("mock-population")
    return arrays["g_r"].astype(float), arrays["chance"].astype(float)


def make_cells(tracks: Tracks, selection: Selection, colours: bool = True) -> Cells:
    """Cut ``tracks`` into cells and weigh them; ``colours`` False leaves out `colour_chance`."""
    log_mass = np.linspace(np.log10(max(0.45, tracks.mass[0])), np.log10(min(4.0, tracks.mass[-1])), 61)
    feh = np.linspace(tracks.feh[0], tracks.feh[-1], 25)
    eep = np.unique(np.append(tracks.eep[::2], tracks.eep[-1])).astype(float)
    mass_centre, feh_centre = 0.5 * (log_mass[1:] + log_mass[:-1]), 0.5 * (feh[1:] + feh[:-1])
    points = tracks.at(10.0 ** mass_centre[:, None, None], feh_centre[None, :, None], eep[None, None, :])
    middle = lambda values: 0.5 * (values[..., 1:] + values[..., :-1])
    age = 10.0 ** (points.log_age - 9.0)
    teff, logg, surface = (10.0 ** middle(points.log_teff), middle(points.logg), middle(points.feh_surface))
    time = np.diff(age, axis=-1)
    keep = np.isfinite(teff) & np.isfinite(time) & (time > 0)
    keep &= (teff > 0.97 * selection.teff[0]) & (teff < 1.03 * selection.teff[1])
    keep &= (surface > selection.feh[0] - 0.1) & (surface < selection.feh[1] + 0.1) & (age[..., :-1] < OLDEST)
    i, j, k = np.nonzero(keep)
    ages = middle(age)[keep]
    magnitudes = apparent_magnitudes(
        teff[keep], logg[keep], surface[keep], middle(points.log_radius)[keep], np.full(i.size, 10.0), np.full(i.size, selection.ebv)
    )
    # The number of stars in a cell: masses x metals x time.
    number = initial_mass_function(10.0 ** mass_centre[i]) * 10.0 ** mass_centre[i] * time[keep]
    if colours:
        number = number * colour_chance(magnitudes[:, 1] - magnitudes[:, 2])
    box = _boxes(teff[keep], logg[keep], surface[keep])
    low = np.column_stack([log_mass[i], feh[j], eep[k]])
    high = np.column_stack([log_mass[i + 1], feh[j + 1], eep[k + 1]])
    parts = []
    for index, component in enumerate(COMPONENTS):
        volume = np.interp(magnitudes[:, 2], *_volume(index, selection))
        weight = number * component.age_density(ages) * component.feh_density(feh_centre[j]) * volume
        some = weight > 0
        parts.append((np.full(some.sum(), index), low[some], high[some], magnitudes[some, 2], weight[some], box[some]))
    return Cells(*(np.concatenate(column) for column in zip(*parts)))


def _volume(component: int, selection: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Stars the survey takes as a function of M_r (extinction included): nodes and relative numbers."""
    nodes = np.linspace(-8.0, 16.0, 241)
    shells = COMPONENTS[component].space_density(_DISTANCES) * _DISTANCES**3
    return nodes, selection.chance(nodes[:, None] + 5.0 * np.log10(_DISTANCES / 10.0)) @ shells


def _boxes(teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
    """Number of the box: 20 steps in log Teff, 12 in log g, 8 in [Fe/H], the five stages."""
    parts = (
        (np.clip((np.log10(teff) - 3.53) / 0.024, 0, 19).astype(np.int64), 20),
        (np.clip(logg / 0.45, 0, 11).astype(np.int64), 12),
        (np.clip((feh + 2.6) / 0.4, 0, 7).astype(np.int64), 8),
        (classify(teff, logg), 5),
    )
    number = np.zeros(teff.shape, np.int64)
    for value, size in parts:
        number = number * size + value
    return number


@lru_cache(maxsize=4)
def _shipped_cells(selection: Selection) -> Cells:
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
    cells: Cells | None = None,
) -> Population:
    """Draw ``n`` stars.

    Parameters
    ----------
    n : int
        At least 0.
    rng : numpy.random.Generator
    selection : Selection
    flatten : float
        0 draws stars as the survey has them; 1 gives every occupied box in (Teff, log g,
        [Fe/H], stage) the same chance, for training; values between are between.
    longitude, latitude : (n,) float, optional
        Galactic coordinates, degrees, for the velocities; by default anywhere above 30 degrees.
        Distances and dust follow a typical sight-line either way.
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
    """Points on the tracks for ``n`` cells drawn; those outside the selection are left out."""
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
    """Give drawn stars distance, dust, velocity and magnitudes."""
    n = len(stars["teff"])
    ebv = selection.ebv * np.exp(0.55 * rng.standard_normal(n))
    ebv = np.clip(ebv * np.sin(np.radians(TYPICAL_LATITUDE)) / np.sin(np.radians(np.clip(np.abs(latitude), 15, 90))), 0.003, 0.5)
    absolute = apparent_magnitudes(
        stars["teff"], stars["logg"], stars["feh"], stars["log_radius"], np.full(n, 10.0), ebv
    )
    distance = np.empty(n)
    steps = 5.0 * np.log10(_DISTANCES / 10.0)
    for index, component in enumerate(COMPONENTS):
        mine = np.flatnonzero(stars["component"] == index)
        shells = component.space_density(_DISTANCES) * _DISTANCES**3
        running = np.cumsum(selection.chance(absolute[mine, 2:3] + steps) * shells, axis=1)
        # A star just outside the reach of its cell is put at the middle of the magnitude range.
        reach = running[:, -1] > 0
        wanted = rng.random(mine.size) * running[:, -1]
        at = np.minimum((running < wanted[:, None]).sum(axis=1), _DISTANCES.size - 1)
        jitter = (rng.random(mine.size) - 0.5) * np.log(_DISTANCES[1] / _DISTANCES[0])
        middle = 10.0 ** (1.0 + 0.2 * (0.5 * (selection.bright + selection.faint) - absolute[mine, 2]))
        distance[mine] = np.where(reach, _DISTANCES[at] * np.exp(jitter), middle)
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
