"""How much the data of a star add to the prior of its age."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.intervals import LEVELS

#: Information gain below which an age is prior-dominated, bits. Of 1,292 MOCK stars (S/N 5 to 80, spectrum and
#: photometry, Model 9), the 462 below it have an RMSE of log age of 0.334 dex, and one age for all 0.346; the 830 above
#: it have 0.200 and 0.261.
PRIOR_DOMINATED = 0.5
#: Probability between the quantiles of an interval object, and below and above them.
_SHARES = np.diff([0.0, *LEVELS, 1.0])
#: Least prior probability between two quantiles: equal quantiles would give an infinite gain.
_LEAST = 1e-4


def information_gain(log_age: Mapping[str, float]) -> float:
    """Information that a posterior of the age adds to the prior, in bits.

    The Kullback-Leibler divergence of the posterior from a prior in which every age up to that of the Universe is
    equally probable, both binned at the quantiles of the posterior. One bit halves the range of possible ages.

    Parameters
    ----------
    log_age : mapping
        Interval object in log10(yr).
    """
    quantiles = np.array([log_age[name] for name in ("p025", "p16", "median", "p84", "p975")])
    below = np.clip(10.0 ** (quantiles - 9.0) / UNIVERSE_AGE_GYR, 0.0, 1.0)
    prior = np.maximum(np.diff(np.concatenate([[0.0], below, [1.0]])), _LEAST)
    return max(float((_SHARES * np.log2(_SHARES / prior)).sum()), 0.0)


def is_prior_dominated(log_age: Mapping[str, float]) -> bool:
    """True if the data say little about the age: the gain is below `PRIOR_DOMINATED`."""
    return information_gain(log_age) < PRIOR_DOMINATED
