"""The voxels of the atmosphere in Model 9's training, with the isochrones' prior of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR

#: Written by `stellar_core.isochrones.track_samples`.
HOME = TRAINED_DIR / "isochrone-cells"


@dataclass(frozen=True, eq=False)
class Voxels:
    """Occupied voxels of a lattice in log10 Teff, log g, surface [Fe/H]; compared by identity.

    Attributes
    ----------
    place : (n, 3) float32
        Mean log10 Teff, log g and [Fe/H] of the stars in each.
    log_prior : (n,) float32
        Log of the fraction of all stars in each.
    low, step : (3,) float64
        Corner and step of the lattice.
    """

    place: np.ndarray
    log_prior: np.ndarray
    low: np.ndarray
    step: np.ndarray

    def __len__(self) -> int:
        return len(self.log_prior)

    @cached_property
    def size(self) -> tuple[int, int, int]:
        """Number of lattice voxels along each axis."""
        return tuple(int(n) + 1 for n in self._index(self.place).max(axis=0))

    def density_ratio(self, place: np.ndarray, smoothing: float) -> np.ndarray:
        """Compute the density of stars in each voxel over that of the prior.

        Parameters
        ----------
        place : (n_star, 3) float
            log10 Teff, log g, [Fe/H].
        smoothing : float
            Width of the Gaussian that smooths both densities, voxels.

        Returns
        -------
        (n,) float64
        """
        from scipy.ndimage import gaussian_filter

        own = tuple(self._index(self.place).T)

        def smooth(place: np.ndarray, weight: np.ndarray) -> np.ndarray:
            total = np.zeros(self.size)
            np.add.at(total, tuple(self._index(place).clip(0, np.array(self.size) - 1).T), weight)
            return gaussian_filter(total, smoothing, mode="constant")[own]

        prior = np.exp(self.log_prior.astype(float))
        stars = smooth(np.asarray(place, float), np.full(len(place), 1.0 / len(place)))
        return stars / np.maximum(smooth(self.place, prior / prior.sum()), 1e-30)

    def _index(self, place: np.ndarray) -> np.ndarray:
        return np.floor((place - self.low) / self.step).astype(int)


@lru_cache(maxsize=1)
def load_voxels(folder: Path | None = None) -> Voxels:
    """Load the shipped voxels (kept in memory after the first call).

    Raises
    ------
    ModelError
        If the files are missing or damaged.
    """
    stored, _ = read_model(folder or HOME)
    return Voxels(*(stored[f"voxel.{name}"] for name in Voxels.__dataclass_fields__))
