"""Cells of the tracks, weighted by the number of their stars in the survey.

Cells are cut in initial mass, initial [Fe/H] and EEP. The weight of a cell is
IMF x star-formation history x [Fe/H] distribution x time spent in it x volume in which the survey
would select such a star.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.galaxy import COMPONENTS
from stellar_core.initial_mass_function import kroupa
from stellar_core.isochrones import Tracks
from stellar_core.mock.selection import Selection, colour_chance
from stellar_core.stages import classify

#: Distances of the shells in which stars are counted, pc.
DISTANCES = np.geomspace(30.0, 120_000.0, 240)


@dataclass(frozen=True)
class PopulationCells:
    """Cells of the tracks with stars that the survey can select, and their weights.

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
        Index of the box in (Teff, log g, [Fe/H], stage) that contains the cell.
    """

    component: np.ndarray
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    absolute_r: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    box: np.ndarray = field(repr=False)

    def cumulative(self, flatten: float) -> np.ndarray:
        """Cumulative probability (m,) of the cells, with the weight of a box divided by its power ``flatten``."""
        total = np.bincount(self.box, weights=self.weight)
        probability = self.weight * np.where(total > 0, total, 1.0)[self.box] ** -flatten
        running = np.cumsum(probability)
        return running / running[-1]


def make_cells(tracks: Tracks, selection: Selection, colours: bool = True) -> PopulationCells:
    """Cut ``tracks`` into cells and weight them; ``colours=False`` omits `colour_chance`."""
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
    keep &= (surface > selection.feh[0] - 0.1) & (surface < selection.feh[1] + 0.1) & (age[..., :-1] < UNIVERSE_AGE_GYR)
    i, j, k = np.nonzero(keep)
    ages = middle(age)[keep]
    ten_parsec, dust = np.full(i.size, 10.0), np.full(i.size, selection.ebv)
    log_radius = middle(points.log_radius)[keep]
    magnitudes = apparent_magnitudes(teff[keep], logg[keep], surface[keep], log_radius, ten_parsec, dust)
    # The number of stars in a cell: masses x metals x time.
    number = kroupa(10.0 ** mass_centre[i]) * 10.0 ** mass_centre[i] * time[keep]
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
    return PopulationCells(*(np.concatenate(column) for column in zip(*parts)))


def _volume(component: int, selection: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Relative number of selected stars against M_r (extinction included): nodes (mag) and numbers."""
    nodes = np.linspace(-8.0, 16.0, 241)
    shells = COMPONENTS[component].space_density(DISTANCES) * DISTANCES**3
    return nodes, selection.chance(nodes[:, None] + 5.0 * np.log10(DISTANCES / 10.0)) @ shells


def _boxes(teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
    """Index of the box: 20 steps in log Teff, 12 in log g, 8 in [Fe/H], and the five stages."""
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
