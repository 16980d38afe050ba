"""Inputs that a visitor gives to a page: identifiers, typed or in a file, or a zip archive of spectra.

All of it may be hostile. Nothing is written to disk, no text is taken for a file of this machine, and an archive is
unpacked in memory, member by member, up to fixed sizes.
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

#: Rows that a page processes, and entries that an archive may list, folders included.
MAX_ROWS, MAX_MEMBERS = 500, 10_000
#: Bytes that all members of an archive may unpack to; bytes or characters of a list.
MAX_UNPACKED, MAX_TEXT = 300_000_000, 5_000_000
#: Characters of an input that are shown.
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
#: Compression methods whose output can be limited; bzip2 and LZMA return all that a piece holds, even gigabytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class TypedInputs:
    """Identifiers that were typed or listed, as `stellar_core.batch.inputs.Inputs`.

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
        Its files, one for each row.
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
    """Some members of an archive; ``before`` is the unpacked size of those before them, in bytes."""

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


def inputs_from_text(text: str) -> TypedInputs:
    """Read identifiers from a text: one a line, or several if each of them is complete.

    Raises
    ------
    ParameterError
        If there is no identifier, or there are more than `MAX_ROWS`.
    """
    if len(text) > MAX_TEXT:
        raise ParameterError(f"The text has {len(text):,} characters; the limit is {MAX_TEXT:,}.", value=len(text))
    lines = (tidy(line) for line in text.splitlines())
    return _typed(one for line in lines if line and not line.startswith("#") for one in _in_line(line))


def inputs_from_file(name: str, data: bytes) -> TypedInputs | ArchiveInputs:
    """Open an uploaded file: a zip archive of spectra, or a list of `stellar_core.batch.input_lists`.

    Raises
    ------
    ParameterError
        If it is neither, is damaged or is too large.
    """
    if not data:
        raise ParameterError(f"The file {_shown(name)} is empty.", value=name)
    if data.startswith((ZIP, b"PK\x05\x06")):
        return _open_archive(name, data)
    if len(data) > MAX_TEXT:
        raise ParameterError(
            f"{_shown(name)} has {len(data) / 1e6:.0f} MB, too many for a list of identifiers.", value=name
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
                f"{_shown(name)} is not a table of stars.",
                value=name,
                remedy="Open a single spectrum on the star page; put several into a zip archive.",
            ) from error
        raise
    return _typed(iter(listed))


def _typed(texts: Iterator[str]) -> TypedInputs:
    found = tuple(tidy(text) for text in islice(texts, MAX_ROWS + 1))
    if not found:
        raise ParameterError(
            "The input holds no identifier.",
            remedy="Give one on each line, or a table with specObjID, or plate, MJD and fiberID.",
        )
    if len(found) > MAX_ROWS:
        raise _too_many(f"more than {MAX_ROWS} identifiers", "--list ids.csv")
    return TypedInputs(found)


def _too_many(found: str, given: str) -> ParameterError:
    return ParameterError(
        f"There are {found}; the limit of this page is {MAX_ROWS} rows.",
        remedy=f"The command line has no limit: python -m stellar_core batch {given} --out results.parquet",
    )


def _in_line(line: str) -> list[str]:
    """Return the words of a line if each identifies a star in full, else the line as a whole."""
    words = line.replace(",", " ").replace(";", " ").split()[: 2 * MAX_ROWS]
    return words if len(words) > 1 and all(map(_is_identifier, words)) else [line]


def _is_identifier(word: str) -> bool:
    try:
        return isinstance(parse(word), StarId)
    except IdentifierError:
        return False


def _open_archive(name: str, data: bytes) -> ArchiveInputs:
    # Each entry of the directory begins with this signature: they are counted before the directory is read.
    if data.count(_MEMBER) > MAX_MEMBERS:
        raise _too_many(f"more than {MAX_MEMBERS:,} files in {_shown(name)}", "spectra/")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = tuple(
                member for member in archive.infolist() if not member.is_dir() and not _is_mac_metadata(member.filename)
            )
    except _DAMAGE:
        raise ParameterError(
            f"The archive {_shown(name)} is damaged or truncated.", value=name, remedy="Make it again."
        ) from None
    if not members:
        raise ParameterError(f"The archive {_shown(name)} is empty.", value=name)
    if len(members) > MAX_ROWS:
        raise _too_many(f"{len(members):,} files in {_shown(name)}", "spectra/")
    return ArchiveInputs(data, members)


def _is_mac_metadata(name: str) -> bool:
    """Return whether a member is one that macOS adds to every archive."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name == ".DS_Store"


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, unpacked: int) -> Spectrum | StellarError:
    name = member.filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        return SpectrumError("Its path leads out of the archive; it was not read.", value=name)
    if member.flag_bits & 1:
        return SpectrumError("It is encrypted with a password.", value=name, remedy="Pack it without one.")
    if member.compress_type not in _METHODS:
        return SpectrumError(
            "It is damaged, or its compression method is not supported.", value=name, remedy="Use deflate, as zip does."
        )
    if member.file_size > MAX_BYTES:
        return SpectrumError(
            f"It unpacks to {member.file_size / 1e6:.0f} MB; the limit for a spectrum is {MAX_BYTES // 1_000_000} MB.",
            value=name,
        )
    if unpacked > MAX_UNPACKED:
        return SpectrumError(
            f"The archive unpacks to more than {MAX_UNPACKED // 1_000_000} MB; the rest was not read.", value=name
        )
    try:
        with archive.open(member) as file:
            data = file.read(member.file_size + 1)
    except _DAMAGE:
        return SpectrumError(
            "It is damaged, or its compression method is not supported.", value=name, remedy="Pack it again."
        )
    try:
        return read_spectrum(data, PurePosixPath(_shown(name)).name)
    except StellarError as error:
        return error


def _shown(text: str) -> str:
    """Return the beginning of a text, unprintable characters replaced."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:SHOWN])
