"""Representative stars on the tracks with prior weights: the support of the posterior of Model 9.

The mesh (`stellar_core.isochrones.mesh`) gives millions of track points with the number of stars
expected at each: IMF x d(age) x prior of [Fe/H]. Here they are grouped by bin of the atmosphere
(log Teff, log g, surface [Fe/H]), then by half bin in [Fe/H], log age and stage. Each group becomes
one sample: it has the weight of all points and is represented by the point nearest to their mean, a
valid star whose age never exceeds its lifetime. The shipped file has mass, [Fe/H], EEP and weight of
each, 16 bits per number; the other columns follow from the shipped tracks. It also has the segment of each
(`stellar_core.isochrones.track_segments`), and the bins, which `stellar_core.models.observable_bins` reads for the
network. In the file, bins are called voxels and samples cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.isochrones.lifetime import power_law_log_lifetime, track_log_lifetime
from stellar_core.isochrones.mesh import TrackSamples, Window, mesh_of
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_segments import HALF_WIDTHS, TrackSegments, find_segments
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import COLUMNS, Tracks
from stellar_core.model_store import read_model, write_model
from stellar_core.paths import TRAINED_DIR
from stellar_core.stages import STAGES, classify

HOME = TRAINED_DIR / "isochrone-cells"
#: Range of the atmospheres: log10 Teff (3400 to 10,230 K), log g, surface [Fe/H].
LOW, HIGH = np.array([np.log10(3400.0), -0.4, -3.0]), np.array([4.01, 5.4, 0.66])
#: Width of a bin: log10 Teff, log g, surface [Fe/H].
BIN_SIZE = np.array([0.006, 0.12, 0.12])
#: Width of a group in the same, and in log age, dex.
SAMPLE_SIZE, AGE_STEP = np.array([0.006, 0.12, 0.06]), 0.1
#: Spacing of the track points that are grouped.
_RESOLUTION = np.array([0.004, 0.08, 0.06])
#: Tensors of the file with one value per sample: of the samples, and of their segments with their largest code.
_STORED = ("log_mass", "feh", "eep", "log_weight")
_SEGMENTS = dict.fromkeys(("feh", "log_mass", "eep"), 65535) | dict.fromkeys(HALF_WIDTHS, 255)


@dataclass(frozen=True, eq=False)
class BinnedTrackSamples:
    """Track samples sorted by bin of the atmosphere; equal, and hashed, by identity.

    Attributes
    ----------
    stars : TrackSamples
        The samples, float32; ``weight`` is the fraction of all stars expected in each.
    first : (n_bin + 1,) int64
        Where each bin's samples start.
    segments : TrackSegments
        Where the stars of each sample lie.
    priors : Priors
        Priors of the weights.
    """

    stars: TrackSamples
    first: np.ndarray
    segments: TrackSegments
    priors: Priors = field(default_factory=Priors)

    def __len__(self) -> int:
        return len(self.stars)

    @cached_property
    def atmosphere(self) -> np.ndarray:
        """(n_sample, 3) float32: log10 Teff, log g, surface [Fe/H]."""
        return np.column_stack([self.stars.log_teff, self.stars.logg, self.stars.feh_surface])

    @cached_property
    def stage(self) -> np.ndarray:
        """(n_sample,) index into `STAGES`."""
        return classify(10.0**self.stars.log_teff, self.stars.logg)

    @cached_property
    def power_law_log_lifetime(self) -> np.ndarray:
        """(n_sample,) lifetime of the paper, 10 Gyr M^-2.5, as log10(yr)."""
        return power_law_log_lifetime(self.stars.mass).astype(np.float32)

    @cached_property
    def bin_weight(self) -> np.ndarray:
        """(n_bin,) float64, fraction of all stars in each bin."""
        return np.add.reduceat(self.stars.weight.astype(float), self.first[:-1])

    @cached_property
    def bin_atmosphere(self) -> np.ndarray:
        """(n_bin, 3) float32, mean log10 Teff, log g, surface [Fe/H] of each bin's stars."""
        weighted = self.atmosphere.astype(float) * self.stars.weight[:, None]
        return (np.add.reduceat(weighted, self.first[:-1]) / self.bin_weight[:, None]).astype(np.float32)

    def log_prior(self, priors: Priors | None = None) -> np.ndarray:
        """(n_sample,) float32, log of the fraction of stars in each sample under ``priors``.

        For priors other than `priors`, the weights are multiplied by the ratio of the densities at each star;
        samples above the largest age get minus infinity.

        Raises
        ------
        ParameterError
            If ``priors`` allow ages above those of the samples.
        """
        weight = self.stars.weight.astype(float)
        if priors is not None and priors != self.priors:
            if priors.max_age > self.priors.max_age:
                raise ParameterError(
                    f"The samples reach {self.priors.max_age / 1e9:g} Gyr; the prior allows {priors.max_age / 1e9:g}.",
                    value=priors.max_age,
                )
            weight = weight * _density(self.stars, priors) / _density(self.stars, self.priors)
        with np.errstate(divide="ignore"):
            return np.log(weight / weight.sum()).astype(np.float32)


