"""Histogram of draws: the same bins on a page, in the figure for print, and for whoever reads the exported draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

#: Smallest and largest number of bins.
BINS = (12, 30)
#: Room on either side of the draws, as a fraction of their range.
MARGIN = 0.08


@dataclass(frozen=True)
class Histogram:
    """Number of draws in bins of equal width.

    Attributes
    ----------
    edges : (n_bin + 1,) float
        In the unit of the draws.
    counts : (n_bin,) float
    """

    edges: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, draws: np.ndarray, limits: tuple[float, float] | None = None) -> Histogram:
        """Count ``draws``.

        Draws that repeat a few values, such as the points of isochrones, are smoothed by a Gaussian of Silverman's
        width; the grid would show in the bins otherwise.

        Parameters
        ----------
        draws : (n_draw,) float
            Finite values.
        limits : (low, high), optional
            Physical limits in the unit of ``draws``: no bin reaches beyond.
        """
        draws = np.asarray(draws, float)
        number = int(np.clip(np.sqrt(draws.size) * 1.6, *BINS))
        edges = np.linspace(*_span(draws, limits), number + 1)
        return cls(edges, _counts(draws, edges, limits))

    @property
    def centres(self) -> np.ndarray:
        """(n_bin,) centre of each bin."""
        return 0.5 * (self.edges[:-1] + self.edges[1:])

    @property
    def width(self) -> float:
        """Width of a bin."""
        return float(self.edges[1] - self.edges[0])


def _span(draws: np.ndarray, limits: tuple[float, float] | None) -> tuple[float, float]:
    """Range of the bins: all draws with a margin, within the physical limits."""
    low, high = float(draws.min()), float(draws.max())
    room = max(MARGIN * (high - low), 1e-3 * max(abs(low), abs(high)), 1e-6)
    low, high = low - room, high + room
    if limits is not None:
        low, high = max(low, limits[0]), min(high, limits[1])
    return (low, high) if high > low else (low - room, high + room)


def _counts(draws: np.ndarray, edges: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    counts = np.histogram(draws, edges)[0].astype(float)
    if np.unique(draws).size > draws.size / 2:
        return counts
    quartiles = np.quantile(draws, [0.25, 0.75])
    width = 0.9 * min(draws.std(), (quartiles[1] - quartiles[0]) / 1.34) * draws.size**-0.2
    if not width > 0:
        return counts
    mirrored = [draws, *(2.0 * limit - draws for limit in limits or ())]
    reached = sum(ndtr((edges[:, None] - values[None, :]) / width).sum(axis=1) for values in mirrored)
    return np.diff(reached)
