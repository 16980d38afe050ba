"""Headers of FITS tables of stars, checked against the bytes of the file before anything is read or allocated."""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Mapping
from typing import BinaryIO

from stellar_core.errors import SpectrumError

#: Bytes of a block, cards of a header, headers of a file, columns of a table (FITS 4.0, section 7.3.1).
_BLOCK, _CARD, _MAX_CARDS, _MAX_HEADERS, _MAX_FIELDS = 2880, 80, 20_000, 2000, 999
_WIDTHS = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_STATED = re.compile(r"SIMPLE|XTENSION|BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT|GROUPS|TFIELDS|TFORM\d{1,3}", re.ASCII)
_TFORM = re.compile(r"(\d{0,12})([A-Z])", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_REMEDY = "Download it again."


def check_layout(data: bytes | BinaryIO, max_bytes: int) -> None:
    """Check every header of a FITS file, in time proportional to its length.

    Parameters
    ----------
    data : bytes or binary file
        A file is wound back.
    max_bytes : int
        Most bytes that one image or table may state.

    Raises
    ------
    SpectrumError
        If a header states more than the file holds, a size below zero, or rows without bytes.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    size, at = file.seek(0, os.SEEK_END), 0
    try:
        for _ in range(_MAX_HEADERS):
            if at >= size:
                return
            file.seek(at)
            stated = _read_header(file)
            if at and "XTENSION" not in stated:
                return  # what follows the last extension is none of FITS's
            at = file.tell()
            held = _check_sizes(stated)
            if held > max_bytes:
                raise _refused(f"states {held:,} bytes of data; {max_bytes:,} are read")
            if at + held > size:
                raise _refused(f"is cut short: it should have {at + held:,} bytes or more and has {size:,}")
            at += -(-held // _BLOCK) * _BLOCK
        raise _refused(f"has more than {_MAX_HEADERS:,} headers")
    finally:
        file.seek(0)


def _refused(what: str) -> SpectrumError:
    return SpectrumError(f"The FITS file {what}.", remedy=_REMEDY)


def _read_header(file: BinaryIO) -> dict[str, str]:
    """The cards that state sizes, up to END; the file stands behind the header then."""
    stated: dict[str, str] = {}
    for _ in range(_MAX_CARDS * _CARD // _BLOCK):
        block = file.read(_BLOCK).decode("latin-1")
        if len(block) < _BLOCK:
            raise _refused("is cut short within a header")
        for start in range(0, _BLOCK, _CARD):
            card = block[start : start + _CARD]
            key, sign, rest = card.partition("=")
            key = key.strip()
            if card[:8].rstrip() == "END":
                return stated
            if sign and len(key) <= 8 and _STATED.fullmatch(key):
                value = rest.partition("/")[0].strip().strip("'").strip()
                if stated.setdefault(key, value) != value:
                    raise _refused(f"is damaged: a header states {key} twice")
    raise _refused(f"has a header of more than {_MAX_CARDS:,} cards")


def _whole(stated: Mapping[str, str], key: str, otherwise: int | None = None) -> int:
    text = stated.get(key)
    if text is None and otherwise is not None:
        return otherwise
    if text is None or not _WHOLE.fullmatch(text):
        raise _refused(f"is damaged: a header gives no number as {key}")
    if int(text) < 0 and key != "BITPIX":
        raise _refused("is damaged: a header gives a negative size")
    return int(text)


def _check_sizes(stated: Mapping[str, str]) -> int:
    """Bytes of the data behind a header."""
    bits, axes = abs(_whole(stated, "BITPIX")), _whole(stated, "NAXIS")
    if bits not in (8, 16, 32, 64) or axes > _MAX_FIELDS:
        raise _refused("is damaged: a header gives no size that can be")
    shape = [_whole(stated, f"NAXIS{number}") for number in range(1, axes + 1)]
    if any(shape) and not all(shape[1:] if stated.get("GROUPS") == "T" else shape) and max(shape) > _BLOCK and "TFIELDS" not in stated:
        raise _refused("is damaged: a header gives rows without bytes")
    if stated.get("XTENSION") in ("BINTABLE", "TABLE", "A3DTABLE"):
        _check_table(stated, shape)
    values = math.prod(shape[1:] if stated.get("GROUPS") == "T" and shape[:1] == [0] else shape) if shape else 0
    return bits // 8 * _whole(stated, "GCOUNT", 1) * (_whole(stated, "PCOUNT", 0) + values)


def _check_table(stated: Mapping[str, str], shape: list[int]) -> None:
    fields = _whole(stated, "TFIELDS")
    if len(shape) != 2 or fields > _MAX_FIELDS:
        raise _refused(f"is damaged: a table has {fields:,} columns in {len(shape)} dimensions")
    width = 0
    for number in range(1, fields + 1) if stated["XTENSION"] != "TABLE" else ():
        found = _TFORM.match(stated.get(f"TFORM{number}", ""))
        if not found or found[2] not in (*_WIDTHS, "X"):
            raise _refused(f"is damaged: the column {number} of a table has no format")
        repeat = int(found[1] or 1)
        width += -(-repeat // 8) if found[2] == "X" else repeat * _WIDTHS[found[2]] if found[2] not in "PQ" else min(repeat, 1) * _WIDTHS[found[2]]
    if width > shape[0] or (shape[1] and not shape[0]):
        raise _refused(f"is damaged: a row of a table has {shape[0]:,} bytes, and its columns {width:,}")
