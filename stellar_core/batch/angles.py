"""RA and Dec as the columns of a table give them -> a text that names a position in degrees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stellar_core.errors import ParameterError

if TYPE_CHECKING:
    from astropy import units as u


def scales(units: Mapping[str, object]) -> dict[str, float]:
    """Degrees per unit, of columns with another unit than degrees; NaN where the unit is one of something else.

    Words that name no unit, such as "J2000", say nothing; hours of right ascension are of 15 degrees.

    Parameters
    ----------
    units : mapping
        Of the columns "ra" and "dec": text or an astropy unit, or nothing.
    """
    from astropy import units as u

    found = {}
    for role, unit in units.items():
        known = _unit(str(unit or "").strip()) if role in ("ra", "dec") else None
        if known is None:
            continue
        if role == "ra" and known == u.hour:
            known = u.hourangle
        found[role] = float(known.to(u.deg)) if known.is_equivalent(u.deg) else math.nan
    return {role: scale for role, scale in found.items() if scale != 1.0}


def _unit(words: str) -> u.UnitBase | None:
    """The unit that is named, whatever its letters and number; None where it is none."""
    from astropy import units as u

    for name in (words, words.lower(), words.lower().rstrip("s")):
        try:
            found = u.Unit(name)
        except (ValueError, TypeError):
            continue
        if found.is_equivalent(u.deg):
            return found
        equinox = any(letter.isdecimal() for letter in words)  # J2000 would be two thousand joules
        return None if equinox or found == u.dimensionless_unscaled else found
    return None


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
        raise ParameterError(f"The column {role} of the list has a unit that is no angle.", value=text, remedy="Give RA and Dec in degrees.")
    return value * scale.get(role, 1.0)
