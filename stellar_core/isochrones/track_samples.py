"""The stars that Model 9 chooses between: real points of the tracks, each with its prior weight.

The exact engine's mesh (`stellar_core.isochrones.mesh`) gives millions of track points with
the number of stars expected at each: IMF x d(age) x prior of [Fe/H]. Here they are gathered,
first by voxel of the atmosphere (log Teff, log g, surface [Fe/H]), then by half voxel in
[Fe/H], by log age and by stage. Each such cell keeps the weight of all its points and is
represented by the one nearest to their mean: a valid star, whose age never exceeds its
lifetime. The shipped file holds only mass, [Fe/H], EEP and weight of each, 16 bits a number;
everything else is read off the shipped tracks. It also holds the voxels, from which
`stellar_core.models.observable_bins` reads what a network needs to know of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.isochrones.lifetime import power_law_log_lifetime, track_log_lifetime
from stellar_core.isochrones.mesh import Cells, Window, mesh_of
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import Tracks
from stellar_core.model_store import read_model, write_model
from stellar_core.paths import TRAINED_DIR
from stellar_core.stages import STAGES, classify

HOME = TRAINED_DIR / "isochrone-cells"
#: Bounds of the atmospheres that the network can name: log10 Teff (3400 to 10,230 K), log g, surface [Fe/H].
LOW, HIGH = np.array([np.log10(3400.0), -0.4, -3.0]), np.array([4.01, 5.4, 0.66])
#: Extent of a voxel: log10 Teff, log g, surface [Fe/H].
VOXEL = np.array([0.006, 0.12, 0.12])
#: Extent of a cell in the same, and in log age, dex.
CELL, AGE_STEP = np.array([0.006, 0.12, 0.06]), 0.1
#: Largest extent of the track points that are gathered: fine, so that cells know their mean.
_RESOLUTION = np.array([0.004, 0.08, 0.06])
#: What the file holds of each cell.
_STORED = ("log_mass", "feh", "eep", "log_weight")


@dataclass(frozen=True, eq=False)
class IsochroneCells:
    """Representative stars in order of voxel; equal, and hashed, by identity.

    Attributes
    ----------
    stars : Cells
        The representatives, float32; ``weight`` is the share of all stars expected in the cell.
    first : (n_voxel + 1,) int64
        Where each voxel's cells start.
    priors : Priors
        Under which the weights were made.
    """

    stars: Cells
    first: np.ndarray
    priors: Priors = field(default_factory=Priors)

    def __len__(self) -> int:
        return len(self.stars)

    @cached_property
    def place(self) -> np.ndarray:
        """(n_cell, 3) float32: log10 Teff, log g, surface [Fe/H]."""
        return np.column_stack([self.stars.log_teff, self.stars.logg, self.stars.feh_surface])

    @cached_property
    def stage(self) -> np.ndarray:
        """(n_cell,) index into `STAGES`."""
        return classify(10.0**self.stars.log_teff, self.stars.logg)

    @cached_property
    def power_law_log_lifetime(self) -> np.ndarray:
        """(n_cell,) the paper's lifetime, 10 Gyr M^-2.5, as log10(yr)."""
        return power_law_log_lifetime(self.stars.mass).astype(np.float32)

    @cached_property
    def voxel_weight(self) -> np.ndarray:
        """(n_voxel,) float64, share of stars in each voxel."""
        return np.add.reduceat(self.stars.weight.astype(float), self.first[:-1])

    @cached_property
    def voxel_place(self) -> np.ndarray:
        """(n_voxel, 3) float32, mean log10 Teff, log g, surface [Fe/H] of each voxel's stars."""
        weighted = self.place.astype(float) * self.stars.weight[:, None]
        return (np.add.reduceat(weighted, self.first[:-1]) / self.voxel_weight[:, None]).astype(np.float32)

    def log_prior(self, priors: Priors | None = None) -> np.ndarray:
        """(n_cell,) float32, log of the share of stars in each cell under ``priors``.

        Other priors than `priors` are exchanged at the place of each star; a cell beyond
        their largest age gets minus infinity.

        Raises
        ------
        ParameterError
            If ``priors`` allow ages for which there are no cells.
        """
        weight = self.stars.weight.astype(float)
        if priors is not None and priors != self.priors:
            if priors.max_age > self.priors.max_age:
                raise ParameterError(
                    f"The cells reach {self.priors.max_age / 1e9:g} Gyr; the prior allows {priors.max_age / 1e9:g}.",
                    value=priors.max_age,
                )
            weight = weight * _density(self.stars, priors) / _density(self.stars, self.priors)
        with np.errstate(divide="ignore"):
            return np.log(weight / weight.sum()).astype(np.float32)


