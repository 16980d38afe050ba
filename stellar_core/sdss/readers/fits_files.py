"""FITS files of one spectrum: SDSS lite, full and coadd-only, and the common other layouts.

Peculiarities of SDSS files handled here: column names are in upper or lower case; the
second extension is named SPECOBJ or SPALL and is identified by its position; ``loglam`` is
float32; ``ivar`` alone is the mask (good legacy spectra may have an ``and_mask`` flag
on every pixel); the ELODIE fit and the SSPP parameters of a row are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from astropy.io import fits

from stellar_core.errors import IdentifierError, SpectrumError
from stellar_core.sdss.identifiers import parse
from stellar_core.sdss.readers.column_aliases import Table, assemble, is_spectrum, quote_list
from stellar_core.sdss.readers.fits_columns import (
    CLASSES,
    astropy_hdu,
    check_complete,
    header_of,
    image_of,
    table_of,
    translated_errors,
)
from stellar_core.sdss.readers.fits_layout import Hdu, hdus
from stellar_core.sdss.readers.fits_row import read_fits_row
from stellar_core.sdss.readers.photometric_rows import PHOTOMETRY_NAMES, photometry_of
from stellar_core.sdss.specobjid import FIRST_BOSS_PLATE
from stellar_core.sdss.star_id import StarId
from stellar_core.spectrum import Spectrum

#: Header values read; other cards may be damaged without harm.
HEADER_KEYS = (
    *("PLATEID", "MJD", "FIBERID", "RUN2D", "PLUG_RA", "PLUG_DEC", "Z", "CLASS", "SUBCLASS"),
    *("SURVEY", "TELESCOP", "INSTRUME", "ORIGIN"),
)
#: Surveys recognised in the header of a file without a plate: word in it -> instrument.
SURVEYS = {"LAMOST": "LAMOST", "DESI": "DESI", "SDSS": "SDSS", "BOSS": "BOSS"}
#: Columns read of the row after the spectrum, in lower case.
ROW_NAMES = frozenset(
    (
        *(
            "plate",
            "mjd",
            "fiberid",
            "run2d",
            "instrument",
            "class",
            "subclass",
            "zwarning",
            "sn_median_all",
            "sn_median",
        ),
        *("plug_ra", "plug_dec", "ra", "dec", "z"),
        *PHOTOMETRY_NAMES,
    )
)
#: Plate, MJD and fiber by the names that rows and headers give them.
ROW_STAR, HEADER_STAR = ("plate", "mjd", "fiberid"), ("plateid", "mjd", "fiberid")
#: Longest text kept (class, reduction), and longest file name searched for an identifier, characters.
MAX_WORD, MAX_NAME = 80, 255
#: Redshifts outside this range are fill values, not measurements.
REDSHIFTS = (-0.1, 10.0)


def read_fits(
    data: bytes,
    name: str,
    *,
    wavelength_unit: str | None = None,
    medium: str | None = None,
    columns: Mapping[str, str | int] | None = None,
) -> Spectrum:
    """Read a FITS file; see `stellar_core.sdss.readers.read_spectrum` for the arguments.

    Raises
    ------
    SpectrumError
        If the file is damaged or holds no spectrum.
    """
    with translated_errors():
        found = hdus(data)
        table, *headers = _find(data, found, columns)
        row = _row(data, next(found, None))
        stated = _stated(*headers)
    spectrum = assemble(table, wavelength_unit=wavelength_unit, medium=medium, columns=columns, name=name)
    return _describe(spectrum, row, stated, name)


def _find(
    data: bytes, found: Iterator[Hdu], columns: Mapping[str, str | int] | None
) -> tuple[Table, fits.Header, fits.Header]:
    """Return the first table or image that is a spectrum, the primary header and its own."""
    primary, seen, packed = None, [], False
    for hdu in found:
        primary = primary or hdu
        check_complete(data, hdu)
        packed |= hdu.kind == "compressed image"
        if hdu.kind not in CLASSES or hdu.end == hdu.data:
            continue
        content = astropy_hdu(data, hdu)
        if hdu.kind == "image":
            table = image_of(hdu, content)
        else:
            table = table_of(hdu, content, columns)
            seen += table.columns
            table = table if is_spectrum(table, columns) else None
        if table is not None:
            return table, content.header if hdu is primary else header_of(data, primary), content.header
    if packed:
        raise SpectrumError("The FITS file holds a compressed image.", remedy="Unpack it with funpack.")
    if seen:
        raise SpectrumError(f"The FITS file has no wavelength and flux columns; its columns are {quote_list(seen)}.")
    raise SpectrumError("The FITS file holds no table and no image of a spectrum.")


def _row(data: bytes, hdu: Hdu | None) -> dict[str, object]:
    """Return the used cells of the one-row table after the spectrum, keys in lower case; empty where there is none."""
    if hdu is None or hdu.kind != "table" or hdu.keywords["NAXIS2"] != 1:
        return {}
    return read_fits_row(data, hdu, ROW_NAMES)


def _stated(primary: fits.Header, own: fits.Header) -> dict[str, object]:
    """Return the used header values, keys in lower case; those of the primary header take precedence."""
    values = {key.lower(): primary.get(key, own.get(key)) for key in HEADER_KEYS}
    return {key: value for key, value in values.items() if value is not None}


def _number(value: object) -> float | None:
    """Return a finite number, or None."""
    try:
        number = float(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else float("nan")
    except (TypeError, ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def _whole(value: object) -> int | None:
    """Return a positive whole number, or None."""
    number = _number(value)
    return int(number) if number is not None and 0 < number < 2**63 else None


def _text(value: object) -> str:
    """Return a short text, stripped; empty where there is none."""
    return "" if np.ndim(value) else str(value or "")[:MAX_WORD].strip()


def _named(numbers: list[int | None]) -> str:
    """Return plate-MJD-fiber, "?" where a number is missing."""
    plate, mjd, fiber = numbers
    return "-".join(
        ("?" if plate is None else f"{plate:04d}", str(mjd or "?"), "?" if fiber is None else f"{fiber:04d}")
    )


def _describe(spectrum: Spectrum, row: Mapping[str, object], header: Mapping[str, object], name: str) -> Spectrum:
    """Add the file's information about the observation."""
    meta: dict[str, object] = {}
    notes = list(spectrum.notes)
    by_row, by_header = (
        [_whole(source.get(key)) for key in keys] for source, keys in ((row, ROW_STAR), (header, HEADER_STAR))
    )
    run2d = _text(row.get("run2d")) or _text(header.get("run2d"))
    star = _star(*(in_row or in_header for in_row, in_header in zip(by_row, by_header)), run2d, name)
    if star is not None:
        meta.update(plate=star.plate, mjd=star.mjd, fiber=star.fiber)
        # SPECOBJ rows name the instrument; for SPALL rows and coadd-only files it follows from the plate.
        stated = _text(row.get("instrument")).upper()
        by_plate = "BOSS" if star.plate >= FIRST_BOSS_PLATE else "SDSS"
        meta["instrument"] = stated if stated in ("SDSS", "BOSS") else by_plate
        if star.run2d_known:
            meta.update(run2d=star.run2d, specobjid=star.specobjid)
    elif instrument := _instrument(header):
        meta["instrument"] = instrument
    if any(in_row and in_header and in_row != in_header for in_row, in_header in zip(by_row, by_header)):
        notes.append(
            f"The file's header names {_named(by_header)}, its table row {_named(by_row)}. The row is used, "
            "but the spectrum may belong to the other star."
        )
    for key in ("class", "subclass"):
        if text := _text(row.get(key, header.get(key))):
            meta[key] = text
    if (flag := _number(row.get("zwarning"))) is not None and abs(flag) < 2**63:
        meta["zwarning"] = int(flag)
    sn_median = _number(row.get("sn_median_all", row.get("sn_median")))
    if sn_median is not None:
        meta["sn_median"] = sn_median
    for key in ("ra", "dec"):
        # RA and DEC of the header are the telescope's; PLUG_ values are the star's.
        value = _number(row.get(f"plug_{key}", row.get(key, header.get(f"plug_{key}"))))
        if value is not None and -90 <= value < 360:
            meta[key] = value
    redshift = _number(row.get("z", header.get("z")))
    if redshift is not None and not REDSHIFTS[0] < redshift < REDSHIFTS[1]:
        notes.append(f"The file's redshift, {redshift:g}, is not a measurement and is ignored.")
        redshift = None
    return replace(
        spectrum,
        redshift=redshift,
        photometry=photometry_of(row, meta.get("ra"), meta.get("dec")),
        name=star.name if star else name,
        source="mock" if star and star.is_mock else "upload",
        meta=meta,
        notes=tuple(notes),
    )


def _instrument(header: Mapping[str, object]) -> str:
    """Return the survey or instrument that a header names, or an empty text."""
    stated = [_text(header.get(key)) for key in ("survey", "telescop", "instrume", "origin")]
    words = " ".join(stated).upper()
    known = next((name for word, name in SURVEYS.items() if word in words), "")
    return known or stated[2] or stated[1]


def _star(plate: int | None, mjd: int | None, fiber: int | None, run2d: str | None, name: str) -> StarId | None:
    """Return the spectrum's identifier from the numbers in the file, else from its name."""
    try:
        if plate and mjd and fiber:
            return StarId.of(plate, mjd, fiber, run2d if run2d and re.match(r"v?\d", run2d) else None)
        found = parse(name) if 0 < len(name) <= MAX_NAME else None
    except IdentifierError:
        return None
    return found if isinstance(found, StarId) else None
