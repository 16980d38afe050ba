"""Histogram of draws: the same bins on a page, in the figure for print, and for whoever reads the exported draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    counts : (n_bin,) int
    """

    edges: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, draws: np.ndarray, limits: tuple[float, float] | None = None) -> Histogram:
        """Count ``draws``, without any smoothing.

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
        return cls(edges, np.histogram(draws, edges)[0])

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
