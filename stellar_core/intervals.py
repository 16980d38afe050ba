"""Intervals of a quantity, from draws or from weighted points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Levels of the quantiles of an `Interval`.
LEVELS = (0.025, 0.16, 0.5, 0.84, 0.975)
#: The same quantiles of a Gaussian of mean 0 and standard deviation 1.
_GAUSSIAN = (-1.959964, -0.994458, 0.0, 0.994458, 1.959964)


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
    def from_weighted(cls, values: np.ndarray, weights: np.ndarray) -> Interval:
        """Summarise ``values`` (n,) of ``weights`` (n,), which need not sum to 1."""
        total = weights.sum()
        mean = float((weights * values).sum() / total)
        std = float(np.sqrt((weights * (values - mean) ** 2).sum() / total))
        return cls(mean, std, *(float(q) for q in weighted_quantiles(values, weights, LEVELS)))

    @classmethod
    def gaussian(cls, mean: float, std: float) -> Interval:
        """The interval of a Gaussian."""
        return cls(mean, std, *(mean + std * one for one in _GAUSSIAN))

    def to_dict(self) -> dict[str, float]:
        """The interval object of the command line."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles of weighted ``values`` (n,) at ``levels`` in [0, 1], linear between the centres of the weights."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    cumulative = np.cumsum(weights)
    return np.interp(np.asarray(levels) * cumulative[-1], cumulative - 0.5 * weights, values)
