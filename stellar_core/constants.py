"""Physical constants and conventions that more than one module uses. Plain numbers; imports nothing heavy."""

from __future__ import annotations

import math

#: Speed of light in vacuum, km/s (exact).
SPEED_OF_LIGHT = 299_792.458
#: Absolute bolometric magnitude and effective temperature (K) of the Sun (IAU 2015 resolutions B2 and B3).
SUN_MBOL, SUN_TEFF = 4.74, 5772.0
#: log g of the Sun, dex(cm/s2), from the IAU 2015 nominal GM and radius.
SUN_LOGG = 4.43807
#: Zero point of AB magnitudes: m = -2.5 log10(F_nu) - 48.6, F_nu in erg/s/cm2/Hz (Oke & Gunn 1983).
AB_ZERO_POINT = 48.6
#: 2.5 / ln 10: magnitudes per unit of ln flux.
POGSON = 2.5 / math.log(10.0)
#: Softening of the asinh magnitudes in u, g, r, i, z (Lupton, Gunn & Szalay 1999; SDSS values).
ASINH_SOFTENING = (1.4e-10, 0.9e-10, 1.2e-10, 1.8e-10, 7.4e-10)
#: Age of the Universe in Gyr (Planck Collaboration 2020): no star is older. And as log10(age / yr).
UNIVERSE_AGE_GYR = 13.8
UNIVERSE_LOG_AGE = math.log10(UNIVERSE_AGE_GYR * 1e9)
#: Nominal errors of the SDSS stellar parameter pipeline (SSPP): Teff in K, log g and [Fe/H] in dex (Lee et al.
#: 2008, AJ 136, 2022, with the offsets between its methods).
SSPP_ERRORS = (75.0, 0.20, 0.10)
#: Telluric absorption bands, Angstrom in vacuum, observed frame.
TELLURIC_BANDS = {
    "O2 B": (6865, 6940),
    "H2O 7250": (7165, 7345),
    "O2 A": (7592, 7690),
    "H2O 8230": (8120, 8350),
    "H2O 9000": (8930, 9180),
}
