"""Stars to be looked up in Gaia: positions, their epochs, and magnitudes, from spectra and from tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.spectrum import Spectrum

if TYPE_CHECKING:
    import pandas as pd

#: Epoch of Gaia DR3's positions, Julian years.
GAIA_EPOCH = 2016.0
#: First and last images of SDSS, years (Aihara et al. 2011, ApJS 193, 29). The position of a spectrum is that of its
#: object in these images, not that of the day of the spectrum.
SDSS_EPOCHS = (1998.7, 2009.9)
#: Names of a table's columns, in lower case; the first that is there is used.
TABLE_COLUMNS = {
    **{name: (name, f"{name}_deg") for name in ("ra", "dec")},
    "mjd": ("mjd",),
    **{band: (f"{band}_mag", band, f"psfmag_{band}") for band in "gri"},
    "bestobjid": ("bestobjid", "objid"),
}


@dataclass(frozen=True)
class Target:
    """A star to be looked up.

    Attributes
    ----------
    ra, dec : float
        ICRS, degrees.
    epochs : (float, float)
        Earliest and latest epoch that the position can have, Julian years.
    g, r, i : float
        SDSS PSF magnitudes, not corrected for extinction; NaN where unknown.
    bestobjid : str
        SDSS's photometric object; empty where unknown.

    Raises
    ------
    ParameterError
        If this is no position on the sky, or the epochs are not in order.
    """

    ra: float
    dec: float
    epochs: tuple[float, float] = SDSS_EPOCHS
    g: float = math.nan
    r: float = math.nan
    i: float = math.nan
    bestobjid: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.ra <= 360 and -90 <= self.dec <= 90):
            raise ParameterError(f"RA {self.ra}, Dec {self.dec} is not a position on the sky.")
        if not 1900 < self.epochs[0] <= self.epochs[1] < 2100:
            raise ParameterError(f"The epochs of a position are two years in order; got {self.epochs}.")

    @property
    def place(self) -> str:
        """The position in words."""
        return f"RA {self.ra:.5f}, Dec {self.dec:+.5f}"


def target_of(spectrum: Spectrum) -> Target | None:
    """Return what a spectrum tells about its star; None where it has no position.

    The position of an SDSS spectrum is that in the survey's images, at an unknown day before the spectrum. That of
    another spectrum can have any epoch from 1998.7 to Gaia's.
    """
    meta = spectrum.meta
    ra, dec = _number(meta.get("ra")), _number(meta.get("dec"))
    first, last = SDSS_EPOCHS if spectrum.source in ("sdss", "mock") else (SDSS_EPOCHS[0], GAIA_EPOCH)
    bands = {} if spectrum.photometry is None else dict(zip("ugriz", spectrum.photometry.psf_mag))
    known = {band: float(bands[band]) for band in "gri" if band in bands}
    return _target(ra, dec, (first, _before(last, _number(meta.get("mjd")))), known, str(meta.get("bestobjid") or ""))


def targets_of(table: Mapping[str, Sequence] | pd.DataFrame) -> list[Target | None]:
    """Return the stars of a table, as `find_many`; None where a row has no position.

    With an MJD the position is one of SDSS, as in `target_of`; without, it can have any epoch from 1998.7 to Gaia's.
    """
    names = {str(name).lower(): name for name in getattr(table, "colnames", None) or table.keys()}
    columns = {
        key: list(table[names[next(name for name in accepted if name in names)]])
        for key, accepted in TABLE_COLUMNS.items()
        if any(name in names for name in accepted)
    }
    if not {"ra", "dec"} <= set(columns):
        raise ParameterError("A table of stars for Gaia needs the columns ra and dec.", value=sorted(names))
    rows = ({key: values[number] for key, values in columns.items()} for number in range(len(columns["ra"])))
    return [
        _target(
            _number(row["ra"]),
            _number(row["dec"]),
            _table_epochs(_number(row.get("mjd"))),
            {band: _number(row.get(band)) for band in "gri"},
            str(row.get("bestobjid") or ""),
        )
        for row in rows
    ]


def _target(
    ra: float, dec: float, epochs: tuple[float, float], bands: Mapping[str, float], bestobjid: str
) -> Target | None:
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        return None
    known = {band: value for band, value in bands.items() if 0 < value < 35}
    return Target(ra, dec, epochs, **known, bestobjid=bestobjid if bestobjid.isdecimal() else "")


def _table_epochs(mjd: float) -> tuple[float, float]:
    return SDSS_EPOCHS[0], _before(SDSS_EPOCHS[1], mjd) if mjd > 0 else GAIA_EPOCH


def _before(last: float, mjd: float) -> float:
    """Return the year of an MJD, or ``last`` where that is earlier or the MJD is not one of SDSS or later."""
    return min(last, 2000.0 + (mjd - 51544.5) / 365.25) if mjd > 51_200 else last


def _number(value: object) -> float:
    """Return a number; NaN for anything else, also for a masked value."""
    try:
        return math.nan if value is None or value is np.ma.masked else float(value)
    except (TypeError, ValueError):
        return math.nan
