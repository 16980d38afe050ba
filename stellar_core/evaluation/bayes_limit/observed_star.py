"""Data of one MOCK test star for the exact likelihood: pixels, magnitudes, velocity and dust."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.dust_map import SFD_COEFFICIENTS
from stellar_core.mock.photometry import SFD_SCALE
from stellar_core.photometry import BANDS
from stellar_core.preprocessing.features import FEATURE_NAMES

#: Standard deviation of velocity errors over that of nine stars in ten; one in ten has five times as large ones.
VELOCITY_TAILS = (0.9 + 0.1 * 5.0**2) ** 0.5
#: Error of E(B-V) from the dust map: relative, and absolute, mag (`stellar_core.mock.photometry`).
MAP_ERROR = (0.1, 0.003)


@dataclass(frozen=True)
class ObservedStar:
    """Data of one star.

    Attributes
    ----------
    instrument : {"SDSS", "BOSS"}
    flux, ivar : (N_PIXEL,) float
        As in `RawSpectra`.
    sky : float
        Mean sky flux.
    velocity_kms, velocity_error : float
        Measured radial velocity and its error, km/s.
    magnitudes, errors : (5,) float
        PSF magnitudes in ugriz.
    ebv, ebv_error : float
        E(B-V) as the dust map and its errors leave it, mag.
    """

    instrument: str
    flux: np.ndarray = field(repr=False)
    ivar: np.ndarray = field(repr=False)
    sky: float
    velocity_kms: float
    velocity_error: float
    magnitudes: np.ndarray
    errors: np.ndarray
    ebv: float
    ebv_error: float


def observed_star(stars: StarSet, row: int, config: DataConfig) -> ObservedStar:
    """The data of one of ``stars``, which were made with ``config`` and have their raw spectra."""
    raw, features = stars.raw, stars.inputs.features[row].astype(float)
    five = lambda name: features[[FEATURE_NAMES.index(f"{name}_{band}") for band in BANDS]]
    ebv = SFD_SCALE * float(np.mean(five("extinction") / SFD_COEFFICIENTS))
    return ObservedStar(
        "BOSS" if raw.boss[row] else "SDSS",
        raw.flux[row],
        raw.ivar[row],
        float(raw.sky[row]),
        float(raw.velocity_kms[row]),
        VELOCITY_TAILS * config.velocity_error,
        five("psfMag"),
        five("psfMagErr"),
        ebv,
        float(np.hypot(MAP_ERROR[0] * ebv, MAP_ERROR[1])),
    )
