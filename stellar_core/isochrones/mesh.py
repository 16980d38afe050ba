"""The tracks as a mesh of blocks in (initial [Fe/H], initial mass, EEP), and their refinement.

A block lies between neighbouring nodes of the tracks. Inside it everything is trilinear,
as in `Tracks.at`, so halving a block is exact: the new face is the mean of the two old ones.
Halving until a block is small against the errors gives track samples: small cells of the tracks, each
with its centre and its prior weight, the number of stars expected in it. The weight of the time spent,
d(age), is the difference of the ages at the two ends of the cell, so it sums to the same total however
finely the tracks are cut.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache

import numpy as np

from stellar_core.isochrones.lifetime import ENDS
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.tracks import Tracks

#: Fields a block carries at its eight corners.
FIELDS = ("log_teff", "logg", "feh_surface", "log_age", "log_radius")
LOG_TEFF, LOGG, FEH, LOG_AGE, LOG_RADIUS = range(5)
#: No sample is wider than this in log age, whatever the errors, dex.
AGE_RESOLUTION = 0.05
#: Most blocks refined at once: bounds the memory.
CHUNK = 100_000
#: A block is cut directly once this many pieces per axis, and in all, suffice; larger ones are halved first.
MAX_CUTS, MAX_PIECES = 8, 64


@dataclass(frozen=True, eq=False)
class TrackSamples:
    """Samples of the tracks with prior weights; every array (n_sample,). Equal, and hashed, by identity.

    Attributes
    ----------
    log_teff : log10(K)
    logg : dex(cm/s2)
    feh_surface, feh : surface and initial [Fe/H], dex
    log_age : log10(yr)
    mass : initial mass, Msun
    log_lifetime : log10(yr) to the end of the track
    log_radius : log10(Rsun)
    eep : EEP
    weight : prior weight, number of stars in arbitrary units, positive
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

    def __len__(self) -> int:
        return self.weight.size

    def select(self, keep: np.ndarray) -> TrackSamples:
        """The samples of ``keep``, a boolean mask or an index."""
        return TrackSamples(*(getattr(self, field.name)[keep] for field in fields(self)))

    @classmethod
    def join(cls, parts: list[TrackSamples], dtype: type = np.float64) -> TrackSamples:
        """Concatenate sets of samples."""
        if not parts:
            return cls(*(np.empty(0, dtype) for _ in fields(cls)))
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]).astype(dtype) for f in fields(cls)))


@dataclass(frozen=True)
class Window:
    """Range of the observables to sample, and the spacing.

    Attributes
    ----------
    low, high : (3,) float
        Bounds in log10 Teff, log g and surface [Fe/H].
    resolution : (3,) float
        Largest extent of a sample in the same quantities.
    """

    low: np.ndarray
    high: np.ndarray
    resolution: np.ndarray

    @classmethod
    def everything(cls, resolution: tuple[float, float, float]) -> Window:
        """No bounds."""
        return cls(np.full(3, -np.inf), np.full(3, np.inf), np.asarray(resolution, float))