@lru_cache(maxsize=1)
def load_cells(folder: Path | None = None) -> IsochroneCells:
    """The shipped cells on the shipped tracks (kept in memory after the first call).

    Raises
    ------
    ModelError
        Where the files are missing or damaged.
    """
    stored, _ = read_model(folder or HOME)
    priors, tracks = Priors(), load_tracks()
    log_mass, feh, eep, log_weight = (_decoded(stored[name], stored[f"{name}_range"]) for name in _STORED)
    mass = 10.0**log_mass
    points = tracks.at(mass, feh, eep)
    # A hair below the limit: rounded to float32 it could lie above.
    log_age = np.minimum(points.log_age, np.log10(priors.max_age) - 1e-6)
    lifetime = np.maximum(track_log_lifetime(mass, feh, tracks), log_age)
    weight = np.exp(log_weight)
    columns = dict(
        log_teff=points.log_teff,
        logg=points.logg,
        feh_surface=points.feh_surface,
        feh=feh,
        log_age=log_age,
        mass=mass,
        log_lifetime=lifetime,
        log_radius=points.log_radius,
        eep=eep,
        weight=weight / weight.sum(),
    )
    stars = Cells(**{name: column.astype(np.float32) for name, column in columns.items()})
    return IsochroneCells(stars, np.concatenate([[0], np.cumsum(stored["per_voxel"], dtype=np.int64)]), priors)


def build(tracks: Tracks, folder: Path = HOME, priors: Priors = Priors()) -> dict[str, object]:
    """Make the cells from ``tracks`` and write them; returns the card."""
    cells, first = gather(tracks, priors)
    columns = (np.log10(cells.mass), cells.feh, cells.eep, np.log(cells.weight))
    weights: dict[str, np.ndarray] = {"per_voxel": np.diff(first).astype(np.uint16)}
    for name, column in zip(_STORED, columns):
        limits = np.array([column.min(), column.max()], float)
        weights[name] = np.round((column - limits[0]) / np.ptp(limits) * 65535).astype(np.uint16)
        weights[f"{name}_range"] = limits
    made = IsochroneCells(cells, first, priors)
    weights["voxel.place"] = made.voxel_place
    weights["voxel.log_prior"] = np.log(made.voxel_weight).astype(np.float32)
    weights["voxel.low"], weights["voxel.step"] = LOW, VOXEL
    card = {
        "name": "isochrone-cells",
        "what": "Representative stars on the tracks with prior weights, in voxels of the atmosphere",
        "tracks": tracks.source,
        "priors": priors.to_dict(),
        "cells": len(cells),
        "voxels": len(first) - 1,
        "voxel": VOXEL.tolist(),
        "cell": CELL.tolist(),
        "age_step_dex": AGE_STEP,
    }
    return write_model(folder, weights, card)


def gather(tracks: Tracks, priors: Priors) -> tuple[Cells, np.ndarray]:
    """Representative stars with the weights of their cells, in order of voxel, and where each voxel starts."""
    points = mesh_of(tracks, priors).cells(Window(LOW, HIGH, _RESOLUTION), np.float32)
    place = np.column_stack([points.log_teff, points.logg, points.feh_surface])
    inside = ((place >= LOW) & (place < HIGH)).all(axis=1)
    points, place = points.select(inside), place[inside].astype(float)
    lattice = np.floor((place - LOW) / VOXEL).astype(np.int64)
    voxel = np.ravel_multi_index(lattice.T, np.ceil((HIGH - LOW) / VOXEL).astype(int))
    parts = VOXEL / CELL
    part = (np.floor(((place - LOW) / VOXEL - lattice) * parts) @ np.append(1, parts[:2].cumprod())).astype(np.int64)
    age = np.floor(points.log_age / AGE_STEP).astype(np.int64)
    key = ((voxel * int(parts.prod()) + part) * 200 + age) * len(STAGES) + classify(10.0**points.log_teff, points.logg)
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    weight = points.weight[order].astype(float)
    total = np.add.reduceat(weight, starts)
    group = np.repeat(np.arange(starts.size), np.diff(np.append(starts, order.size)))
    # Nearest to the mean in units of the cell; the mass counts through the age.
    scaled = np.column_stack([place / CELL, points.log_age / AGE_STEP])[order]
    mean = np.add.reduceat(scaled * weight[:, None], starts) / total[:, None]
    distance = ((scaled - mean[group]) ** 2).sum(axis=1)
    nearest = np.lexsort([distance, group])[starts]
    chosen = points.select(order[nearest])
    columns = {item.name: getattr(chosen, item.name) for item in fields(Cells)}
    stars = Cells(**{**columns, "weight": (total / total.sum()).astype(np.float64)})
    first = np.flatnonzero(np.diff(voxel[order][starts], prepend=-1))
    return stars, np.append(first, len(stars))


def _decoded(codes: np.ndarray, limits: np.ndarray) -> np.ndarray:
    return limits[0] + codes.astype(float) / 65535 * (limits[1] - limits[0])


def _density(stars: Cells, priors: Priors) -> np.ndarray:
    """Prior per Msun, yr and dex at each star, 0 beyond the largest age."""
    age = 10.0 ** stars.log_age.astype(float)
    per_year = np.where(age <= 1.0001 * priors.max_age, 1.0 if priors.age == "uniform" else 1.0 / age, 0.0)
    return per_year * priors.mass_density(stars.mass.astype(float)) * priors.feh_density(stars.feh)
