"""The five evolutionary stages on the Teff-log g plane.

The paper (section 3.2.2) names Hot, Medium, Cool, Subgiant and Red Giant but gives no thresholds. Here dwarfs are split
at 6000 K and 5200 K; subgiants and red giants follow Huber et al. (2017, ApJ 844, 102) as used by Berger et al. (2018,
ApJ 866, 99).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STAGES = ("Hot", "Medium", "Cool", "Subgiant", "Red Giant")


@dataclass(frozen=True)
class StageThresholds:
    """Thresholds between the stages; the figures show the defaults.

    Attributes
    ----------
    hot, cool : float
        Dwarfs hotter than ``hot`` are Hot, cooler than ``cool`` are Cool, between them Medium; K.
    giant_teff, giant_logg : tuple of float
        Nodes of the red-giant border, K and dex: a red giant has log g below the interpolated value.
    giant_ceiling : float
        Largest log g of a red giant, dex.
    """

    hot: float = 6000.0
    cool: float = 5200.0
    giant_teff: tuple[float, ...] = (5000.0, 5400.0, 6000.0, 6200.0)
    giant_logg: tuple[float, ...] = (3.9, 3.2, 2.0, 1.0)
    giant_ceiling: float = 3.876

    def giant_border(self, teff: np.ndarray) -> np.ndarray:
        """Return the log g below which a star of ``teff`` (K) is a red giant, dex."""
        return np.minimum(np.interp(teff, self.giant_teff, self.giant_logg), self.giant_ceiling)

    def dwarf_border(self, teff: np.ndarray) -> np.ndarray:
        """Return the log g above which a star of ``teff`` (K) is a dwarf, dex."""
        return np.arctan((np.asarray(teff, float) - 6300.0) / -67.172) / 4.671 + 3.876


DEFAULT_THRESHOLDS = StageThresholds()


def classify(teff: np.ndarray, logg: np.ndarray, thresholds: StageThresholds = DEFAULT_THRESHOLDS) -> np.ndarray:
    """Return the stage of each star.

    Parameters
    ----------
    teff, logg : array_like
        Effective temperature in K and log g in dex(cm/s2), broadcast together.
    thresholds : StageThresholds

    Returns
    -------
    ndarray of int64
        Index into `STAGES`; -1 where an input is not finite.
    """
    teff, logg = np.broadcast_arrays(np.asarray(teff, float), np.asarray(logg, float))
    giant = logg < thresholds.giant_border(teff)
    subgiant = ~giant & (logg < thresholds.dwarf_border(teff))
    dwarf = np.where(teff > thresholds.hot, 0, np.where(teff < thresholds.cool, 2, 1))
    stage = np.where(giant, 4, np.where(subgiant, 3, dwarf))
    return np.where(np.isfinite(teff) & np.isfinite(logg), stage, -1)
