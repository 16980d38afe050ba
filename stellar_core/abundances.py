"""Overall metallicity of mixtures enhanced in alpha elements."""

from __future__ import annotations

import numpy as np

#: Mass fraction of O, Ne, Mg, Si, S, Ar, Ca and Ti in the metals of MIST's solar mixture (Asplund et al. 2009,
#: ARA&A 47, 481, Table 4: 0.00881 of 0.0134).
ALPHA_SHARE = 0.658


def metallicity_offset(alpha_fe: np.ndarray) -> np.ndarray:
    """[M/H] - [Fe/H] in dex at [alpha/Fe] in dex (Salaris et al. 1993, ApJ 414, 580, eq. 3, with `ALPHA_SHARE`).

    Tracks of scaled-solar mixture at [M/H] stand for those of the enhanced mixture; above solar metallicity this holds
    less well.
    """
    return np.log10(ALPHA_SHARE * 10.0 ** np.asarray(alpha_fe, float) + 1.0 - ALPHA_SHARE)
