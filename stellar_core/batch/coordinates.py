"""RA and Dec as the columns of a table give them -> a text that names a position in degrees."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from stellar_core.errors import ParameterError

#: Degrees per unit by its spelling in small letters. Units are looked up here and never parsed: a text such as
#: "10^999999999 deg" would keep a parser of units busy without end.
DEGREES = {
    **dict.fromkeys(("deg", "degs", "degree", "degrees", "°", "degrees_east", "degrees_north"), 1.0),
    **dict.fromkeys(("arcmin", "arcmins", "arcminute", "arcminutes", "amin", "'"), 1 / 60),
    **dict.fromkeys(("arcsec", "arcsecs", "arcsecond", "arcseconds", "asec", '"'), 1 / 3600),
    **dict.fromkeys(("mas", "marcsec", "milliarcsec", "milliarcsecond", "milliarcseconds"), 1 / 3.6e6),
    **dict.fromkeys(("uas", "uarcsec", "µas", "μas", "microarcsec", "microarcsecond", "microarcseconds"), 1 / 3.6e9),
    **dict.fromkeys(("rad", "rads", "radian", "radians"), 180 / math.pi),
    **dict.fromkeys(("mrad", "milliradian", "milliradians"), 0.18 / math.pi),
    **dict.fromkeys(
        ("hourangle", "hourangles", "15deg", "15 deg", "15.0deg", "15.0 deg"), 15.0
    ),  # as Astropy writes it
    **dict.fromkeys(("cycle", "cycles"), 360.0),
}
#: Hours, which are an angle in right ascension alone.
_HOURS = ("h", "hr", "hrs", "hour", "hours")
#: Words beside a unit that say nothing about it.
_FRAME = re.compile(r"[jb]\d{4}(\.\d*)?|icrs|fk[45]", re.ASCII)
_BRACKETS = str.maketrans("[](){}", "      ")
#: Letters of the longest text that is looked at as a unit.
LONGEST = 60


def scales(units: Mapping[str, object]) -> dict[str, float]:
    """Degrees per unit, of columns with another unit than degrees; NaN where the unit is one of something else.

    Words that name no unit, such as "J2000", say nothing; hours of right ascension are of 15 degrees.

    Parameters
    ----------
    units : mapping
        Of the columns "ra" and "dec": text, or nothing.
    """
    found = {role: _scale(role, str(unit or "")) for role, unit in units.items() if role in ("ra", "dec")}
    return {role: scale for role, scale in found.items() if scale != 1.0}


def _scale(role: str, words: str) -> float:
    """Degrees per unit; 1 where the words name no unit, NaN where it is no angle or has a number before it."""
    if len(words) > LONGEST:
        return math.nan
    parts = [word for word in words.translate(_BRACKETS).split() if not _FRAME.fullmatch(word.lower())]
    plain = " ".join(parts)
    if plain.lower() in DEGREES:
        return DEGREES[plain.lower()]
    if plain.lower() in _HOURS and role == "ra":
        return 15.0
    if ":" in plain:  # "h:m:s" is no unit: its cells are texts
        return 1.0
    names = "".join(letter if letter.isalpha() else " " for letter in plain).split()
    return math.nan if any(map(_names_unit, names)) else 1.0


def _names_unit(word: str) -> bool:
    from astropy import units as u

    known = u.get_current_unit_registry().registry
    return word.lower() in DEGREES or any(name in known for name in (word, word.lower(), word.lower().rstrip("s")))


def position(cells: Mapping[str, str], scale: Mapping[str, float]) -> str:
    """RA and Dec in degrees, the former from 0 to 360; empty unless both are there.

    Texts in hours and degrees with minutes and seconds stay as they are, whatever unit their column claims.

    Raises
    ------
    ParameterError
        If a number stands in a column whose unit is no angle.
    """
    ra, dec = cells.get("ra", ""), cells.get("dec", "")
    if not ra or not dec:
        return ""
    right, up = _number("ra", ra, scale), _number("dec", dec, scale)
    if right is None or up is None:
        signed = dec if dec[0] in "+-\u2212" or up is not None else f"+{dec}"
        return f"{ra if right is None else f'{right:.7f}'} {signed if up is None else f'{up:.7f}'}"
    right += 360.0 if -180.0 <= right < 0.0 else 0.0  # which takes the sign from -0
    text = f"{right:.7f}"
    return f"{'0.0000000' if text == '360.0000000' else text} {up:.7f}"


def _number(role: str, text: str, scale: Mapping[str, float]) -> float | None:
    """Degrees; None where the text is no number."""
    try:
        value = float(text)
    except ValueError:
        return None
    if math.isnan(scale.get(role, 1.0)):
        raise ParameterError(
            f"The column {role} of the list has a unit that is no angle.",
            value=text,
            remedy="Give RA and Dec in degrees.",
        )
    return value * scale.get(role, 1.0)
