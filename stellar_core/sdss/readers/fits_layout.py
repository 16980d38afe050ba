"""Positions of the header and data units (HDUs) of a FITS file, computed from the headers alone.

Sizes follow from BITPIX, NAXISn, PCOUNT and GCOUNT (FITS Standard 4.0, sections 4.4.1, 6 and 7) in integers of any
size. No data are read and nothing is allocated, so that a header with false sizes is detected before memory is
reserved for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stellar_core.errors import SpectrumError

BLOCK, CARD = 2880, 80
#: Largest number of HDUs and of header cards read up to the spectrum: several times those of the longest SDSS file.
MAX_HDUS, MAX_CARDS = 500, 15_000
#: Columns that a table may have (FITS Standard 4.0, section 7.2.1).
MAX_FIELDS = 999
#: Largest size that a header may state, bytes.
MAX_SIZE = 10**15

_END = re.compile(rb"END(?![A-Z0-9_-])")
_STARTS = frozenset((b"BITPI", b"NAXIS", b"PCOUN", b"GCOUN", b"GROUP", b"TFIEL", b"ZIMAG"))
_STRUCTURE = re.compile(rb"(BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT|GROUPS|TFIELDS|ZIMAGE) *= *([^ /]*) *(?:/.*)?", re.DOTALL)
_WHOLE = re.compile(rb"[+-]?\d{1,18}")
_XTENSION = re.compile(rb"XTENSION= *'(\w{1,20}) *'")
_KINDS = {b"IMAGE": "image", b"IUEIMAGE": "image", b"BINTABLE": "table", b"A3DTABLE": "table", b"TABLE": "ascii table"}


@dataclass(frozen=True)
class Hdu:
    """One header and data unit.

    Attributes
    ----------
    kind : {"image", "table", "ascii table", "compressed image", "other"}
    start, data, end : int
        Bytes at which the header and the data begin, and at which the data end; the file may be shorter.
    keywords : mapping of str to int
        BITPIX, NAXIS, NAXISn, PCOUNT, GCOUNT and TFIELDS, as far as the header has them.
    """

    kind: str
    start: int
    data: int
    end: int
    keywords: Mapping[str, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes, the slowest first, as in numpy."""
        return tuple(self.keywords[f"NAXIS{axis}"] for axis in range(self.keywords["NAXIS"], 0, -1))

    @property
    def following(self) -> int:
        """Byte at which the next HDU begins."""
        return _whole_blocks(self.end)

    def agrees(self, header: Mapping[str, object]) -> bool:
        """Return whether another parser found the same structure in the header."""
        return all(header.get(key) == value for key, value in self.keywords.items()) and all(
            key in self.keywords or key not in header for key in ("PCOUNT", "GCOUNT", "TFIELDS")
        )


def hdus(data: bytes) -> Iterator[Hdu]:
    """Iterate over the HDUs of a FITS file.

    Parameters
    ----------
    data : bytes
        The file; bytes after its last HDU that are not an extension are ignored.

    Raises
    ------
    SpectrumError
        If a header has no end, lacks a size, or states a negative or impossible one; if there are more than
        `MAX_HDUS` HDUs or `MAX_CARDS` cards.
    """
    start, cards = 0, 0
    for number in range(MAX_HDUS + 1):
        if number and data[start : start + 8] != b"XTENSION":
            return
        if number == MAX_HDUS:
            raise SpectrumError(f"The FITS file has more than {MAX_HDUS} extensions; a spectrum has a few.")
        end = _end_card(data, start, start + CARD * (MAX_CARDS - cards))
        cards += (end - start) // CARD
        yield (hdu := _hdu(data, start, end))
        start = hdu.following


def damaged_file(why: str = "") -> SpectrumError:
    """Return the error for a file that is not valid FITS."""
    reason = f"is damaged: {why}." if why else "is damaged or cut short and cannot be read."
    return SpectrumError(f"The FITS file {reason}", remedy="Download it again.")


def _end_card(data: bytes, start: int, limit: int) -> int:
    """Return the position of the END card of the header at ``start``."""
    for found in _END.finditer(data, start, min(limit, len(data))):
        if (found.start() - start) % CARD == 0:
            return found.start()
    if limit < len(data):
        raise damaged_file(f"its headers have no end within {MAX_CARDS} lines")
    raise damaged_file()


def _whole_blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _hdu(data: bytes, start: int, end: int) -> Hdu:
    """Return the HDU whose header lies between ``start`` and its END card."""
    keywords: dict[str, int] = {}
    flags = set()
    for card in range(start, end, CARD):
        if data[card : card + 5] in _STARTS and (found := _STRUCTURE.fullmatch(data, card, card + CARD)):
            key, value = found[1].decode("ascii"), found[2]
            if key in ("GROUPS", "ZIMAGE"):
                flags |= {key} if value == b"T" else set()
            elif _WHOLE.fullmatch(value) is None or keywords.setdefault(key, int(value)) != int(value):
                raise damaged_file(f"{key} is not a number, or is given twice")
    kind = _kind(data, start, flags)
    return Hdu(kind, start, begin := _whole_blocks(end + CARD), begin + _size(keywords, "GROUPS" in flags), keywords)


def _kind(data: bytes, start: int, flags: set[str]) -> str:
    if start == 0:
        if re.fullmatch(rb"SIMPLE *= *T *(?:/.*)?", data[:CARD], re.DOTALL) is None:
            raise damaged_file("its first line does not declare standard FITS")
        return "other" if "GROUPS" in flags else "image"
    found = _XTENSION.match(data, start, start + CARD)
    kind = _KINDS.get(found[1], "other") if found else "other"
    return "compressed image" if kind == "table" and "ZIMAGE" in flags else kind


def _size(keywords: Mapping[str, int], groups: bool) -> int:
    """Return the bytes of data without padding (FITS Standard 4.0, equations 1, 2 and 4)."""
    axes = keywords.get("NAXIS", -1)
    lengths = [keywords.get(f"NAXIS{axis}", -1) for axis in range(1, axes + 1)] if axes <= 999 else [-1]
    extra, count = keywords.get("PCOUNT", 0), keywords.get("GCOUNT", 1)
    if min([axes, extra, count, *lengths]) < 0:
        raise damaged_file("a header lacks a size or gives a negative size")
    if keywords.get("BITPIX") not in (8, 16, 32, 64, -32, -64) or keywords.get("TFIELDS", 0) not in range(
        MAX_FIELDS + 1
    ):
        raise damaged_file("a header gives an impossible BITPIX or TFIELDS")
    if groups and lengths and lengths[0] == 0:
        lengths = lengths[1:]
    elements = 0 if 0 in lengths or not axes else 1
    for length in lengths:
        elements *= length
        if elements > MAX_SIZE:
            raise damaged_file("a header gives an impossible size")
    size = abs(keywords["BITPIX"]) // 8 * count * (extra + elements) if axes else 0
    if size > MAX_SIZE:
        raise damaged_file("a header gives an impossible size")
    return size
