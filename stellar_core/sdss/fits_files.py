"""FITS files of one spectrum: SDSS lite, full and coadd-only, and the common other layouts.

Awkward facts of SDSS files that are settled here: column names come in both cases; the
second extension is named SPECOBJ or SPALL and is taken by its place; ``loglam`` is
float32; ``ivar`` alone is the mask (good legacy spectra may carry an ``and_mask`` flag
on every pixel); the ELODIE fit and the SSPP parameters of a row are never read.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from astropy.io import fits

from stellar_core.errors import IdentifierError, SpectrumError
from stellar_core.sdss.columns import Table, assemble, is_spectrum
from stellar_core.sdss.identifiers import parse
from stellar_core.sdss.first_row import first_row
from stellar_core.sdss.photometric_rows import PHOTOMETRY_NAMES, photometry_of
from stellar_core.sdss.specobjid import FIRST_BOSS_PLATE
from stellar_core.sdss.star import StarId
from stellar_core.spectrum import Spectrum

#: What astropy raises on damaged files.
DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    AttributeError,
    MemoryError,
    ArithmeticError,
    AssertionError,
    struct.error,
    fits.VerifyError,
)
#: Header values read; other cards may be damaged without harm.
HEADER_KEYS = ("PLATEID", "MJD", "FIBERID", "RUN2D", "PLUG_RA", "PLUG_DEC", "Z", "CLASS", "SUBCLASS")
#: Columns read of the row after the spectrum, in lower case.
ROW_NAMES = frozenset(
    (*("plate", "mjd", "fiberid", "run2d", "instrument", "class", "subclass", "zwarning", "sn_median_all", "sn_median"),
     *("plug_ra", "plug_dec", "ra", "dec", "z"), *PHOTOMETRY_NAMES)
)  # fmt: skip
#: A size of a header below zero, which would lead a reader back to a header that it has read, without end.
_BACKWARDS = re.compile(rb"(?:NAXIS\d{0,3}|PCOUNT|GCOUNT) *= *-")
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
    refuse_endless(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(data), memmap=False) as hdus:
                table, place = _find(hdus, len(data), columns)
                row = _row(data, hdus, place)
                header = _header(hdus, place)
        except DAMAGE as error:
            if isinstance(error, SpectrumError):
                raise
            raise SpectrumError(
                "The FITS file is damaged or cut short and cannot be read.", remedy="Download it again."
            ) from None
    spectrum = assemble(table, wavelength_unit=wavelength_unit, medium=medium, columns=columns, name=name)
    return _describe(spectrum, row, header, name)


def refuse_endless(data: bytes) -> None:
    """Raise `SpectrumError` for a FITS file with a negative size in a header: reading it would never end."""
    if any(found.start() % 80 == 0 for found in _BACKWARDS.finditer(data)):
        raise SpectrumError("The FITS file is damaged: a header gives a negative size.", remedy="Download it again.")


def _find(
    hdus: fits.HDUList, n_bytes: int, columns: Mapping[str, str | int] | None
) -> tuple[Table, int]:
    """The first table or image that is a spectrum, and its place in the file."""
    seen = []
    for place, hdu in enumerate(hdus):
        end = (hdu.fileinfo() or {}).get("datLoc", 0) + hdu.size
        if end > n_bytes:
            raise SpectrumError(
                f"The FITS file is cut short: it should have {end} bytes or more and has {n_bytes}.",
                remedy="Download it again.",
            )
        if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU)):
            table = _table(hdu)
            if is_spectrum(table, columns):
                return table, place
            seen += list(table.columns)
        elif hdu.header.get("NAXIS", 0) and hdu.size:
            table = _image(hdu)
            if table is not None:
                return table, place
    if seen:
        listed = ", ".join(repr(name) for name in seen[:12])
        raise SpectrumError(f"The FITS file has no wavelength and flux columns; its columns are {listed}.")
    raise SpectrumError("The FITS file holds no table and no image of a spectrum.")


def _table(hdu: fits.BinTableHDU | fits.TableHDU) -> Table:
    """Numeric columns of a table; a table of one row with arrays in its cells is unrolled."""
    columns, units = {}, {}
    length = len(hdu.data) if hdu.data is not None else 0
    for column in hdu.columns if length else ():
        values = np.asarray(hdu.data[column.name])
        if values.dtype.kind not in "fiub":
            continue
        if length == 1 and values.ndim > 1:
            values = values.reshape(-1)
        if values.ndim == 1:
            columns[column.name] = values.astype(np.float64)
            units[column.name] = str(column.unit or "")
    if length == 1 and columns:
        longest = max(array.size for array in columns.values())
        columns = {name: array for name, array in columns.items() if array.size == longest > 1}
    return Table(columns, {name: unit for name, unit in units.items() if unit})


def _image(hdu: fits.PrimaryHDU | fits.ImageHDU) -> Table | None:
    """One-dimensional spectra with a linear or logarithmic axis; LAMOST and SDSS DR7 stacks of rows."""
    header, data = hdu.header, np.asarray(hdu.data, dtype=np.float64)
    if data.ndim == 2 and data.shape[0] >= 3 and "COEFF0" in header and data.shape[1] > 100:
        loglam = header["COEFF0"] + header["COEFF1"] * np.arange(data.shape[1])
        if "LAMOST" in str(header.get("TELESCOP", "")).upper():
            return Table({"flux": data[0], "ivar": data[1], "loglam": loglam}, {})
        return Table({"flux": data[0], "error": data[2], "loglam": loglam}, {})
    data = np.squeeze(data)
    step = header.get("CDELT1", header.get("CD1_1"))
    if data.ndim != 1 or data.size < 10 or not step or "CRVAL1" not in header:
        return None
    axis = header["CRVAL1"] + step * (np.arange(data.size) + 1 - header.get("CRPIX1", 1))
    logarithmic = header.get("DC-FLAG") == 1 or "LOG" in str(header.get("CTYPE1", "")).upper()
    name = "loglam" if logarithmic and axis.max() < 6 else "wavelength"
    unit = str(header.get("CUNIT1", "")).strip()
    words = "air" if "AWAV" in str(header.get("CTYPE1", "")).upper() else ""
    return Table({name: axis, "flux": data}, {name: unit} if unit else {}, text=words)


def _row(data: bytes, hdus: fits.HDUList, place: int) -> dict[str, object]:
    """What is used of the one-row table after the spectrum, keys in lower case; empty where there is none."""
    try:
        hdu = hdus[place + 1]
    except IndexError:
        return {}
    if not isinstance(hdu, fits.BinTableHDU) or hdu.header.get("NAXIS2") != 1:
        return {}
    return first_row(data, hdu, ROW_NAMES)


def _header(hdus: fits.HDUList, place: int) -> dict[str, object]:
    """The header values that are used, keys in lower case; the primary header first."""
    values = {}
    for key in HEADER_KEYS:
        value = hdus[0].header.get(key, hdus[place].header.get(key))
        if value is not None:
            values[key.lower()] = value
    return values


def _number(value: object) -> float | None:
    """A finite number, or None."""
    try:
        number = float(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else float("nan")
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _describe(spectrum: Spectrum, row: Mapping[str, object], header: Mapping[str, object], name: str) -> Spectrum:
    """Add what the file says about the observation."""
    meta: dict[str, object] = {}
    notes = list(spectrum.notes)

    def whole(*values: object) -> int | None:
        return next((int(number) for value in values if (number := _number(value)) is not None and number > 0), None)

    plate = whole(row.get("plate"), header.get("plateid"))
    mjd = whole(row.get("mjd"), header.get("mjd"))
    fiber = whole(row.get("fiberid"), header.get("fiberid"))
    run2d = next((text for value in (row.get("run2d"), header.get("run2d")) if np.ndim(value) == 0 and (text := str(value or "").strip())), None)
    star = _star(plate, mjd, fiber, run2d, name)
    if star is not None:
        meta.update(plate=star.plate, mjd=star.mjd, fiber=star.fiber)
        # SPECOBJ rows name the instrument; SPALL rows and bare coadds leave it to the plate.
        stated = str(row.get("instrument", "")).strip().upper()
        by_plate = "BOSS" if star.plate >= FIRST_BOSS_PLATE else "SDSS"
        meta["instrument"] = stated if stated in ("SDSS", "BOSS") else by_plate
        if star.run2d_known:
            meta.update(run2d=star.run2d, specobjid=star.specobjid)
    for key in ("class", "subclass"):
        text = str(row.get(key, header.get(key, ""))).strip()
        if text:
            meta[key] = text
    if (flag := _number(row.get("zwarning"))) is not None:
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
        notes.append(f"The file's redshift, {redshift:g}, is no measurement and was ignored.")
        redshift = None
    return replace(
        spectrum,
        redshift=redshift,
        photometry=photometry_of(row),
        name=star.name if star else name,
        source="mock" if star and star.is_mock else "upload",
        meta=meta,
        notes=tuple(notes),
    )


def _star(plate: int | None, mjd: int | None, fiber: int | None, run2d: str | None, name: str) -> StarId | None:
    """The spectrum's identifier from the file's own numbers, else from its name."""
    try:
        if plate and mjd and fiber:
            return StarId.of(plate, mjd, fiber, run2d if run2d and re.match(r"v?\d", run2d) else None)
        found = parse(name) if name else None
    except IdentifierError:
        return None
    return found if isinstance(found, StarId) else None
