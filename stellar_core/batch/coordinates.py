"""Convert RA and Dec from the columns of a table to the text of a position in degrees."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from stellar_core.errors import ParameterError

#: Spelling of a unit in lower case -> degrees. Units are looked up, not parsed: a text such as "10^999999999 deg" would
#: keep a parser busy forever.
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
#: Hours, an angle in right ascension only.
_HOURS = ("h", "hr", "hrs", "hour", "hours")
#: Words beside a unit that do not change it.
_FRAME = re.compile(r"[jb]\d{4}(\.\d*)?|icrs|fk[45]", re.ASCII)
_BRACKETS = str.maketrans("[](){}", "      ")
#: Characters of the longest text that is taken for a unit.
LONGEST = 60


def scales(units: Mapping[str, object]) -> dict[str, float]:
    """Return degrees per unit of columns that are not in degrees; NaN if the unit is not an angle.

    Words that are not units, such as "J2000", are ignored; an hour of right ascension is 15 degrees.

    Parameters
    ----------
    units : mapping
        Units of the columns "ra" and "dec": text or None.
    """
    found = {role: _scale(role, str(unit or "")) for role, unit in units.items() if role in ("ra", "dec")}
    return {role: scale for role, scale in found.items() if scale != 1.0}


def _scale(role: str, words: str) -> float:
    """Return degrees per unit; 1 if the words hold no unit, NaN if it is not an angle or has a number before it."""
    if len(words) > LONGEST:
        return math.nan
    parts = [word for word in words.translate(_BRACKETS).split() if not _FRAME.fullmatch(word.lower())]
    plain = " ".join(parts)
    if plain.lower() in DEGREES:
        return DEGREES[plain.lower()]
    if plain.lower() in _HOURS and role == "ra":
        return 15.0
    if ":" in plain:  # "h:m:s" is a format: the cells are texts
        return 1.0
    names = "".join(letter if letter.isalpha() else " " for letter in plain).split()
    return math.nan if any(map(_names_unit, names)) else 1.0


def _names_unit(word: str) -> bool:
    from astropy import units as u

    known = u.get_current_unit_registry().registry
    return word.lower() in DEGREES or any(name in known for name in (word, word.lower(), word.lower().rstrip("s")))


def position(cells: Mapping[str, str], scale: Mapping[str, float]) -> str:
    """Return RA (0 to 360) and Dec in degrees as a text; empty unless both are given.

    Sexagesimal texts are unchanged, whatever the unit of their column.

    Raises
    ------
    ParameterError
        If the unit of a column with numbers is not an angle.
    """
    ra, dec = cells.get("ra", ""), cells.get("dec", "")
    if not ra or not dec:
        return ""
    right, up = _number("ra", ra, scale), _number("dec", dec, scale)
    if right is None or up is None:
        signed = dec if dec[0] in "+-\u2212" or up is not None else f"+{dec}"
        return f"{ra if right is None else f'{right:.7f}'} {signed if up is None else f'{up:.7f}'}"
    right += 360.0 if -180.0 <= right < 0.0 else 0.0  # also turns -0 into 0
    text = f"{right:.7f}"
    return f"{'0.0000000' if text == '360.0000000' else text} {up:.7f}"


def _number(role: str, text: str, scale: Mapping[str, float]) -> float | None:
    """Return degrees; None if the text is not a number."""
    try:
        value = float(text)
    except ValueError:
        return None
    if math.isnan(scale.get(role, 1.0)):
        raise ParameterError(
            f"The unit of the column {role} of the list is not an angle.",
            value=text,
            remedy="Give RA and Dec in degrees.",
        )
    return value * scale.get(role, 1.0)
