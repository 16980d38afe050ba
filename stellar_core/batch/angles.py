"""RA and Dec as the columns of a table give them -> a text that names a position in degrees."""

from __future__ import annotations

import math
from collections.abc import Mapping

from stellar_core.errors import ParameterError


def scales(units: Mapping[str, object]) -> dict[str, float]:
    """Degrees per unit, of columns with another unit than degrees; NaN where the unit is no angle.

    Parameters
    ----------
    units : mapping
        Of the columns "ra" and "dec": text or an astropy unit, or nothing.
    """
    from astropy import units as u

    found = {}
    for role, unit in units.items():
        words = str(unit or "").strip()
        if role in ("ra", "dec") and words and not words.lower().startswith("deg"):
            try:
                found[role] = float(u.Unit(words).to(u.deg))
            except (ValueError, TypeError, u.UnitsError):
                found[role] = math.nan
    return found


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
    if -180.0 <= right < 0.0:
        right += 360.0
    text = f"{right:.7f}"
    return f"{'0.0000000' if text == '360.0000000' else text} {up:.7f}"


def _number(role: str, text: str, scale: Mapping[str, float]) -> float | None:
    """Degrees; None where the text is no number."""
    try:
        value = float(text) * scale.get(role, 1.0)
    except ValueError:
        return None
    if math.isnan(scale.get(role, 1.0)):
        raise ParameterError(f"The column {role} of the list has a unit that is no angle.", value=text, remedy="Give RA and Dec in degrees.")
    return value