class Mesh:
    """Blocks of a table of tracks that lie within the largest age.

    Parameters
    ----------
    tracks : Tracks
    priors : Priors
    """

    def __init__(self, tracks: Tracks, priors: Priors) -> None:
        self.tracks, self.priors = tracks, priors
        # (n_feh, n_mass, n_eep, 5); blocks index the node at their lower corner
        self._nodes = np.stack([getattr(tracks, name) for name in FIELDS], axis=-1)
        low, high = self._nodes[:-1, :-1, :-1].copy(), self._nodes[:-1, :-1, :-1].copy()
        for i, j, k in np.ndindex(2, 2, 2):
            corner = self._corner(i, j, k)
            low, high = np.minimum(low, corner), np.maximum(high, corner)  # NaN where a track has ended
        self._low, self._high = low, high
        self._alive = np.isfinite(low).all(axis=-1) & (low[..., LOG_AGE] < np.log10(priors.max_age))
        self._end = tracks.end_log_age(ENDS["end"])

    def samples(self, window: Window, dtype: type = np.float64) -> TrackSamples:
        """Samples centred in ``window`` (or one resolution beyond), none wider than its resolution."""
        keep = self._alive.copy()
        for axis in range(3):
            keep &= (self._high[..., axis] >= window.low[axis]) & (self._low[..., axis] <= window.high[axis])
        blocks = np.argwhere(keep)
        parts = []
        for start in range(0, len(blocks), CHUNK):
            parts.append(TrackSamples.join(self._refine(blocks[start : start + CHUNK], window), dtype))
        return TrackSamples.join(parts, dtype)

    @cached_property
    def prior_samples(self) -> TrackSamples:
        """The whole mesh on every fourth EEP, cut in log age only: enough for intervals of the prior."""
        knots = np.unique(np.append(self.tracks.eep[::4], self.tracks.eep[-1]))
        coarse = Mesh(self.tracks.thin(knots), self.priors)
        return coarse.samples(Window.everything((np.inf, np.inf, np.inf)))

    def _corner(self, i: int, j: int, k: int) -> np.ndarray:
        shape = self._nodes.shape
        return self._nodes[i : shape[0] - 1 + i, j : shape[1] - 1 + j, k : shape[2] - 1 + k]

    def _refine(self, blocks: np.ndarray, window: Window) -> list[TrackSamples]:
        """Halve large ``blocks`` (n, 3), drop those outside the window, then cut all to size."""
        corners = np.empty((len(blocks), 2, 2, 2, len(FIELDS)))
        for i, j, k in np.ndindex(2, 2, 2):
            corners[:, i, j, k] = self._nodes[blocks[:, 0] + i, blocks[:, 1] + j, blocks[:, 2] + k]
        lower, size = np.zeros((len(blocks), 3)), np.ones((len(blocks), 3))
        scale = np.append(window.resolution, AGE_RESOLUTION)
        done = []
        while len(blocks):
            reach = corners[..., :3].reshape(-1, 8, 3)
            inside = ((reach.max(axis=1) >= window.low) & (reach.min(axis=1) <= window.high)).all(axis=1)
            inside &= corners[..., LOG_AGE].reshape(-1, 8).min(axis=1) < np.log10(self.priors.max_age)
            blocks, corners, lower, size = blocks[inside], corners[inside], lower[inside], size[inside]
            extent = np.stack([_extent(corners, axis, scale) for axis in range(3)], axis=-1)  # (n, 3)
            pieces = np.maximum(np.ceil(extent - 1e-9), 1.0)
            small = (pieces <= MAX_CUTS).all(axis=1) & (pieces.prod(axis=1) <= MAX_PIECES)
            keys, group = np.unique(pieces[small].astype(int), axis=0, return_inverse=True)
            order = np.argsort(group.ravel(), kind="stable")
            chosen = np.flatnonzero(small)[order]
            bounds = np.searchsorted(group.ravel()[order], np.arange(len(keys) + 1))
            for cuts, first, last in zip(keys, bounds[:-1], bounds[1:]):
                part = chosen[first:last]
                done.append(self._cut(blocks[part], corners[part], lower[part], size[part], tuple(cuts), window))
            wide = ~small
            blocks, corners, lower, size = _halve(
                blocks[wide], corners[wide], lower[wide], size[wide], extent[wide].argmax(axis=1)
            )
        return done

    def _cut(
        self,
        blocks: np.ndarray,
        corners: np.ndarray,
        lower: np.ndarray,
        size: np.ndarray,
        cuts: tuple[int, int, int],
        window: Window,
    ) -> TrackSamples:
        """Cut every block into ``cuts`` equal pieces per axis; return their centres and prior weights."""
        tracks, priors = self.tracks, self.priors
        middles = [(np.arange(n) + 0.5) / n for n in cuts]
        ramps = [np.stack([1 - m, m], axis=-1) for m in middles]  # (n_cut, 2): weights of the two nodes
        # values on the pieces: interpolate along [Fe/H], then mass, then EEP centres and EEP edges
        faces = np.einsum("ai,bj,nijkq->nabkq", ramps[0], ramps[1], corners, optimize=True)
        centre = np.einsum("ck,nabkq->qnabc", ramps[2], faces)  # (5, n, cf, cm, ce)
        edge_age = faces[..., 0, LOG_AGE, None] + np.linspace(0, 1, cuts[2] + 1) * (
            faces[..., 1, LOG_AGE, None] - faces[..., 0, LOG_AGE, None]
        )  # (n, cf, cm, ce + 1)
        edge = 10.0**edge_age
        fractions = [lower[:, axis, None] + middles[axis] * size[:, axis, None] for axis in range(3)]  # (n, cuts)

        def along(nodes: np.ndarray, axis: int, fraction: np.ndarray) -> np.ndarray:
            first = nodes[blocks[:, axis]][:, None]
            return first + fraction * (nodes[blocks[:, axis] + 1][:, None] - first)

        log_mass = along(np.log10(tracks.mass), 1, fractions[1])
        half = 0.5 * (size[:, 1] / cuts[1] * np.diff(np.log10(tracks.mass))[blocks[:, 1]])[:, None]
        mass = 10.0**log_mass
        mass_width = 10.0 ** (log_mass + half) - 10.0 ** (log_mass - half)
        feh = along(tracks.feh, 0, fractions[0])
        feh_width = (size[:, 0] / cuts[0] * np.diff(tracks.feh)[blocks[:, 0]])[:, None]
        weight = (
            (priors.feh_density(feh) * feh_width)[:, :, None, None]
            * (priors.mass_density(mass) * mass_width)[:, None, :, None]
            * priors.age_weight(edge[..., :-1], edge[..., 1:])
        )
        end = np.stack([self._end[blocks[:, 0] + i, blocks[:, 1] + j] for i in (0, 1) for j in (0, 1)], axis=-1)
        wf, wm = fractions[0][:, :, None, None], fractions[1][:, None, :, None]
        lifetime = (1 - wf) * ((1 - wm) * end[:, None, None, None, 0] + wm * end[:, None, None, None, 1])
        lifetime = lifetime + wf * ((1 - wm) * end[:, None, None, None, 2] + wm * end[:, None, None, None, 3])
        keep = weight > 0
        for axis in range(3):
            slack = window.resolution[axis]
            keep &= (centre[axis] >= window.low[axis] - slack) & (centre[axis] <= window.high[axis] + slack)
        log_age = np.minimum(centre[LOG_AGE], np.log10(priors.max_age))
        shape = weight.shape
        columns = {
            "log_teff": centre[LOG_TEFF],
            "logg": centre[LOGG],
            "feh_surface": centre[FEH],
            "feh": feh[:, :, None, None],
            "log_age": log_age,
            "mass": mass[:, None, :, None],
            "log_lifetime": np.maximum(lifetime, log_age),
            "log_radius": centre[LOG_RADIUS],
            "eep": along(tracks.eep.astype(float), 2, fractions[2])[:, None, None, :],
            "weight": weight,
        }
        return TrackSamples(**{name: np.broadcast_to(column, shape)[keep] for name, column in columns.items()})