@lru_cache(maxsize=1)
def load_track_samples(folder: Path | None = None) -> BinnedTrackSamples:
    """Load the shipped samples on the shipped tracks; kept in memory after the first call.

    Raises
    ------
    ModelError
        Where the files are missing or damaged.
    """
    stored, _ = read_model(folder or HOME)
    priors, tracks = Priors(), load_tracks()
    columns = (_decoded(stored[name], stored[f"{name}_range"]) for name in _STORED)
    stars = _on_tracks(*columns, tracks, priors)
    first = np.concatenate([[0], np.cumsum(stored["per_voxel"], dtype=np.int64)])
    return BinnedTrackSamples(stars, first, _stored_segments(stored), priors)


def build(tracks: Tracks, folder: Path = HOME, priors: Priors = Priors()) -> dict[str, object]:
    """Make the samples from ``tracks``, write them and return the card."""
    samples, first = group_points(tracks, priors)
    columns = (np.log10(samples.mass), samples.feh, samples.eep, np.log(samples.weight))
    weights: dict[str, np.ndarray] = {"per_voxel": np.diff(first).astype(np.uint16)}
    for name, column in zip(_STORED, columns):
        weights[name], weights[f"{name}_range"] = _encoded(column, 65535)
    weights |= segment_tensors(weights, tracks, priors)
    made = BinnedTrackSamples(samples, first, _stored_segments(weights), priors)
    weights["voxel.place"] = made.bin_atmosphere
    weights["voxel.log_prior"] = np.log(made.bin_weight).astype(np.float32)
    weights["voxel.low"], weights["voxel.step"] = LOW, BIN_SIZE
    card = {
        "name": "isochrone-cells",
        "what": "Representative stars on the tracks with prior weights, in bins of the atmosphere",
        "tracks": tracks.source,
        "priors": priors.to_dict(),
        "cells": len(samples),
        "voxels": len(first) - 1,
        "voxel": BIN_SIZE.tolist(),
        "cell": SAMPLE_SIZE.tolist(),
        "age_step_dex": AGE_STEP,
    }
    return write_model(folder, weights, card)


def segment_tensors(stored: Mapping[str, np.ndarray], tracks: Tracks, priors: Priors) -> dict[str, np.ndarray]:
    """Tensors of the segments of the samples in ``stored``, for the same file."""
    columns = (_decoded(stored[name], stored[f"{name}_range"]) for name in _STORED)
    stars = _on_tracks(*columns, tracks, priors)
    found = find_segments(mesh_of(tracks, priors), stars, SAMPLE_SIZE, AGE_STEP)
    tensors = {}
    for (name, most), column in zip(_SEGMENTS.items(), (*found.direction.T, *found.half_width.T)):
        tensors[f"segment.{name}"], tensors[f"segment.{name}_range"] = _encoded(column, most)
    return tensors


def _stored_segments(stored: Mapping[str, np.ndarray]) -> TrackSegments:
    names = ((f"segment.{name}", most) for name, most in _SEGMENTS.items())
    found = [_decoded(stored[name], stored[f"{name}_range"], most).astype(np.float32) for name, most in names]
    return TrackSegments(np.column_stack(found[:3]), np.column_stack(found[3:]))


