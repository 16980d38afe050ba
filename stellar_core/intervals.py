"""Intervals of a quantity, from draws or from weighted points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Levels of the quantiles of an `Interval`.
LEVELS = (0.025, 0.16, 0.5, 0.84, 0.975)
#: The same quantiles of a Gaussian of mean 0 and standard deviation 1.
_GAUSSIAN = (-1.959964, -0.994458, 0.0, 0.994458, 1.959964)

#: Smallest half width over which a weight is spread, and steps of the grid for their sum.
_NARROW, _GRID = 1e-6, 2000


@dataclass(frozen=True)
class Interval:
    """Mean, standard deviation and quantiles of a distribution."""

    mean: float
    std: float
    p025: float
    p16: float
    median: float
    p84: float
    p975: float

    @classmethod
    def from_draws(cls, draws: np.ndarray) -> Interval:
        """Summarise ``draws`` (n,), finite and of equal weight."""
        values = (np.mean(draws), np.std(draws), *np.quantile(draws, LEVELS))
        return cls(*(float(value) for value in values))

    @classmethod
    def from_weighted(cls, values: np.ndarray, weights: np.ndarray, half_widths: np.ndarray | None = None) -> Interval:
        """Summarise ``values`` (n,) of ``weights`` (n,), which need not sum to 1; ``half_widths`` as for
        `weighted_quantiles`."""
        total = weights.sum()
        mean = float((weights * values).sum() / total)
        within = 0.0 if half_widths is None else np.square(half_widths) / 3.0
        std = float(np.sqrt((weights * ((values - mean) ** 2 + within)).sum() / total))
        return cls(mean, std, *(float(q) for q in weighted_quantiles(values, weights, LEVELS, half_widths)))

    @classmethod
    def gaussian(cls, mean: float, std: float) -> Interval:
        """The interval of a Gaussian."""
        return cls(mean, std, *(mean + std * one for one in _GAUSSIAN))

    def to_dict(self) -> dict[str, float]:
        """The interval object of the command line."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def weighted_quantiles(
    values: np.ndarray, weights: np.ndarray, levels: np.ndarray, half_widths: np.ndarray | None = None
) -> np.ndarray:
    """Quantiles of weighted ``values`` (n,) at ``levels`` in [0, 1].

    Without ``half_widths`` linear between the centres of the weights; with them (n,), each weight is spread evenly
    over its value plus and minus its half width.
    """
    if half_widths is not None:
        return _spread_quantiles(values.astype(float), weights, levels, np.maximum(half_widths, _NARROW))
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    cumulative = np.cumsum(weights)
    return np.interp(np.asarray(levels) * cumulative[-1], cumulative - 0.5 * weights, values)


def _spread_quantiles(
    values: np.ndarray, weights: np.ndarray, levels: np.ndarray, half_widths: np.ndarray
) -> np.ndarray:
    """The same on a grid, which is faster than sorting the ends of the ranges."""
    low, high = values - half_widths, values + half_widths
    start, stop = low.min(), high.max()
    step = (stop - start) / _GRID
    height = 0.5 * weights / half_widths
    rise = np.zeros(_GRID + 2)  # of the density; an end between two nodes is shared by them
    for ends, change in ((low, height), (high, -height)):
        place = (ends - start) / step
        node = place.astype(np.intp)
        rise += np.bincount(node, change * (1.0 - place + node), _GRID + 2)
        rise[1:] += np.bincount(node, change * (place - node), _GRID + 1)
    cumulative = np.concatenate([[0.0], np.cumsum(np.cumsum(rise)[:_GRID])])
    return np.interp(np.asarray(levels) * cumulative[-1], cumulative, np.linspace(start, stop, _GRID + 1))
