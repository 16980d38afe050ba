"""Cells of the tracks, weighted by the number of their stars in the survey.

Cells are cut in initial mass, initial [M/H] and EEP. The weight of a cell is
IMF x star-formation history x [M/H] distribution x time spent in it x volume in which the survey
would select such a star. Stars with a companion are brighter, and selected in another volume: cells are
weighted by the largest volume, and pairs are then accepted in proportion to their own
(`PopulationCells.accepted`), so that the draws have the right share of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.galaxy import COMPONENTS, STRAGGLERS
from stellar_core.initial_mass_function import kroupa
from stellar_core.isochrones import Tracks
from stellar_core.mock.binaries import unresolved_share, with_companion
from stellar_core.mock.metallicities import metallicities
from stellar_core.mock.selection import Selection, colour_chance
from stellar_core.stages import classify

#: Distances of the shells in which stars are counted, pc.
DISTANCES = np.geomspace(30.0, 120_000.0, 240)
#: Nodes of M_r (extinction included), mag, and the gains in r by a companion for which volumes are compared: up to that
#: of two equal stars.
R_NODES = np.linspace(-8.0, 16.0, 241)
GAINS = np.linspace(0.0, 0.75, 16)
#: Cells that hold fewer stars per dex of [M/H] than this share of the densest are left out.
RAREST = 1e-6


@dataclass(frozen=True)
class PopulationCells:
    """Cells of the tracks with stars that the survey can select, and their weights.

    Attributes
    ----------
    component : (m,) int64
    low, high : (m, 3) float64
        Ends of the cell in log10 initial mass (Msun), initial [M/H] and EEP.
    absolute_r : (m,) float64
        M_r of a single star at the centre, mag.
    weight : (m,) float64
        Relative number of stars in the survey, before `accepted`.
    paired : (m,) float64
        Probability that a star of the cell has a companion, before `accepted`.
    gain : (m,) float64
        Largest volume of a star with a companion over that of a single one.
    box : (m,) int64
        Index of the box in (Teff, log g, [Fe/H], stage) that contains the cell.
    volume : (n_component, n_node) float64
        Relative number of selected stars of each component at M_r of `R_NODES`.
    """

    component: np.ndarray
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    absolute_r: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    paired: np.ndarray = field(repr=False)
    gain: np.ndarray = field(repr=False)
    box: np.ndarray = field(repr=False)
    volume: np.ndarray = field(repr=False)

    def cumulative(self, flatten: float) -> np.ndarray:
        """Cumulative probability (m,) of the cells, with the weight of a box divided by its power ``flatten``."""
        total = np.bincount(self.box, weights=self.weight)
        probability = self.weight * np.where(total > 0, total, 1.0)[self.box] ** -flatten
        running = np.cumsum(probability)
        return running / running[-1]

    def accepted(self, cell: np.ndarray, pair: np.ndarray, flux: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Keep pairs in proportion to their volume, and all single stars.

        Parameters
        ----------
        cell : (n,) int
            Cells of the stars.
        pair : (n,) bool
        flux : (n,) float
            Light of the companion in r over that of the primary; 0 for single stars and dark companions.

        Returns
        -------
        (n,) bool
        """
        alone = self.absolute_r[cell]
        both, ratio = with_companion(alone, flux), np.empty(len(cell))
        for index, volume in enumerate(self.volume):
            mine = self.component[cell] == index
            ratio[mine] = np.interp(both[mine], R_NODES, volume) / np.interp(alone[mine], R_NODES, volume)
        return ~pair | (rng.random(len(cell)) * self.gain[cell] < ratio)