@lru_cache(maxsize=4)
def mesh_of(tracks: Tracks, priors: Priors) -> Mesh:
    """The mesh of ``tracks`` under ``priors``, kept between calls."""
    return Mesh(tracks, priors)


def _extent(corners: np.ndarray, axis: int, scale: np.ndarray) -> np.ndarray:
    """Largest change across ``axis`` in units of ``scale`` over the three observables and log age, (n,)."""
    change = np.abs(np.take(corners, 1, axis + 1) - np.take(corners, 0, axis + 1))[..., : scale.size]
    return (change.max(axis=(1, 2)) / scale).max(axis=1)


def _halve(
    blocks: np.ndarray, corners: np.ndarray, lower: np.ndarray, size: np.ndarray, axes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cut each block in two across its own axis; trilinear fields make this exact."""
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for axis in range(3):
        chosen = axes == axis
        if not chosen.any():
            continue
        faces = np.moveaxis(corners[chosen], axis + 1, 1)  # (n, 2, 2, 2, 5), the cut axis first
        middle = faces.mean(axis=1)
        half = size[chosen].copy()
        half[:, axis] *= 0.5
        for side in (0, 1):
            pair = np.stack([faces[:, 0], middle] if side == 0 else [middle, faces[:, 1]], axis=1)
            start = lower[chosen].copy()
            start[:, axis] += side * half[:, axis]
            parts.append((blocks[chosen], np.moveaxis(pair, 1, axis + 1), start, half))
    if not parts:
        return blocks, corners, lower, size
    return tuple(np.concatenate(arrays) for arrays in zip(*parts))
