"""Parse any text that identifies an SDSS spectrum: `parse` is the entry point.

`specobjid` decodes the 64-bit number; `star_id` has the resulting classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from stellar_core.errors import IdentifierError
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.star_id import PlateFiber, Position, StarId

__all__ = ["FORMS", "PlateFiber", "Position", "StarId", "parse"]

#: Longest text read; the longest URL of SDSS is far shorter.
MAX_TEXT = 2000

FORMS = (
    "Enter a specObjID, plate-MJD-fiber (3223-54865-170), plate and fiber (3223 170), "
    "a spec file name, an SDSS URL or a position (145.42972 36.17454)."
)

_SPEC_FILE = re.compile(r"spec-(\d{4,5})-(\d{5})-(\d{4})(?!\d)", re.ASCII | re.IGNORECASE)
_SPSPEC_FILE = re.compile(r"spspec-(\d{5})-(\d{4})-(\d{3})(?!\d)", re.ASCII | re.IGNORECASE)
_SDSSV_FILE = re.compile(r"spec-\d{6}-\d{5}-\d+", re.ASCII | re.IGNORECASE)
_REDUX = re.compile(r"/redux/(26|103|104|v\d+_\d+_\d+)/", re.ASCII | re.IGNORECASE)
_SEXAGESIMAL = re.compile(
    r"(?:SDSS\s*)?J?\s*(?:(\d{1,2})[h:\s]\s*(\d{1,2})[m:\s]\s*(\d{1,2}(?:\.\d+)?)s?|(\d\d)(\d\d)(\d\d(?:\.\d+)?))"
    r"\s*,?\s*([+-])\s*"
    r"(?:(\d{1,2})[d:\s]\s*(\d{1,2})[m':\s]\s*(\d{1,2}(?:\.\d+)?)[s\"]?|(\d\d)(\d\d)(\d\d(?:\.\d+)?))",
    re.ASCII | re.IGNORECASE,
)
_DEGREES = re.compile(r"[+]?(\d{1,3}\.\d+)\s*[,;\s]\s*([+-]?\d{1,2}(?:\.\d+)?)", re.ASCII)
_THREE = re.compile(
    r"(?:plate)?\s*(\d{1,6})[\s,/;_-]+(?:mjd)?\s*(\d{1,6})[\s,/;_-]+(?:fiber)?\s*(\d{1,6})", re.A | re.I
)
_TWO = re.compile(r"(?:plate)?\s*(\d{1,6})[\s,/;_-]+(?:fiber)?\s*(\d{1,6})", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"(?:specobjid|sid|id)?\s*[:=#]?\s*(\d+(?:\.\d*)?(?:e\+?\d+)?)", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3}){4,}", re.ASCII)


def parse(text: str) -> StarId | PlateFiber | Position:
    """Parse the identifier of an SDSS spectrum.

    Parameters
    ----------
    text : str
        A specObjID (rounded ones are corrected, with a note), plate-MJD-fiber
        separated by ``-``, space, comma or slash, plate and fiber alone, the name of a
        spec file, a SAS, SkyServer or DR17 viewer URL, or a position (ICRS): decimal degrees
        or hours and degrees with minutes and seconds.

    Returns
    -------
    StarId, PlateFiber or Position

    Raises
    ------
    IdentifierError
        For any other text.
    """
    if len(text) > MAX_TEXT:
        raise IdentifierError(f"The text has {len(text)} characters, too many for an identifier.", remedy=FORMS)
    clean = re.sub(r"[\u2010-\u2015\u2212]", "-", text).strip().strip("'\"`()[]{}").strip()
    if not clean:
        raise IdentifierError("The text is empty.", remedy=FORMS)
    readers: tuple[Callable[[str], StarId | PlateFiber | Position | None], ...] = (
        _from_file_name,
        _from_url,
        _from_coordinates,
        _from_numbers,
        _from_specobjid,
    )
    for reader in readers:
        found = reader(clean)
        if found is not None:
            return found
    if re.fullmatch(r"-\s*\d[\d\s,./-]*", clean, re.ASCII):
        raise IdentifierError(f"{_quote(clean)} is negative; SDSS identifiers are positive.", value=text, remedy=FORMS)
    raise IdentifierError(f"{_quote(clean)} is not a recognised SDSS identifier.", value=text, remedy=FORMS)


def _quote(text: str) -> str:
    """Return the beginning of a text in quotes, unprintable characters escaped."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _from_file_name(text: str) -> StarId | None:
    if _SDSSV_FILE.search(text):
        raise IdentifierError(f"{_quote(text)} is a file of SDSS-V (DR18 on), which is not supported.", value=text)
    found = _SPEC_FILE.search(text)
    run2d = _REDUX.search(text)
    if found:
        plate, mjd, fiber = (int(group) for group in found.groups())
    else:
        found = _SPSPEC_FILE.search(text)
        if not found:
            return None
        mjd, plate, fiber = (int(group) for group in found.groups())
    return StarId.of(plate, mjd, fiber, run2d.group(1) if run2d else None)