def make_cells(tracks: Tracks, selection: Selection, colours: bool = True) -> PopulationCells:
    """Cut ``tracks`` into cells and weight them; ``colours=False`` omits `colour_chance`.

    Colours are those of the primaries.
    """
    log_mass = np.linspace(np.log10(max(0.45, tracks.mass[0])), np.log10(min(4.0, tracks.mass[-1])), 61)
    metal = np.linspace(tracks.feh[0], tracks.feh[-1], 25)
    eep = np.unique(np.append(tracks.eep[::2], tracks.eep[-1])).astype(float)
    mass_centre, metal_centre = 0.5 * (log_mass[1:] + log_mass[:-1]), 0.5 * (metal[1:] + metal[:-1])
    points = tracks.at(10.0 ** mass_centre[:, None, None], metal_centre[None, :, None], eep[None, None, :])
    middle = lambda values: 0.5 * (values[..., 1:] + values[..., :-1])
    age = 10.0 ** (points.log_age - 9.0)
    teff, time = 10.0 ** middle(points.log_teff), np.diff(age, axis=-1)
    keep = np.isfinite(teff) & np.isfinite(time) & (time > 0) & (age[..., :-1] < UNIVERSE_AGE_GYR)
    keep &= (teff > 0.97 * selection.teff[0]) & (teff < 1.03 * selection.teff[1])
    i, j, k = np.nonzero(keep)
    teff, logg, surface = teff[keep], middle(points.logg)[keep], middle(points.feh_surface)[keep]
    ages, log_radius = middle(age)[keep], middle(points.log_radius)[keep]
    # The number of stars in a cell: masses x time.
    number = kroupa(10.0 ** mass_centre[i]) * 10.0 ** mass_centre[i] * time[keep]
    low = np.column_stack([log_mass[i], metal[j], eep[k]])
    high = np.column_stack([log_mass[i + 1], metal[j + 1], eep[k + 1]])
    volumes = np.stack([_volume(index, selection) for index in range(len(COMPONENTS))])
    parts = []
    for index, (component, volume) in enumerate(zip(COMPONENTS, volumes)):
        mixture = metallicities(component)
        density = mixture.density_at(metal_centre)
        feh = surface - mixture.mean_offset_at(metal_centre)[j]
        weight = number * component.age_density(ages) * density[j]
        some = np.flatnonzero((weight > 0) & (density > RAREST * density.max())[j])
        some = some[(feh[some] > selection.feh[0] - 0.15) & (feh[some] < selection.feh[1] + 0.15)]
        star = teff[some], logg[some], feh[some]
        ten_parsec, dust = np.full(some.size, 10.0), np.full(some.size, selection.ebv)
        magnitudes = apparent_magnitudes(*star, log_radius[some], ten_parsec, dust)
        r = magnitudes[:, 2]
        gain = np.interp(r, R_NODES, _largest_gain(volume))
        share = 0.0 if index == STRAGGLERS else unresolved_share(10.0 ** mass_centre[i[some]])
        both = 1.0 - share + share * gain
        weight = weight[some] * np.interp(r, R_NODES, volume) * both
        if colours:
            weight *= colour_chance(magnitudes[:, 1] - r)
        parts.append(
            (np.full(r.size, index), low[some], high[some], r, weight, share * gain / both, gain, _boxes(*star))
        )
        parts[-1] = tuple(values[weight > 0] for values in parts[-1])
    return PopulationCells(*(np.concatenate(column) for column in zip(*parts)), volumes)


def _volume(component: int, selection: Selection) -> np.ndarray:
    """Relative number of selected stars at M_r of `R_NODES` (extinction included)."""
    shells = COMPONENTS[component].space_density(DISTANCES) * DISTANCES**3
    return selection.chance(R_NODES[:, None] + 5.0 * np.log10(DISTANCES / 10.0)) @ shells


def _largest_gain(volume: np.ndarray) -> np.ndarray:
    """Largest ratio of the volumes of a star with a companion and without, at M_r of `R_NODES`; at least 1."""
    paired = np.stack([np.interp(R_NODES - gain, R_NODES, volume) for gain in GAINS])
    return (paired / np.maximum(volume, 1e-300)).max(axis=0)


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
