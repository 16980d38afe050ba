"""MOCK spectra before the preprocessing, for the exact likelihood of their pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.mock.instrument import Observation
from stellar_core.mock.spectrograph import N_PIXEL


@dataclass(frozen=True)
class RawSpectra:
    """Spectra of n stars on the pixels common to both spectrographs (`stellar_core.mock.spectrograph`).

    Attributes
    ----------
    boss : (n,) bool
        True for BOSS, False for SDSS.
    velocity_kms : (n,) float64
        Radial velocity as measured, with its error: the one that the preprocessing removes.
    sky : (n,) float64
        Mean sky flux over the pixels of the instrument, in the units of the flux.
    flux, ivar : (n, N_PIXEL) float32
        Observed flux in arbitrary units; ``ivar`` 0 where there is no good pixel.
    """

    boss: np.ndarray
    velocity_kms: np.ndarray
    sky: np.ndarray
    flux: np.ndarray = field(repr=False)
    ivar: np.ndarray = field(repr=False)

    @classmethod
    def empty(cls, boss: np.ndarray, velocity_kms: np.ndarray) -> RawSpectra:
        """Spectra without good pixels, for `fill`."""
        flux, ivar = (np.zeros((len(boss), N_PIXEL), np.float32) for _ in range(2))
        return cls(boss, velocity_kms, np.zeros(len(boss)), flux, ivar)

    def fill(self, rows: np.ndarray, pixels: slice, seen: Observation, ivar: np.ndarray) -> None:
        """Write the spectra of ``rows``, observed on ``pixels``, with their inverse variance ``ivar`` (m, p)."""
        self.flux[rows, pixels], self.ivar[rows, pixels] = seen.flux, ivar
        self.sky[rows] = seen.sky.mean(axis=1)
