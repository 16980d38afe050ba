"""One spectrum's row of SpecObj, sppParams and PhotoObj, joined.

The SSPP's parameters become metadata of a spectrum, for comparison only: labels are made of them, so they
are never an input of a network. The photometry is an input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stellar_core.errors import IdentifierError
from stellar_core.network.retries import TransientError
from stellar_core.photometry import BANDS, Photometry
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.skyserver import integer
from stellar_core.sdss.sql_response import number, whole_number
from stellar_core.sdss.star_id import StarId
from stellar_core.spectrum import Spectrum

_SPECTRUM = (
    *("specObjID", "bestObjID", "plate", "mjd", "fiberID", "run2d", "ra", "dec"),
    *("class", "subClass", "z", "zErr", "zWarning", "snMedian"),
)
_PARAMETERS = (*(f"{name}adop{unc}" for name in ("teff", "logg", "feh") for unc in ("", "unc")), "flag")
_PHOTOMETRY = tuple(f"{name}_{band}" for name in ("psfMag", "psfMagErr", "extinction", "modelMag") for band in BANDS)
#: The columns, with s for SpecObj, t for sppParams and p for PhotoObj.
COLUMNS: tuple[str, ...] = (
    *(f"s.{name}" for name in _SPECTRUM),
    *(f"t.{name}" for name in _PARAMETERS),
    *(f"p.{name}" for name in _PHOTOMETRY),
)
#: The joins of these tables.
JOINED = "LEFT JOIN sppParams t ON t.specObjID = s.specObjID LEFT JOIN PhotoObj p ON p.objID = s.bestObjID"
#: The names without table aliases.
NAMES: tuple[str, ...] = tuple(column[2:] for column in COLUMNS)
#: Columns of text and of whole numbers; `PRECISE` is double, all others are REAL.
TEXT = ("run2d", "class", "subClass", "flag")
WHOLE = ("specObjID", "bestObjID", "plate", "mjd", "fiberID", "zWarning")
PRECISE = ("ra", "dec")
_IDENTITY = tuple(NAMES.index(name) for name in ("specObjID", "plate", "mjd", "fiberID", "run2d"))
#: Values at and below this mark missing SSPP parameters.
MISSING = -999.0


@dataclass(frozen=True)
class SsppParameters:
    """Adopted parameters of the SEGUE Stellar Parameter Pipeline (Lee et al. 2008); NaN where missing.

    Attributes
    ----------
    teff, teff_err : float, K
    logg, logg_err, feh, feh_err : float, dex
    flag : str
        "nnnnn" without warnings.
    """

    teff: float
    teff_err: float
    logg: float
    logg_err: float
    feh: float
    feh_err: float
    flag: str

    def as_meta(self) -> dict[str, float | str]:
        """Return the parameters that are not missing by their names in a spectrum's metadata."""
        values = {
            f"sspp_{name}": getattr(self, name) for name in ("teff", "teff_err", "logg", "logg_err", "feh", "feh_err")
        }
        found: dict[str, float | str] = {name: value for name, value in values.items() if np.isfinite(value)}
        return {**found, "sspp_flag": self.flag} if found else {}


