"""The 64-bit specObjID of SDSS DR8 to DR18: encode, decode, and correct rounded ones.

Bits 50-63 plate, 38-49 fiber, 24-37 MJD - 50000, 10-23 run2d, 0-9 zero. Programs that
store ids as floating-point numbers round them: JavaScript above 2^53, spreadsheets to
15 digits. As bits 0-9 are zero and few run2d exist, most rounded ids can be corrected.
"""

from __future__ import annotations

import re
from decimal import Decimal

from stellar_core.errors import IdentifierError

#: run2d of the SDSS spectrograph: numbers, not versions (pydl prints them as versions).
LEGACY_RUN2D = ("26", "103", "104")
#: The reduction of all BOSS and eBOSS spectra in DR17.
BOSS_RUN2D = "v5_13_2"
#: Reductions that data releases 8 to 18 published, most recent first in each spectrograph.
KNOWN_RUN2D = (
    *LEGACY_RUN2D,
    BOSS_RUN2D,
    "v5_13_0",
    "v5_10_0",
    "v5_9_0",
    "v5_7_2",
    "v5_7_0",
    "v5_6_5",
    "v5_5_12",
    "v5_4_45",
)
#: Plates from this number on were observed with the BOSS spectrograph (1000 fibers, not 640).
FIRST_BOSS_PLATE = 3510
#: Lowest and highest valid values.
PLATES, FIBERS, MJDS = (1, 16383), (1, 1000), (51000, 66383)

_VERSION = re.compile(r"v(\d+)_(\d+)_(\d+)", re.ASCII)
_NUMBER = re.compile(r"\d{1,60}(\.\d{0,60})?(e\+?\d{1,2})?", re.ASCII | re.IGNORECASE)
_UNIT = 1 << 10


def encode_run2d(run2d: str) -> int:
    """Return the 14-bit number of a reduction: a number as itself, ``vN_M_P`` as (N-5)*10000 + M*100 + P.

    Raises
    ------
    IdentifierError
        If it is neither or does not fit.
    """
    text = run2d.strip().lower()
    version = _VERSION.fullmatch(text)
    if version:
        major, minor, patch = (int(group) for group in version.groups())
        number = (major - 5) * 10000 + minor * 100 + patch
        valid = major >= 5 and minor < 100 and patch < 100 and number < 1 << 14
    else:
        valid = bool(re.fullmatch(r"\d{1,5}", text, re.ASCII)) and int(text) < 1 << 14
        number = int(text) if valid else 0
    if not valid:
        raise IdentifierError(
            f"{run2d[:40]!r} is not an SDSS reduction (run2d).", value=run2d, remedy="Use 26, 103, 104 or v5_13_2."
        )
    return number


def decode_run2d(number: int) -> str:
    """Return the reduction of a 14-bit number: "26", "103", "104", else ``vN_M_P``."""
    if str(number) in LEGACY_RUN2D:
        return str(number)
    return f"v{5 + number // 10000}_{number // 100 % 100}_{number % 100}"


def encode(plate: int, mjd: int, fiber: int, run2d: str) -> int:
    """Return the specObjID of plate, MJD, fiber and reduction.

    Raises
    ------
    IdentifierError
        If a value is outside `PLATES`, `MJDS` or `FIBERS`, or ``run2d`` is not a reduction.
    """
    for name, value, (low, high) in (("plate", plate, PLATES), ("MJD", mjd, MJDS), ("fiber", fiber, FIBERS)):
        if not low <= value <= high:
            raise IdentifierError(f"{name} {value} is not between {low} and {high}.", value=value)
    if plate < FIRST_BOSS_PLATE and fiber > 640:
        raise IdentifierError(f"fiber {fiber} does not exist on plate {plate}: it has fibers 1 to 640.", value=fiber)
    return plate << 50 | fiber << 38 | (mjd - 50000) << 24 | encode_run2d(run2d) << 10


def decode(specobjid: int) -> tuple[int, int, int, str]:
    """Return plate, MJD, fiber and run2d of a specObjID with bits 0-9 zero.

    Raises
    ------
    IdentifierError
        If a part is out of range.
    """
    plate, fiber = specobjid >> 50, specobjid >> 38 & 0xFFF
    mjd, run2d = (specobjid >> 24 & 0x3FFF) + 50000, decode_run2d(specobjid >> 10 & 0x3FFF)
    encode(plate, mjd, fiber, run2d)
    return plate, mjd, fiber, run2d


