"""One source of Gaia DR3 as the archive has it, and its identifier."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

from stellar_core.errors import IdentifierError, ParameterError

#: Values of ``astrometric_params_solved``: position alone; with parallax and proper motion; and with a pseudocolour.
TWO, FIVE, SIX = 3, 31, 95
#: Largest identifier: 63 bits.
MAX_SOURCE_ID = 2**63 - 1
_LIMITS = {
    **{"ra": (0.0, 360.0), "dec": (-90.0, 90.0), "ecl_lat": (-90.0, 90.0)},
    **{"pmra": (-2e4, 2e4), "pmdec": (-2e4, 2e4), "parallax": (-1e3, 1e3), "parallax_error": (1e-4, 1e3)},
    **{"ruwe": (0.0, 1e4), "nu_eff_used_in_astrometry": (0.1, 10.0), "pseudocolour": (-10.0, 20.0)},
    **{f"phot_{band}_mean_mag": (-5.0, 30.0) for band in ("g", "bp", "rp")},
    **{f"phot_{band}_mean_flux_over_error": (0.0, 1e7) for band in ("g", "bp", "rp")},
}
_WHOLE = ("source_id", "astrometric_params_solved", "non_single_star", "ipd_frac_multi_peak")


@dataclass(frozen=True)
class GaiaSource:
    """A row of ``gaiadr3.gaia_source``; the names are those of the archive, NaN marks a missing number.

    Attributes
    ----------
    source_id : int
    ra, dec : float
        ICRS at epoch 2016.0, degrees.
    pmra, pmdec : float
        Proper motion, that in right ascension times cos(dec), mas/yr.
    parallax, parallax_error : float
        As in the archive: neither corrected for the zero point nor inflated, mas.
    ruwe : float
    phot_g_mean_mag, phot_bp_mean_mag, phot_rp_mean_mag : float
        Vega system, mag.
    phot_g_mean_flux_over_error, phot_bp_mean_flux_over_error, phot_rp_mean_flux_over_error : float
    phot_bp_rp_excess_factor : float
        (Flux in BP + flux in RP) / flux in G.
    nu_eff_used_in_astrometry, pseudocolour : float
        Effective wavenumber from the colour, or estimated with the astrometry, 1/micron.
    ecl_lat : float
        Ecliptic latitude, degrees.
    astrometric_params_solved : int
        `TWO`, `FIVE` or `SIX`; 0 where unknown.
    non_single_star : int
        Flags: 1 astrometric, 2 spectroscopic, 4 eclipsing binary.
    ipd_frac_multi_peak : int
        Percentage of images with more than one peak.
    sdss_objid : str
        SDSS object that Gaia's own cross-match (``sdssdr13_best_neighbour``) gives it; empty where there is none.

    Raises
    ------
    ParameterError
        If a number is impossible, or a source with a parallax has no error of it.
    """

    source_id: int
    ra: float
    dec: float
    pmra: float = math.nan
    pmdec: float = math.nan
    parallax: float = math.nan
    parallax_error: float = math.nan
    ruwe: float = math.nan
    phot_g_mean_mag: float = math.nan
    phot_g_mean_flux_over_error: float = math.nan
    phot_bp_mean_mag: float = math.nan
    phot_bp_mean_flux_over_error: float = math.nan
    phot_rp_mean_mag: float = math.nan
    phot_rp_mean_flux_over_error: float = math.nan
    phot_bp_rp_excess_factor: float = math.nan
    nu_eff_used_in_astrometry: float = math.nan
    pseudocolour: float = math.nan
    ecl_lat: float = math.nan
    astrometric_params_solved: int = 0
    non_single_star: int = 0
    ipd_frac_multi_peak: int = 0
    sdss_objid: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.source_id <= MAX_SOURCE_ID:
            raise ParameterError(f"{self.source_id} is not a source_id of Gaia.", value=self.source_id)
        for name in ("ra", "dec"):
            if not math.isfinite(getattr(self, name)):
                raise ParameterError(f"Source {self.source_id} has no position.", value=self.source_id)
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not (math.isnan(value) or low <= value <= high):
                raise ParameterError(f"Source {self.source_id} has {name} = {value}, which is impossible.", value=value)
        if self.astrometric_params_solved not in (0, TWO, FIVE, SIX):
            raise ParameterError(
                f"Source {self.source_id} has astrometric_params_solved = {self.astrometric_params_solved}; "
                f"there are {TWO}, {FIVE} and {SIX}.",
                value=self.astrometric_params_solved,
            )
        solved = self.astrometric_params_solved
        if solved == TWO and self.has_parallax or solved in (FIVE, SIX) and not self.has_parallax:
            raise ParameterError(
                f"Source {self.source_id} has astrometric_params_solved = {solved}, "
                f"but {'a' if self.has_parallax else 'no'} parallax with an error.",
                value=solved,
            )

    @property
    def has_parallax(self) -> bool:
        """Whether there is a parallax with an error."""
        return math.isfinite(self.parallax) and math.isfinite(self.parallax_error)


#: The columns of ``gaia_source`` among the fields of `GaiaSource`, and the one of the cross-match with SDSS.
COLUMNS = tuple(item.name for item in fields(GaiaSource) if item.name != "sdss_objid")
CROSS_MATCH = "sdss_objid"
#: Those that hold whole numbers.
WHOLE = _WHOLE


def parse_source_id(text: str | int) -> int:
    """Parse the identifier of a source: digits, or "Gaia DR3" and digits.

    Parameters
    ----------
    text : str or int

    Returns
    -------
    int

    Raises
    ------
    IdentifierError
        If it is none, was rounded by a spreadsheet, or belongs to another data release.
    """
    words = " ".join(str(text).split())
    release = re.match(r"gaia\s*(e?dr\d+)\s*", words, re.IGNORECASE)
    if release and release[1].upper() not in ("DR3", "EDR3"):
        raise IdentifierError(
            f"{words[:60]!r} is of another data release, whose identifiers differ.",
            value=text,
            remedy="Give the source_id of Gaia DR3.",
        )
    digits = words[release.end() :] if release else words
    rounded = re.fullmatch(r"\d+([.,]\d+)?e\+?\d+|\d{16,}\.0*", digits, re.IGNORECASE)
    if rounded or re.fullmatch(r"\d{12,15}0{4,}", digits) and int(digits) % 128:  # sources are numbered in steps of 128
        raise IdentifierError(
            f"The source_id {digits[:40]} was rounded by a spreadsheet and no longer names one star.",
            value=text,
            remedy="Copy it again from the catalogue, in a column of text.",
        )
    if not re.fullmatch(r"[0-9]{1,19}", digits) or not 0 < int(digits) <= MAX_SOURCE_ID:
        raise IdentifierError(
            f"{words[:60]!r} is not a source_id of Gaia.", value=text, remedy="It has up to 19 digits and nothing else."
        )
    return int(digits)
