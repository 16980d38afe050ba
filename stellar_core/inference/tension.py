"""Several answers about one star: where they disagree, in units of their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

#: Quantities that mean the same to all: a lifetime does not, it ends by the paper's rule or with the track.
COMPARED = ("log_age", "teff", "logg", "feh")


@dataclass(frozen=True)
class Opinion:
    """One answer.

    Attributes
    ----------
    name : str
        Who gives it.
    intervals : mapping of str to mapping
        Interval objects (``p16``, ``median``, ``p84``, ...) by quantity; those that are absent are not compared.
    stage : mapping of str to float
        Probability of each stage; empty where there is none.
    """

    name: str
    intervals: Mapping[str, Mapping[str, float]]
    stage: Mapping[str, float]

    @property
    def most_likely_stage(self) -> str:
        """The stage of the largest probability, or an empty text."""
        return max(self.stage, key=self.stage.__getitem__, default="")


@dataclass(frozen=True)
class Gap:
    """How far two answers are apart in one quantity.

    Attributes
    ----------
    first, second, quantity : str
    difference : float
        Median of the first less that of the second, in the quantity's unit.
    expected : float
        Half of both 68 % intervals in quadrature: what errors independent of each other would give.
    """

    first: str
    second: str
    quantity: str
    difference: float
    expected: float

    @property
    def in_errors(self) -> float:
        """The difference in units of what is expected, without sign."""
        return abs(self.difference) / self.expected if self.expected > 0 else float("inf") if self.difference else 0.0


def gaps(opinions: Sequence[Opinion], quantities: Sequence[str] = COMPARED) -> list[Gap]:
    """Every pair of ``opinions``, in every quantity that both give; pairs in order, then quantities."""
    found = []
    for one, other in combinations(opinions, 2):
        for name in quantities:
            a, b = one.intervals.get(name), other.intervals.get(name)
            if a is not None and b is not None:
                expected = float(np.hypot((a["p84"] - a["p16"]) / 2, (b["p84"] - b["p16"]) / 2))
                found.append(Gap(one.name, other.name, name, a["median"] - b["median"], expected))
    return found