def read_specobjid(text: str) -> tuple[int, bool, tuple[str, ...]]:
    """Read a specObjID and correct the rounding by floating-point numbers.

    Parameters
    ----------
    text : str
        Digits, or a number such as ``4.56563636234269E+18``.

    Returns
    -------
    specobjid : int
    certain : bool
        False where plate, MJD and fiber are certain but the reduction was guessed.
    notes : tuple of str
        The correction made.

    Raises
    ------
    IdentifierError
        For ids of other data releases, photometric ids, and ids that cannot be corrected.
    """
    if not _NUMBER.fullmatch(text):
        raise IdentifierError(f"{text[:40]!r} is not a specObjID, which is a whole number.", value=text)
    value, spread = _interval(text)
    if value >= 1 << 64:
        raise IdentifierError(
            f"The identifier has {len(str(value))} digits and exceeds 64 bits; ids of DR19 on are not supported.",
            value=text,
            remedy="Enter plate-MJD-fiber, such as 3223-54865-170.",
        )
    if value >> 48 == 4397:
        raise IdentifierError(
            f"{value} is a photometric object id (objID), not a specObjID.",
            value=text,
            remedy="Enter the specObjID or plate-MJD-fiber.",
        )
    exact = value % _UNIT == 0 and spread < _UNIT
    if exact and _valid(value) and (decode(value)[3] in KNOWN_RUN2D or value % 1000):
        return value, True, ()
    near = _nearest(value, spread)
    if near is not None:
        corrected, certain = near
        run2d = decode(corrected)[3]
        shown = f"reduction {run2d}" if certain else f"its reduction, {run2d}, is a guess"
        if corrected == value:
            return corrected, certain, ()
        return corrected, certain, (f"The identifier had been rounded; it was corrected to {corrected} ({shown}).",)
    _refuse_dr7(value)
    if spread >= 1 << 24:
        raise IdentifierError(
            f"{text} has too few digits of a specObjID.", value=text, remedy="Enter all its digits, as text."
        )
    if value >> 50 in range(PLATES[0], PLATES[1] + 1) and not value >> 38 & 0xFFF and not value % _UNIT:
        raise IdentifierError(
            f"{value} is the id of plate {value >> 50} as a whole, not of a spectrum.",
            value=text,
            remedy="Enter the specObjID or plate-MJD-fiber.",
        )
    raise IdentifierError(
        f"{value} is not a specObjID of DR8 to DR18: its plate, MJD or fiber is out of range.",
        value=text,
        remedy="Check the digits, or enter plate-MJD-fiber.",
    )


def _interval(text: str) -> tuple[int, int]:
    """Return the integer in ``text`` and the largest rounding error it may have."""
    number = Decimal(text)
    sign, digits, exponent = number.as_tuple()
    value = int(number)
    if not isinstance(exponent, int) or exponent < 0:
        stripped = str(value)
        zeros = len(stripped) - len(stripped.rstrip("0"))
    else:
        zeros = exponent + len(digits) - len("".join(map(str, digits)).rstrip("0"))
    # A double's spacing is 1024 from 2^62 and 2048 from 2^63; it is wrong by half of that.
    double = 1024 if value >= 1 << 63 else 512
    return value, max(double, 10**zeros // 2)


def _valid(specobjid: int) -> bool:
    try:
        decode(specobjid)
    except IdentifierError:
        return False
    return True


def _nearest(value: int, spread: int) -> tuple[int, bool] | None:
    """Return the closest id within ``spread``, and whether its reduction is certain."""
    if spread >= 1 << 24:
        return None
    candidates = set()
    for base in {(value + side) >> 24 << 24 for side in (-spread, 0, spread) if value + side >= 0}:
        for run2d in KNOWN_RUN2D:
            candidate = base | encode_run2d(run2d) << 10
            boss = candidate >> 50 >= FIRST_BOSS_PLATE
            if abs(candidate - value) > spread or boss == (run2d in LEGACY_RUN2D) or not _valid(candidate):
                continue
            candidates.add(candidate)
    if candidates:
        best = min(candidates, key=lambda candidate: abs(candidate - value))
        return best, best == value or len(candidates) == 1
    rounded = (value + _UNIT // 2) // _UNIT * _UNIT
    if not _valid(rounded):
        return None
    plate, _, _, run2d = decode(rounded)
    return None if (plate >= FIRST_BOSS_PLATE) == (run2d in LEGACY_RUN2D) else (rounded, spread <= 1024)


def _refuse_dr7(value: int) -> None:
    """Raise where ``value`` has the layout of DR7: plate 16 bits, MJD 16, fiber 10, type 6."""
    plate, mjd, fiber = value >> 48, value >> 32 & 0xFFFF, value >> 22 & 0x3FF
    if 1 <= plate < FIRST_BOSS_PLATE and 51000 <= mjd <= 55500 and 1 <= fiber <= 640:
        raise IdentifierError(
            f"{value} has the layout of DR7, which later releases do not use.",
            value=value,
            remedy=f"Enter {plate}-{mjd}-{fiber}, which it encodes.",
        )