def _on_tracks(
    log_mass: np.ndarray, feh: np.ndarray, eep: np.ndarray, log_weight: np.ndarray, tracks: Tracks, priors: Priors
) -> TrackSamples:
    """Samples at points of the tracks, float32."""
    # slightly below the limit, because rounding to float32 could exceed it
    oldest = np.log10(priors.max_age) - 1e-6
    points = tracks.at(10.0**log_mass, feh, eep)
    beyond = np.flatnonzero(points.log_age > oldest)
    while beyond.size:  # a group that the limit cuts may have its middle beyond: a little more mass is younger
        points.mass[beyond] *= 10.0 ** ((points.log_age[beyond] - oldest) / 3.0 + 1e-6)
        again = tracks.at(points.mass[beyond], feh[beyond], eep[beyond])
        for name in COLUMNS:
            getattr(points, name)[beyond] = getattr(again, name)
        beyond = beyond[again.log_age > oldest]
    lifetime = np.maximum(track_log_lifetime(points.mass, feh, tracks), points.log_age)
    weight = np.exp(log_weight)
    columns = {name: getattr(points, name) for name in ("feh", "mass", "eep", *COLUMNS)}
    columns |= {"log_lifetime": lifetime, "weight": weight / weight.sum()}
    return TrackSamples(**{name: column.astype(np.float32) for name, column in columns.items()})


def group_points(tracks: Tracks, priors: Priors) -> tuple[TrackSamples, np.ndarray]:
    """Samples sorted by bin, and the first sample of each bin."""
    points = mesh_of(tracks, priors).samples(Window(LOW, HIGH, _RESOLUTION))
    place = np.column_stack([points.log_teff, points.logg, points.feh_surface])
    inside = ((place >= LOW) & (place < HIGH)).all(axis=1)
    points, place = points.select(inside), place[inside].astype(float)
    lattice = np.floor((place - LOW) / BIN_SIZE).astype(np.int64)
    bin_index = np.ravel_multi_index(lattice.T, np.ceil((HIGH - LOW) / BIN_SIZE).astype(int))
    parts = BIN_SIZE / SAMPLE_SIZE
    part = (np.floor(((place - LOW) / BIN_SIZE - lattice) * parts) @ np.append(1, parts[:2].cumprod())).astype(np.int64)
    age = np.floor(points.log_age / AGE_STEP).astype(np.int64)
    key = ((bin_index * int(parts.prod()) + part) * 200 + age) * len(STAGES) + classify(
        10.0**points.log_teff, points.logg
    )
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    weight = points.weight[order].astype(float)
    total = np.add.reduceat(weight, starts)
    group = np.repeat(np.arange(starts.size), np.diff(np.append(starts, order.size)))
    # Nearest to the mean in units of the group; the mass enters through the age.
    scaled = np.column_stack([place / SAMPLE_SIZE, points.log_age / AGE_STEP])[order]
    mean = np.add.reduceat(scaled * weight[:, None], starts) / total[:, None]
    distance = ((scaled - mean[group]) ** 2).sum(axis=1)
    nearest = np.lexsort([distance, group])[starts]
    chosen = points.select(order[nearest])
    columns = {item.name: getattr(chosen, item.name) for item in fields(TrackSamples)}
    stars = TrackSamples(**{**columns, "weight": (total / total.sum()).astype(np.float64)})
    first = np.flatnonzero(np.diff(bin_index[order][starts], prepend=-1))
    return stars, np.append(first, len(stars))


def _encoded(column: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes 0 to ``most`` of a column, and its limits."""
    limits = np.array([column.min(), column.max()], float)
    codes = np.round((column - limits[0]) / np.ptp(limits) * most)
    return codes.astype(np.uint8 if most < 256 else np.uint16), limits


def _decoded(codes: np.ndarray, limits: np.ndarray, most: int = 65535) -> np.ndarray:
    return limits[0] + codes.astype(float) / most * (limits[1] - limits[0])


def _density(stars: TrackSamples, priors: Priors) -> np.ndarray:
    """Prior per Msun, yr and dex at each star, 0 beyond the largest age."""
    inside = 10.0 ** stars.log_age.astype(float) <= 1.0001 * priors.max_age
    return inside * priors.density(stars.feh, stars.log_age) * priors.mass_density(stars.mass.astype(float))