def _from_url(text: str) -> StarId | PlateFiber | Position | None:
    if not re.match(r"(https?://|www\.|[a-z0-9.]*sdss\.org)", text, re.IGNORECASE):
        return None
    try:
        query = parse_qsl(urlsplit(text).query or urlsplit(text).fragment.partition("?")[2])
    except ValueError:
        query = []
    values = {key.lower(): unquote(value).strip() for key, value in query}
    numbers = {
        name: next((values[key] for key in keys if re.fullmatch(r"\d{1,6}", values.get(key, ""), re.ASCII)), None)
        for name, keys in {"plate": ("plateid", "plate"), "mjd": ("mjd",), "fiber": ("fiberid", "fiber")}.items()
    }
    if numbers["plate"] and numbers["fiber"]:
        if not numbers["mjd"]:
            return PlateFiber(int(numbers["plate"]), int(numbers["fiber"]))
        run2d = values.get("run2d") or None
        return StarId.of(int(numbers["plate"]), int(numbers["mjd"]), int(numbers["fiber"]), run2d)
    for key in ("sid", "specobjid"):
        if re.fullmatch(r"\d+", values.get(key, ""), re.ASCII):
            return _from_specobjid(values[key])
    place = _DEGREES.fullmatch(f"{values.get('ra')} {values.get('dec')}")
    if place:
        return Position(float(place.group(1)), float(place.group(2)))
    raise IdentifierError(
        f"The URL {_quote(text)} identifies no spectrum: it has no spec file, sid= or plateid=, mjd= and fiberid=.",
        value=text,
    )


def _from_coordinates(text: str) -> Position | None:
    degrees = _DEGREES.fullmatch(text)
    if degrees and float(degrees.group(1)) < 360 and abs(float(degrees.group(2))) <= 90:
        return Position(float(degrees.group(1)), float(degrees.group(2)))
    found = _SEXAGESIMAL.fullmatch(text)
    if not found:
        return None
    groups = found.groups()
    hours, dec = (_from_sixtieths(groups[i : i + 3] if groups[i] else groups[i + 3 : i + 6]) for i in (0, 7))
    return Position(15.0 * hours, -dec if groups[6] == "-" else dec)


def _from_sixtieths(parts: tuple[str, ...]) -> float:
    whole, minutes, seconds = (float(part) for part in parts)
    if minutes >= 60 or seconds >= 60:
        raise IdentifierError(f"{parts[1]} minutes and {parts[2]} seconds are not valid in a position.", value=parts)
    return whole + minutes / 60.0 + seconds / 3600.0


def _from_numbers(text: str) -> StarId | PlateFiber | None:
    three = _THREE.fullmatch(text)
    if three:
        plate, mjd, fiber = (int(group) for group in three.groups())
        if fiber >= ids.MJDS[0] and mjd <= ids.FIBERS[1]:
            raise IdentifierError(
                f"{_quote(text)} has the MJD last.", value=text, remedy=f"Enter {plate}-{fiber}-{mjd}."
            )
        return StarId.of(plate, mjd, fiber)
    two = _TWO.fullmatch(text)
    if two:
        plate, fiber = int(two.group(1)), int(two.group(2))
        if fiber >= ids.MJDS[0]:
            raise IdentifierError(
                f"{_quote(text)} is a plate and an MJD without a fiber.", value=text, remedy="Enter plate-MJD-fiber."
            )
        return PlateFiber(plate, fiber)
    return None


def _from_specobjid(text: str) -> StarId | None:
    number = _NUMBER.fullmatch(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    if not number:
        return None
    if len(number.group(1)) < 7:
        raise IdentifierError(f"{number.group(1)} alone identifies no spectrum.", value=text, remedy=FORMS)
    value, certain, notes = ids.read_specobjid(number.group(1))
    plate, mjd, fiber, run2d = ids.decode(value)
    return StarId(plate, mjd, fiber, run2d, notes, run2d_known=certain)
