"""The tracks as a mesh of blocks in (initial metallicity, initial mass, EEP), and samples of it.

A block lies between neighbouring nodes of the tracks. Inside it everything is trilinear, as in `Tracks.at`. Blocks are
cut into track samples: small pieces of the tracks, each with its centre and its prior weight, the number of stars
expected in it. The weight of the time spent, d(age), is the difference of the ages at the two ends of the piece, so it
sums to the same total however finely the tracks are cut.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np

from stellar_core.isochrones.lifetime import ENDS
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_sampling import CHUNK, EDGES, LOG_AGE, LOG_TEFF_SUN, N_ROW, OBSERVABLES, cut_blocks
from stellar_core.isochrones.tracks import Tracks, bracket

#: Largest extent of a sample in log age for summaries, dex.
AGE_RESOLUTION = 0.05
#: First guess of the number of samples.
CAPACITY = 100_000


@dataclass(frozen=True, eq=False)
class TrackSamples:
    """Samples of the tracks with prior weights; every array (n_sample,). Equal, and hashed, by identity.

    Attributes
    ----------
    log_teff : log10(K)
    logg : dex(cm/s2)
    feh_surface, feh : surface and initial metallicity, dex: [M/H], which is [Fe/H] for a solar mixture
    log_age : log10(yr)
    mass : initial mass, Msun
    log_lifetime : log10(yr) to the end of the track
    log_radius : log10(Rsun)
    eep : EEP
    weight : prior weight, number of stars in arbitrary units, positive
    edges : (n_sample, 3, 3) or None
        Extent of a sample in (log10 Teff, log g, surface metallicity) along metallicity, mass and EEP.
    """

    log_teff: np.ndarray
    logg: np.ndarray
    feh_surface: np.ndarray
    feh: np.ndarray
    log_age: np.ndarray
    mass: np.ndarray
    log_lifetime: np.ndarray
    log_radius: np.ndarray
    eep: np.ndarray
    weight: np.ndarray
    edges: np.ndarray | None = None

    def __len__(self) -> int:
        return self.weight.size

    def select(self, keep: np.ndarray | slice) -> TrackSamples:
        """The samples of ``keep``, a boolean mask, an index or a slice."""
        columns = (getattr(self, field.name) for field in fields(self))
        return TrackSamples(*(None if column is None else column[keep] for column in columns))


@dataclass(frozen=True)
class Window:
    """Range of the observables to sample, and the spacing.

    Attributes
    ----------
    low, high : (3,) or (4,) float
        Bounds in log10 Teff, log g and surface metallicity, and, if there are four values, log10 luminosity (Lsun).
    resolution : (3,) or (4,) float
        Largest extent of a sample in the same quantities.
    margin : (3,) or (4,) float
        Samples outside the bounds are wanted up to this distance; distances in units of it add in quadrature.
    reach : float
        ``margin`` in sigmas: samples grow with their distance from the bounds. 0 for equal samples everywhere.
    age : float
        Largest extent of a sample in log age, dex, whatever the errors.
    most : int
        Largest number of cuts along an axis of a block: bounds the work for rare stars between distant tracks.
    """

    low: np.ndarray
    high: np.ndarray
    resolution: np.ndarray
    margin: np.ndarray | None = None
    reach: float = 0.0
    age: float = AGE_RESOLUTION
    most: int = 10_000

    @classmethod
    def everything(cls, resolution: tuple[float, float, float]) -> Window:
        """No bounds."""
        return cls(np.full(3, -np.inf), np.full(3, np.inf), np.asarray(resolution, float))

    @property
    def rows(self) -> np.ndarray:
        """(3, 4) bounds and margin as `track_sampling.cut_blocks` takes them."""
        margin = np.full(len(self.low), 1e-9) if self.margin is None else self.margin
        rows = np.array([[-np.inf], [np.inf], [1.0]]) * np.ones(OBSERVABLES)
        rows[:, : len(self.low)] = self.low, self.high, margin
        return rows

    @property
    def sizes(self) -> np.ndarray:
        """(5,) largest extent of a sample in each column of a node."""
        sizes = np.full(OBSERVABLES + 1, np.inf)
        sizes[: len(self.resolution)], sizes[LOG_AGE] = self.resolution, self.age
        return sizes


class Mesh:
    """Blocks of a table of tracks up to the largest age.

    Parameters
    ----------
    tracks : Tracks
    priors : Priors
    """

    def __init__(self, tracks: Tracks, priors: Priors) -> None:
        self.tracks, self.priors = tracks, priors
        # (n_feh, n_mass, n_eep, 5); blocks are numbered by the node at their lower corner
        luminosity = 2.0 * tracks.log_radius + 4.0 * (tracks.log_teff - LOG_TEFF_SUN)
        columns = (tracks.log_teff, tracks.logg, tracks.feh_surface, luminosity, tracks.log_age)
        self._nodes = np.stack(columns, axis=-1).astype(float)
        self._axes = tuple(np.ascontiguousarray(x, float) for x in (tracks.feh, np.log10(tracks.mass), tracks.eep))
        self._end = np.ascontiguousarray(tracks.end_log_age(ENDS["end"]), float)
        shape = self._nodes.shape
        cuts = [
            self._nodes[i : shape[0] - 1 + i, j : shape[1] - 1 + j, k : shape[2] - 1 + k]
            for i, j, k in np.ndindex(2, 2, 2)
        ]
        low, high = cuts[0].copy(), cuts[0].copy()
        for corner in cuts[1:]:
            np.minimum(low, corner, out=low)  # NaN where a track has ended
            np.maximum(high, corner, out=high)
        self._bounds = np.stack([low, high], axis=-2).astype(np.float32)
        starts = np.arange(0, shape[2] - 1, CHUNK)
        edges = (np.minimum, np.inf), (np.maximum, -np.inf)
        chunks = [
            ufunc.reduceat(np.where(np.isnan(self._bounds[..., side, :]), empty, self._bounds[..., side, :]), starts, 2)
            for side, (ufunc, empty) in enumerate(edges)
        ]
        self._chunks = np.stack(chunks, axis=-2)

    def pieces(self, window: Window, edges: bool = True, span: tuple[int, int] | None = None) -> TrackSamples:
        """Samples in ``window``, float32, of the metallicities ``span``; weighted by mass and time alone.

        The weight is the number of stars for a constant density of metallicity and age: priors of these are
        `Priors.density`.
        """
        span = span or (0, self._nodes.shape[0] - 1)
        oldest, capacity = float(np.log10(self.priors.max_age)), CAPACITY
        while True:
            rows = np.empty((N_ROW if edges else EDGES, capacity), np.float32)
            count = cut_blocks(
                self._nodes, self._axes, self._end, self._bounds, self._chunks,
                window.rows, window.sizes, float(window.reach), window.most, oldest, span, rows,
            )  # fmt: skip
            if count <= capacity:
                break
            capacity = count
        columns = list(rows[:EDGES, :count])
        mass = columns[5]
        columns[9] = columns[9] * (self.priors.mass_density(mass) * mass * np.log(10.0)).astype(np.float32)
        return TrackSamples(*columns, rows[EDGES:, :count].T.reshape(-1, 3, 3) if edges else None)

    def samples(self, window: Window) -> TrackSamples:
        """Samples in ``window`` with their full prior weight."""
        found = self.pieces(window, edges=False)
        density = self.priors.density(found.feh, found.log_age)
        keep = density > 0
        found = found.select(keep)
        return replace(found, weight=found.weight * density[keep].astype(np.float32))

    def at(self, feh: np.ndarray, log_mass: np.ndarray, eep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points of the tracks, as `Tracks.at` and `lifetime.track_log_lifetime` give them.

        Parameters
        ----------
        feh, log_mass, eep : (n,) float
            Initial metallicity (dex), log10 initial mass (Msun), EEP.

        Returns
        -------
        columns : (n, 5) float64
            As in `track_sampling`; NaN where there is no star.
        log_lifetime : (n,) float64
            log10(yr) to the end of the track.
        """
        lower, weight = self._place(feh, log_mass, eep)
        # (3, 2, n) weights of the nodes below and above
        f, m, e = np.stack([1.0 - weight, weight], axis=1)
        part = (f[:, None] * m)[:, :, None] * e  # (2, 2, 2, n)
        nodes = self._corners(lower)
        if np.isnan(nodes).any():  # an ended track contributes only where its weight is not zero
            nodes = np.where(part[..., None] != 0, nodes, 0.0)
        ends = [(f[i] * m[j]) * self._end[lower[0] + i, lower[1] + j] for i, j in np.ndindex(2, 2)]
        return np.einsum("ijkn,ijknq->nq", part, nodes), sum(ends)

    def gradient(self, feh: np.ndarray, log_mass: np.ndarray, eep: np.ndarray) -> np.ndarray:
        """(n, 5, 3) change of the columns per dex of metallicity, per dex of mass and per EEP; arguments as for `at`.

        NaN where a track of the block has ended.
        """
        lower, weight = self._place(feh, log_mass, eep)
        corners, (f, m, e) = self._corners(lower), weight[:, :, None]
        between = lambda pair, t: pair[0] + t * (pair[1] - pair[0])
        face = between(corners, f)
        line = between(face, m)
        along = (between(between(corners[1] - corners[0], m), e), between(face[1] - face[0], e), line[1] - line[0])
        step = [np.diff(axis)[index] for axis, index in zip(self._axes, lower)]
        return np.stack(along, axis=-1) / np.array(step).T[:, None, :]

    def _place(self, *point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Node below each point (3, n) and its place between that and the next one (3, n), 0 to 1; NaN outside."""
        found = [bracket(axis, values) for axis, values in zip(self._axes, point)]
        return tuple(np.array(one) for one in zip(*found))

    def _corners(self, lower: np.ndarray) -> np.ndarray:
        """(2, 2, 2, n, 5) nodes around points."""
        shape = self._nodes.shape
        first = np.ravel_multi_index(lower, shape[:3])
        offset = [np.ravel_multi_index(corner, shape[:3]) for corner in np.ndindex(2, 2, 2)]
        nodes = self._nodes.reshape(-1, shape[3])[np.add.outer(offset, first)]
        return nodes.reshape(2, 2, 2, *nodes.shape[1:])

    @cached_property
    def prior_samples(self) -> TrackSamples:
        """The whole mesh on every fourth EEP, cut in log age only: enough for intervals of the prior."""
        knots = np.unique(np.append(self.tracks.eep[::4], self.tracks.eep[-1]))
        coarse = Mesh(self.tracks.thin(knots), self.priors)
        return coarse.samples(Window.everything((np.inf, np.inf, np.inf)))


@lru_cache(maxsize=4)
def mesh_of(tracks: Tracks, priors: Priors) -> Mesh:
    """The mesh of ``tracks`` under ``priors``, kept between calls."""
    return Mesh(tracks, priors)
