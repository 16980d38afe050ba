"""Number of stars by initial mass."""

from __future__ import annotations

import numpy as np


def kroupa(mass: np.ndarray) -> np.ndarray:
    """Kroupa (2001) eq. 2: dN/dM with slope -1.3 to 0.5 Msun and -2.3 above."""
    mass = np.asarray(mass, float)
    return np.where(mass < 0.5, mass**-1.3, 0.5 * mass**-2.3)


def chabrier(mass: np.ndarray) -> np.ndarray:
    """Chabrier (2003) Table 1, single stars: log-normal (0.079 Msun, 0.69) to 1 Msun, slope -2.3 above."""
    mass = np.asarray(mass, float)
    log_normal = np.exp(-0.5 * ((np.log10(mass) - np.log10(0.079)) / 0.69) ** 2)
    at_one = np.exp(-0.5 * (np.log10(0.079) / 0.69) ** 2)
    return np.where(mass < 1.0, log_normal / mass, at_one * mass**-2.3)
