"""How much of a histogram of ages is a comb."""

from __future__ import annotations

import numpy as np

from stellar_core.isochrones import Posterior
from stellar_core.isochrones.mesh import TrackSamples

#: Width of a bin, Gyr, and the fraction of the mean number of draws below which it is nearly empty.
WIDTH, FRACTION = 0.25, 0.05


def nearly_empty(posterior: Posterior, drawn: TrackSamples) -> tuple[int, int]:
    """Number of nearly empty bins of age inside the 90 % interval, and number of all bins there."""
    low, high = 10.0 ** (posterior.quantiles("log_age", np.array([0.05, 0.95])) - 9.0)
    edges = np.arange(np.ceil(low / WIDTH), np.floor(high / WIDTH) + 1) * WIDTH
    if edges.size < 3:
        return 0, 0
    counts = np.histogram(10.0 ** (drawn.log_age.astype(float) - 9.0), edges)[0]
    return int((counts < FRACTION * counts.mean()).sum()), counts.size
