"""What a visitor gives to a page: identifiers typed or listed in a file, or an archive of spectra. All of it is hostile.

Nothing of it is written to disk, no text of it names a file of this machine, and an archive is unpacked member by
member, in memory, up to fixed sizes.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from stellar_core.batch.input_lists import read_list
from stellar_core.batch.input_lists.star_columns import tidy
from stellar_core.errors import IdentifierError, ParameterError, SpectrumError, StellarError
from stellar_core.sdss.identifiers import StarId, parse
from stellar_core.sdss.readers import MAX_BYTES, read_spectrum
from stellar_core.spectrum import Spectrum

if TYPE_CHECKING:
    from stellar_core.batch.chunks import InputSpectrum
    from stellar_core.batch.identifier_chunk import IdentifierChunk

#: Rows that a page answers, and members that an archive may list, its folders and notes among them.
MAX_ROWS, MAX_MEMBERS = 500, 10_000
#: Bytes that all members of an archive may unpack to; the two thousand pages of text that a list may have.
MAX_UNPACKED, MAX_TEXT = 300_000_000, 5_000_000
#: Letters of an input that are shown.
SHOWN = 120
ZIP = b"PK\x03\x04"
_MEMBER = b"PK\x01\x02"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
)
#: Ways of packing whose unpacker can be told to stop: bzip2 and LZMA give all that a piece holds, be it gigabytes.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class TypedInputs:
    """Identifiers, as `stellar_core.batch.inputs.Inputs`.

    Attributes
    ----------
    texts : tuple of str
    """

    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def chunk(self, rows: range) -> IdentifierChunk:
        from stellar_core.batch.identifier_chunk import IdentifierChunk

        return IdentifierChunk(self.texts[rows.start : rows.stop], visitor=True)


@dataclass(frozen=True)
class ArchiveInputs:
    """The spectra of a zip archive, as `stellar_core.batch.inputs.Inputs`.

    Attributes
    ----------
    data : bytes
        The archive.
    members : tuple of zipfile.ZipInfo
        Those that are rows.
    """

    data: bytes = field(repr=False)
    members: tuple[zipfile.ZipInfo, ...]

    def __len__(self) -> int:
        return len(self.members)

    def chunk(self, rows: range) -> ArchiveChunk:
        before = sum(member.file_size for member in self.members[: rows.start])
        return ArchiveChunk(self.data, self.members[rows.start : rows.stop], before)


@dataclass(frozen=True)
class ArchiveChunk:
    """Some members of an archive; ``before`` is what those before them unpack to, in bytes."""

    data: bytes = field(repr=False)
    members: tuple[zipfile.ZipInfo, ...]
    before: int

    def read(self) -> Iterator[InputSpectrum]:
        from stellar_core.batch.chunks import InputSpectrum

        unpacked = self.before
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            for member in self.members:
                unpacked += member.file_size
                yield InputSpectrum(_shown(member.filename), _read_member(archive, member, unpacked))


def pasted(text: str) -> TypedInputs:
    """Identifiers of a text: one a line, or several in a line where each stands for itself.

    Raises
    ------
    ParameterError
        If there is none, or more than `MAX_ROWS`.
    """
    if len(text) > MAX_TEXT:
        raise ParameterError(f"The text has {len(text):,} letters; {MAX_TEXT:,} are read.", value=len(text))
    lines = (tidy(line) for line in text.splitlines())
    return _typed(one for line in lines if line and not line.startswith("#") for one in _in_line(line))


def uploaded(name: str, data: bytes) -> TypedInputs | ArchiveInputs:
    """What is in an uploaded file: a zip archive of spectra, or a list of `stellar_core.batch.input_lists`.

    Raises
    ------
    ParameterError
        In one sentence, if it is neither, is damaged or holds too much.
    """
    if not data:
        raise ParameterError(f"The file {_shown(name)} is empty.", value=name)
    if data.startswith((ZIP, b"PK\x05\x06")):
        return _opened(name, data)
    if len(data) > MAX_TEXT:
        raise ParameterError(
            f"{_shown(name)} has {len(data) / 1e6:.0f} MB, too much for a list of identifiers.", value=name
        )
    listed: list[str] = []
    try:
        for text in read_list(io.BytesIO(data), _shown(name)):
            listed += _in_line(text)
            if len(listed) > 2 * MAX_ROWS:
                break
    except ParameterError as error:
        if data.startswith(b"SIMPLE"):
            raise ParameterError(
                f"{_shown(name)} is no table of stars.",
                value=name,
                remedy="A single spectrum is opened on the star page; several go into a zip archive.",
            ) from error
        raise
    return _typed(iter(listed))


def _typed(texts: Iterator[str]) -> TypedInputs:
    found = tuple(tidy(text) for text in islice(texts, MAX_ROWS + 1))
    if not found:
        raise ParameterError(
            "There is no identifier among what was given.",
            remedy="Give one a line, or a table with specObjID, or plate, MJD and fiberID.",
        )
    if len(found) > MAX_ROWS:
        raise _too_many(f"more than {MAX_ROWS} identifiers", "--list ids.csv")
    return TypedInputs(found)


def _too_many(what: str, given: str) -> ParameterError:
    return ParameterError(
        f"There are {what}; this page answers {MAX_ROWS} rows.",
        remedy=f"On the command line there is no limit: python -m stellar_core batch {given} --out answers.parquet",
    )


def _in_line(line: str) -> list[str]:
    """The identifiers of a line: several where each word names a star in full, else the line as a whole."""
    words = line.replace(",", " ").replace(";", " ").split()[: 2 * MAX_ROWS]
    return words if len(words) > 1 and all(map(_names_star, words)) else [line]


def _names_star(word: str) -> bool:
    try:
        return isinstance(parse(word), StarId)
    except IdentifierError:
        return False


def _opened(name: str, data: bytes) -> ArchiveInputs:
    # Every entry of the list of contents bears this mark: counted before the list is read, however long it is.
    if data.count(_MEMBER) > MAX_MEMBERS:
        raise _too_many(f"more than {MAX_MEMBERS:,} files in {_shown(name)}", "spectra/")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = tuple(
                member for member in archive.infolist() if not member.is_dir() and not _is_note(member.filename)
            )
    except _DAMAGE:
        raise ParameterError(
            f"The archive {_shown(name)} is damaged or cut short.", value=name, remedy="Make it again."
        ) from None
    if not members:
        raise ParameterError(f"The archive {_shown(name)} is empty.", value=name)
    if len(members) > MAX_ROWS:
        raise _too_many(f"{len(members):,} files in {_shown(name)}", "spectra/")
    return ArchiveInputs(data, members)


def _is_note(name: str) -> bool:
    """Whether a member is what a Mac puts into every archive."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name == ".DS_Store"


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, unpacked: int) -> Spectrum | StellarError:
    name = member.filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        return SpectrumError("Its name leads out of the archive; it was not read.", value=name)
    if member.flag_bits & 1:
        return SpectrumError("It is locked with a password.", value=name, remedy="Pack it without one.")
    if member.compress_type not in _PACKINGS:
        return SpectrumError(
            "It is damaged, or packed in a way that is not read.", value=name, remedy="Pack it by deflate, as zip does."
        )
    if member.file_size > MAX_BYTES:
        return SpectrumError(
            f"It unpacks to {member.file_size / 1e6:.0f} MB; a spectrum takes {MAX_BYTES // 1_000_000} at most.",
            value=name,
        )
    if unpacked > MAX_UNPACKED:
        return SpectrumError(
            f"The archive unpacks to more than {MAX_UNPACKED // 1_000_000} MB; what comes after that was not read.",
            value=name,
        )
    try:
        with archive.open(member) as file:
            data = file.read(member.file_size + 1)
    except _DAMAGE:
        return SpectrumError(
            "It is damaged, or packed in a way that cannot be read.", value=name, remedy="Pack it again."
        )
    try:
        return read_spectrum(data, PurePosixPath(_shown(name)).name)
    except StellarError as error:
        return error


def _shown(text: str) -> str:
    """The beginning of a text, without what cannot be printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:SHOWN])
