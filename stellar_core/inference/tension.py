"""Tension between several estimates of one star, in units of their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

#: Quantities with one definition in all estimates. Lifetimes differ: 10 Gyr M^-2.5 (the paper), or that of the track.
COMPARED = ("log_age", "teff", "logg", "feh")


@dataclass(frozen=True)
class Estimate:
    """One estimate of a star.

    Attributes
    ----------
    name : str
        Name of the method.
    intervals : mapping of str to mapping
        Interval objects (``p16``, ``median``, ``p84``, ...) by quantity; absent ones are not compared.
    stage : mapping of str to float
        Probability of each stage; may be empty.
    """

    name: str
    intervals: Mapping[str, Mapping[str, float]]
    stage: Mapping[str, float]

    @property
    def most_likely_stage(self) -> str:
        """The most probable stage, or an empty string."""
        return max(self.stage, key=self.stage.__getitem__, default="")


@dataclass(frozen=True)
class Tension:
    """Difference of two estimates in one quantity.

    Attributes
    ----------
    first, second, quantity : str
    difference : float
        Median of the first less that of the second, in the quantity's unit.
    expected : float
        Half widths of both 68 % intervals in quadrature: the 1-sigma difference of independent errors.
    """

    first: str
    second: str
    quantity: str
    difference: float
    expected: float

    @property
    def in_sigma(self) -> float:
        """Absolute difference over the expected one."""
        return abs(self.difference) / self.expected if self.expected > 0 else float("inf") if self.difference else 0.0


def tensions(estimates: Sequence[Estimate], quantities: Sequence[str] = COMPARED) -> list[Tension]:
    """Compare every pair of ``estimates`` in every quantity that both give; pairs in order, then quantities."""
    found = []
    for one, other in combinations(estimates, 2):
        for name in quantities:
            a, b = one.intervals.get(name), other.intervals.get(name)
            if a is not None and b is not None:
                expected = float(np.hypot((a["p84"] - a["p16"]) / 2, (b["p84"] - b["p16"]) / 2))
                found.append(Tension(one.name, other.name, name, a["median"] - b["median"], expected))
    return found
