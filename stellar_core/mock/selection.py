"""Selection of the MOCK survey: magnitude, temperature, metallicity and colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR


@dataclass(frozen=True)
class Selection:
    """Selection of stars by brightness, temperature and metallicity.

    Attributes
    ----------
    bright, faint : float
        Limits in r, mag, extinction included.
    full : float
        Magnitude r to which the probability is constant. Beyond, it falls by ``fall`` dex per magnitude, which
        makes the counts per magnitude nearly flat.
    fall : float
    teff : (float, float)
        K.
    feh : (float, float)
        Surface [Fe/H], dex.
    ebv : float
        Median true E(B-V) of the sight-lines, mag.
    """

    bright: float = 14.0
    faint: float = 19.5
    full: float = 16.5
    fall: float = 0.35
    teff: tuple[float, float] = (3500.0, 10000.0)
    feh: tuple[float, float] = (-2.8, 0.6)
    ebv: float = 0.035

    def __post_init__(self) -> None:
        if not self.bright < self.faint or not self.teff[0] < self.teff[1] or not self.feh[0] < self.feh[1]:
            raise ParameterError("The limits of a selection must increase.")

    def chance(self, r: np.ndarray) -> np.ndarray:
        """Relative probability of selection at r, mag."""
        inside = (r >= self.bright) & (r <= self.faint)
        return np.where(inside, 10.0 ** (-self.fall * np.maximum(r - self.full, 0.0)), 0.0)


def colour_chance(g_r: np.ndarray) -> np.ndarray:
    """Relative probability that targeting selects a star of true g-r (mag), extinction included.

    Fitted to the colours of real SDSS stars by `stellar_core.mock.fit.population`.
    """
    nodes, chance = _colour_table()
    return np.interp(g_r, nodes, chance)


@lru_cache(maxsize=1)
def _colour_table() -> tuple[np.ndarray, np.ndarray]:
    arrays, _ = read_model(TRAINED_DIR / "mock-population")
    return arrays["g_r"].astype(float), arrays["chance"].astype(float)
