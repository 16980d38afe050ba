"""Importance-weighted stars of the MOCK population: the prior of the Bayes limit."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.evaluation.bayes_limit.spectral_basis import SpectralBasis
from stellar_core.galaxy import COMPONENTS, STRAGGLERS
from stellar_core.isochrones import load_tracks
from stellar_core.mock.binaries import with_companion
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.light import COMPANION_LOGG, COMPANION_TEFF, LEAST_LIGHT
from stellar_core.mock.population import Population, draw
from stellar_core.mock.population_cells import R_NODES, PopulationCells, make_cells
from stellar_core.mock.selection import Selection
from stellar_core.progress import Progress

#: Stars are drawn in proportion to the square root of their number in boxes of Teff, log g, [Fe/H] and stage, so that
#: rare ones are not few.
FLATTEN = 0.5
#: Stars drawn at a time.
CHUNK = 100_000
#: r band in ugriz.
_R = 2


@dataclass(frozen=True)
class PopulationSamples:
    """Stars and pairs in order of Teff; arrays of shape (n,) and dtype float32 except where given.

    Attributes
    ----------
    weight : number of such stars in the survey over that drawn; mean 1
    coefficients : (n, k), of the spectrum (of both stars of a pair) in `SpectralBasis`
    absolute : (n, 5), M_u to M_z of all light behind the median dust of the survey (`Selection.ebv`), mag
    teff, logg, feh, log_age, log_lifetime : K, dex, dex, log10(yr), of the primary
    stage : int8
    component : int8, index into `stellar_core.galaxy.COMPONENTS`
    companion_light : light of the companion in r over that of the primary, 0 for single stars
    log_volume : ln of the relative volume in which the survey selects the star
    ebv : true E(B-V) of the star, mag
    """

    weight: np.ndarray = field(repr=False)
    coefficients: np.ndarray = field(repr=False)
    absolute: np.ndarray = field(repr=False)
    teff: np.ndarray = field(repr=False)
    logg: np.ndarray = field(repr=False)
    feh: np.ndarray = field(repr=False)
    log_age: np.ndarray = field(repr=False)
    log_lifetime: np.ndarray = field(repr=False)
    stage: np.ndarray = field(repr=False)
    component: np.ndarray = field(repr=False)
    companion_light: np.ndarray = field(repr=False)
    log_volume: np.ndarray = field(repr=False)
    ebv: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.teff)

    def select(self, rows: np.ndarray | slice) -> PopulationSamples:
        """The samples of ``rows``."""
        return PopulationSamples(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    def points(self, rows: np.ndarray) -> np.ndarray:
        """(m, 5) float64: Teff, log g, [Fe/H], log age and log lifetime of ``rows``."""
        columns = self.teff, self.logg, self.feh, self.log_age, self.log_lifetime
        return np.column_stack([column[rows] for column in columns]).astype(float)

    def log_distance_density(self, modulus: np.ndarray) -> np.ndarray:
        """Ln of the probability density of the distance modulus (n,), mag, of each star in the survey, up to a
        constant."""
        distance, density = 10.0 ** (1.0 + 0.2 * modulus), np.empty(len(self))
        for index, component in enumerate(COMPONENTS):
            mine = self.component == index
            density[mine] = component.space_density(distance[mine])
        # The selection ends at sharp limits of r; the measured modulus has an error.
        limits = Selection()
        apparent = np.clip(self.absolute[:, _R] + modulus, limits.bright, limits.faint)
        return np.log(density * limits.chance(apparent)) + 3.0 * np.log(distance) - self.log_volume


def draw_samples(n: int, seed: int, progress: Progress = lambda name, done, total: None) -> PopulationSamples:
    """Draw some ``n`` stars without blue stragglers and stars outside the domain of the emulator, as test stars are.

    A million takes 20 s of processor and 400 MB.
    """
    parts = []
    for part, start in enumerate(range(0, n, CHUNK)):
        progress("stars of the prior", start, n)
        stars = draw(min(CHUNK, n - start), np.random.default_rng([seed, part]), flatten=FLATTEN)
        parts.append(_samples(stars))
    progress("stars of the prior", n, n)
    order = np.argsort(np.concatenate([part.teff for part in parts]), kind="stable")
    joined = {}
    for item in fields(PopulationSamples):
        values = np.concatenate([getattr(part, item.name) for part in parts])
        joined[item.name] = values[order]
    joined["weight"] /= joined["weight"].mean(dtype=float)
    return PopulationSamples(**joined)


def _samples(stars: Population) -> PopulationSamples:
    """The usable of the ``stars``, with weights up to a factor."""
    known = SpectralEmulator.load().domain(stars.teff, stars.logg, stars.feh)
    stars = stars.select(np.flatnonzero(known & (stars.component != STRAGGLERS)))
    near, dust = np.full(len(stars), 10.0), np.full(len(stars), Selection().ebv)
    absolute = apparent_magnitudes(stars.teff, stars.logg, stars.feh, stars.log_radius, near, dust)
    absolute = with_companion(absolute, stars.secondary_flux)
    volume = np.empty(len(stars))
    for index, row in enumerate(_cells().volume):
        mine = stars.component == index
        volume[mine] = np.interp(absolute[mine, _R], R_NODES, row)
    single = lambda values: np.asarray(values, np.float32)
    return PopulationSamples(
        single(_weights(stars)),
        _coefficients(stars),
        single(absolute),
        *(single(getattr(stars, name)) for name in ("teff", "logg", "feh", "log_age", "log_lifetime")),
        stars.stage.astype(np.int8),
        stars.component.astype(np.int8),
        single(stars.secondary_flux[:, _R]),
        single(np.log(np.maximum(volume, 1e-300))),
        single(stars.ebv),
    )


def _coefficients(stars: Population) -> np.ndarray:
    """Coefficients (n, k) of the spectra, with the light of companions; their velocities are left out."""
    basis = SpectralBasis.load()
    found = basis.coefficients(stars.teff, stars.logg, stars.feh)
    pairs = np.flatnonzero((stars.secondary_flux > LEAST_LIGHT).any(axis=1))
    second = basis.coefficients(
        np.clip(stars.secondary_teff[pairs], *COMPANION_TEFF),
        np.clip(stars.secondary_logg[pairs], *COMPANION_LOGG),
        stars.secondary_feh[pairs],
    )
    share = (stars.secondary_flux[pairs, _R] / (1.0 + stars.secondary_flux[pairs, _R])).astype(np.float32)[:, None]
    found[pairs] += share * (second - found[pairs])
    return found


@lru_cache(maxsize=1)
def _cells() -> PopulationCells:
    return make_cells(load_tracks(), Selection())


@lru_cache(maxsize=1)
def _weight_table() -> tuple[list[np.ndarray], np.ndarray]:
    """Lower ends of the cells in log mass, [M/H] and EEP, and the weight of the stars of each by component."""
    cells = _cells()
    lows = [np.unique(column) for column in cells.low.T]
    place = [np.searchsorted(low, column) for low, column in zip(lows, cells.low.T)]
    table = np.zeros((len(COMPONENTS), *(low.size for low in lows)))
    table[cells.component, place[0], place[1], place[2]] = (
        np.bincount(cells.box, weights=cells.weight)[cells.box] ** FLATTEN
    )
    return lows, table


def _weights(stars: Population) -> np.ndarray:
    """Weights (n,) that undo `FLATTEN`, which is a power of the number of stars in the box of a star's cell."""
    lows, table = _weight_table()
    values = np.log10(stars.mass), stars.init_mh, stars.eep
    place = (np.searchsorted(low, value + 1e-9, side="right") - 1 for low, value in zip(lows, values))
    return table[(stars.component, *place)]