@dataclass(frozen=True)
class CatalogueRow:
    """The catalogue row of one spectrum.

    Attributes
    ----------
    star : StarId
        With the reduction of the data release.
    bestobjid : str
        Photometric object; empty where there is none.
    ra, dec : float, degrees
    kind, subclass : str
    redshift, redshift_err : float
    zwarning : int
    sn_median : float
    parameters : SsppParameters
    photometry : Photometry or None
    """

    star: StarId
    bestobjid: str
    ra: float
    dec: float
    kind: str
    subclass: str
    redshift: float
    redshift_err: float
    zwarning: int
    sn_median: float
    parameters: SsppParameters
    photometry: Photometry | None

    @classmethod
    def read(cls, cells: Sequence[str]) -> CatalogueRow:
        """Parse the cells of a row, in the order of `COLUMNS`.

        Raises
        ------
        TransientError
            If a cell does not hold the number it should.
        IdentifierError
            If the id is invalid, or is not that of the row's plate, MJD and fiber.
        """
        row = dict(zip(NAMES, cells, strict=True))
        star = identify(cells)
        value = {name: number(row[name]) for name in NAMES if name not in TEXT + WHOLE}
        measured = {name: np.nan if value[name] <= MISSING else value[name] for name in _PARAMETERS[:-1]}
        text = {name: "" if row[name].lower() == "null" else row[name] for name in TEXT}
        zwarning = number(row["zWarning"])
        best = row["bestObjID"] if row["bestObjID"].isdecimal() else ""
        return cls(
            star=star,
            bestobjid="" if best == "0" else best,
            ra=value["ra"],
            dec=value["dec"],
            kind=text["class"],
            subclass=text["subClass"],
            redshift=value["z"],
            redshift_err=value["zErr"],
            zwarning=int(zwarning) if np.isfinite(zwarning) else 0,
            sn_median=value["snMedian"],
            parameters=SsppParameters(*(measured[name] for name in _PARAMETERS[:-1]), text["flag"]),
            photometry=_photometry(value, star.is_mock),
        )

    def add_to(self, spectrum: Spectrum) -> Spectrum:
        """Add the row's photometry, the SSPP's parameters (as metadata) and values that the file lacks.

        The file's redshift is kept, as is its photometry where that of the row is missing or less complete.
        """
        photometry, notes = spectrum.photometry, spectrum.notes
        if self.photometry is not None and (self.photometry.complete or photometry is None):
            photometry = self.photometry
        redshift = spectrum.redshift
        if redshift is None and np.isfinite(self.redshift):
            redshift = self.redshift
            notes = (*notes, "The file has no redshift; that of SDSS's catalogue is used.")
        own = {
            **{"class": self.kind, "subclass": self.subclass, "zwarning": self.zwarning},
            **{"sn_median": self.sn_median, "ra": self.ra, "dec": self.dec, "bestobjid": self.bestobjid},
        }
        known = {name: item for name, item in own.items() if item not in ("", None) and item == item}
        meta = {**known, **spectrum.meta, **self.parameters.as_meta()}
        return replace(spectrum, photometry=photometry, redshift=redshift, meta=meta, notes=notes)


def identify(cells: Sequence[str]) -> StarId:
    """Return the spectrum that a row belongs to; errors as `CatalogueRow.read`."""
    specobjid, plate, mjd, fiber, run2d = (cells[place] for place in _IDENTITY)
    found = ids.decode(whole_number(specobjid))
    stated = tuple(map(whole_number, (plate, mjd, fiber)))
    if found[:3] != stated:
        ours, theirs = ("-".join(map(str, names)) for names in (found[:3], stated))
        raise IdentifierError(f"specObjID {specobjid} is {ours}; its row names {theirs}.", value=specobjid)
    reduction = found[3] if run2d.lower() in ("", "null") else run2d
    if ids.encode(*found[:3], reduction) != int(specobjid):
        raise IdentifierError(
            f"specObjID {specobjid} has been rounded; its row names reduction {reduction}.", value=specobjid
        )
    return StarId(*found)


def row_key(star: StarId) -> str:
    """Return the cache key of the rows of one spectrum."""
    return f"skyserver/rows/{star.plate:04d}/{star.name}.csv"


def row_source(star: StarId) -> str:
    """Return FROM, JOIN and WHERE of the rows of one spectrum, one for each reduction."""
    place = (("plate", star.plate, ids.PLATES), ("mjd", star.mjd, ids.MJDS), ("fiberID", star.fiber, ids.FIBERS))
    where = " AND ".join(f"s.{name} = {integer(value, *limits)}" for name, value, limits in place)
    return f"FROM SpecObjAll s {JOINED} WHERE {where}"


def choose_row(star: StarId, rows: Sequence[Sequence[str]]) -> CatalogueRow | None:
    """Choose the row of ``star`` with the likeliest reduction among those of its plate, MJD and fiber; None of none.

    Raises
    ------
    TransientError
        If a row belongs to another spectrum, or is damaged.
    """
    found: dict[str, CatalogueRow] = {}
    for cells in rows:
        try:
            row = CatalogueRow.read(cells)
        except IdentifierError as error:
            raise TransientError(f"SkyServer sent a damaged row: {error}", value=star.name) from None
        if row.star.name != star.name:
            raise TransientError(f"SkyServer sent {row.star.name} when asked for {star.name}.", value=star.name)
        found.setdefault(row.star.run2d, row)
    wanted = (star.run2d, *star.run2d_candidates)
    return next((found[run2d] for run2d in wanted if run2d in found), next(iter(found.values()), None))


def _photometry(value: dict[str, float], mock: bool) -> Photometry | None:
    bands = {
        name: np.array([value[f"{name}_{band}"] for band in BANDS])
        for name in ("psfMag", "psfMagErr", "extinction", "modelMag")
    }
    found = Photometry(
        psf_mag=bands["psfMag"],
        psf_mag_err=bands["psfMagErr"],
        extinction=bands["extinction"],
        model_mag=bands["modelMag"],
        source="MOCK PhotoObj" if mock else "PhotoObj of SDSS DR17",
    )
    return found if np.isfinite(found.psf_mag).any() else None
