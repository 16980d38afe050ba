"""Mass loss in the winds of cool giants, for tables of tracks without the current mass."""

from __future__ import annotations

import numpy as np

from stellar_core.constants import SUN_TEFF

#: Efficiencies of MIST v1.2 (Choi et al. 2016, section 3.7.1): Reimers on the red-giant branch, Bloecker on the AGB.
ETA_REIMERS, ETA_BLOECKER = 0.1, 0.2
#: No cool wind above this temperature, K (Choi et al. 2016).
COOL_WIND = 10_000.0


def log_mass_left(
    log_age: np.ndarray,
    log_luminosity: np.ndarray,
    log_radius: np.ndarray,
    mass: np.ndarray,
    evolved: np.ndarray,
    agb: np.ndarray,
) -> np.ndarray:
    """log10 of current over initial mass along tracks.

    Integrates dM/dt = -4e-13 eta L R / M Msun/yr (Reimers 1975), and after core helium
    burning 4.83e-9 M_init^-2.1 L^2.7 times that (Bloecker 1995, A&A 297, 727), in solar units.

    Parameters
    ----------
    log_age : (..., n_eep) log10(yr), increasing
    log_luminosity, log_radius : (..., n_eep) solar units
    mass : (...) initial mass, Msun
    evolved, agb : (n_eep,) bool
        EEPs past the main sequence, and those past core helium burning.

    Returns
    -------
    (..., n_eep) float
        0 or negative; NaN where a track has ended.
    """
    luminosity, radius = 10.0**log_luminosity, 10.0**log_radius
    # M dM/dt is free of the current mass, so M^2 integrates directly.
    rate = 4e-13 * ETA_REIMERS * luminosity * radius
    bloecker = 4e-13 * ETA_BLOECKER * 4.83e-9 * mass[..., None] ** -2.1 * luminosity**3.7 * radius
    cool = 10.0**log_luminosity < 10.0 ** (2 * log_radius) * (COOL_WIND / SUN_TEFF) ** 4
    rate = np.where(evolved & cool, np.where(agb, bloecker, rate), 0.0)
    steps = np.diff(10.0**log_age, axis=-1, prepend=10.0 ** log_age[..., :1])
    middle = 0.5 * (rate + np.concatenate([rate[..., :1], rate[..., :-1]], axis=-1))
    lost = np.cumsum(2.0 * middle * steps, axis=-1)
    left = np.maximum(1.0 - lost / mass[..., None] ** 2, 0.05)
    return 0.5 * np.log10(left)
