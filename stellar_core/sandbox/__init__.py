"""Parse uploaded files in a confined process, which can open nothing and returns only numbers and text.

The functions return what the readers below return, and raise the same errors. They also raise where a file takes too
long or too much memory, or crashes the process.

    reader in this process                               here
    `stellar_core.sdss.readers.read_spectrum`            `read_spectrum`
    `stellar_core.batch.uploads.inputs_from_file`, ``inputs_from_text``    `read_inputs`, `read_pasted`
    `stellar_core.datasets.labelled_table.read_star_table`       `read_star_table`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from stellar_core import errors
from stellar_core.errors import ParameterError, SpectrumError, StellarError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from stellar_core.batch.chunks import InputSpectrum
    from stellar_core.batch.uploads import TypedInputs
    from stellar_core.sandbox.pool import Pool
    from stellar_core.spectrum import Spectrum

#: Longest time for one file, s.
SECONDS = 8.0
#: Number of members of an archive that may crash or stall the process before the others are skipped.
MOST_LOST = 5
_LOST = {
    "time": f"Reading it took longer than {SECONDS:g} s and was stopped.",
    "memory": "Reading it took more memory than allowed and was stopped.",
    "end": "It cannot be read: the program that reads files crashed on it.",
    "start": "The program that reads files could not be started on this machine.",
}
_KINDS = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, StellarError)
}


@lru_cache(maxsize=1)
def parsers() -> Pool:
    """Return the parsers of this process."""
    from stellar_core.sandbox.pool import Pool

    return Pool()


def warm() -> None:
    """Start the parsers in the background, so that the first file need not wait for them."""
    parsers().warm()


def read_spectrum(
    data: bytes,
    name: str = "",
    *,
    wavelength_unit: str | None = None,
    medium: str | None = None,
    columns: Mapping[str, str | int] | None = None,
) -> Spectrum:
    """Read a spectrum from an uploaded file; see `stellar_core.sdss.readers.read_spectrum`.

    Raises
    ------
    SpectrumError
        If the file cannot be read.
    ParameterError
        If too many files are being read.
    """
    from stellar_core.sdss.readers import MAX_BYTES

    options = {
        "name": name,
        "wavelength_unit": wavelength_unit,
        "medium": medium,
        "columns": dict(columns or {}) or None,
    }
    # The first byte too many is enough to refuse the file.
    return _spectrum(*_ask("spectrum", data[: MAX_BYTES + 1], options, SpectrumError))


def read_inputs(name: str, data: bytes) -> TypedInputs | Archive:
    """Read an uploaded list of stars or archive of spectra; see `stellar_core.batch.uploads.inputs_from_file`.

    Raises
    ------
    ParameterError
        If it is neither, or too large.
    """
    key = hashlib.sha256(data).hexdigest()
    values, arrays = _ask("inputs", data, {"name": name}, ParameterError)
    members = values.get("members")
    if members is None:
        return _typed(arrays)
    if type(members) is not int or not 0 < members <= _most_rows():
        raise ParameterError(_LOST["end"])
    return Archive(name, data, members, key)


def read_pasted(text: str) -> TypedInputs:
    """Read the identifiers in a text; see `stellar_core.batch.uploads.inputs_from_text`.

    Raises
    ------
    ParameterError
        If there is none, or there are too many.
    """
    return _typed(_ask("pasted", text.encode("utf-8", "replace"), {}, ParameterError)[1])


def read_star_table(data: bytes) -> pd.DataFrame:
    """Read a table of labelled stars; see `stellar_core.datasets.labelled_table.read_star_table`.

    Raises
    ------
    ParameterError
        If it cannot be read.
    """
    import pandas as pd

    from stellar_core.datasets.labelled_table import STAR_COUNT
    from stellar_core.sandbox import frames

    _, arrays = _ask("stars", data, {}, ParameterError)
    try:
        stars = frames.unpack_texts(arrays, STAR_COUNT[1])
        columns = {
            name.removeprefix("column "): array.copy() for name, array in arrays.items() if name.startswith("column ")
        }
        return pd.DataFrame({"star": stars, **columns})
    except ValueError:
        raise ParameterError(_LOST["end"]) from None


@dataclass(frozen=True)
class Archive:
    """The spectra of a zip archive, as `stellar_core.batch.inputs.Inputs`; each member is parsed separately.

    Attributes
    ----------
    name : str
    data : bytes
        Content of the archive.
    members : int
    key : str
        SHA-256 of the archive.
    lost : list of int
        Rows at which the process crashed or stalled.
    """

    name: str
    data: bytes = field(repr=False)
    members: int
    key: str
    lost: list[int] = field(default_factory=list, compare=False)

    def __len__(self) -> int:
        return self.members

    def chunk(self, rows: range) -> ArchiveChunk:
        return ArchiveChunk(self, rows)

    def spectrum(self, row: int) -> Spectrum:
        """Return the spectrum of one member; raises its `StellarError`."""
        _, found = _member(self, row)
        if isinstance(found, StellarError):
            raise found
        return found


@dataclass(frozen=True)
class ArchiveChunk:
    """Some members of an archive."""

    archive: Archive
    rows: range

    def read(self) -> Iterator[InputSpectrum]:
        from stellar_core.batch.chunks import InputSpectrum

        for row in self.rows:
            yield InputSpectrum(*_member(self.archive, row))


def _member(archive: Archive, row: int) -> tuple[str, Spectrum | StellarError]:
    """Return the name of a member, and its spectrum or the error."""
    if len(archive.lost) >= MOST_LOST and row not in archive.lost:
        return f"member {row + 1}", SpectrumError(
            f"It was skipped, because reading {MOST_LOST} members of the archive crashed or was stopped."
        )
    try:
        values, arrays = _exchange("member", archive.data, {"name": archive.name, "row": row}, archive.key)
    except _Failure as error:
        archive.lost.append(row)
        return f"member {row + 1}", SpectrumError(_LOST[error.why])
    except StellarError as error:
        return f"member {row + 1}", error
    text = values.get("text")
    text = text[:200] if isinstance(text, str) else f"member {row + 1}"
    try:
        return text, _error(values) or _spectrum(values, arrays)
    except StellarError as error:
        return text, error


class _Failure(Exception):
    """Parsing that failed without an error of the reader, with the reason as a key of `_LOST`."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def _ask(
    read: str, data: bytes, options: Mapping[str, object], kind: type[StellarError]
) -> tuple[dict, dict[str, np.ndarray]]:
    """Return the reply of a parser, or raise its error; other failures are raised as ``kind``."""
    try:
        values, arrays = _exchange(read, data, options)
    except _Failure as error:
        raise kind(_LOST[error.why]) from None
    if (found := _error(values)) is not None:
        raise found
    return values, arrays


def _exchange(
    read: str, data: bytes, options: Mapping[str, object], held: str = ""
) -> tuple[dict, dict[str, np.ndarray]]:
    from stellar_core.sandbox import frames
    from stellar_core.sandbox.pool import ParserFailure

    try:
        values, body = parsers().ask({"read": read, "options": options, "seconds": SECONDS}, data, SECONDS, held)
        if "lost" in values:
            raise _Failure("memory")
        return values, frames.unpack(values.get("arrays"), body)
    except ParserFailure as error:
        raise _Failure(str(error)) from None
    except frames.FrameError:
        raise _Failure("end") from None


def _error(values: Mapping[str, object]) -> StellarError | None:
    """Return the error in a reply, if there is one."""
    if "error" not in values:
        return None
    kind, sentence = values["error"], values.get("sentence")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(sentence, str):
        return SpectrumError(_LOST["end"])
    return _KINDS[kind](sentence[:2000])


def _typed(arrays: Mapping[str, np.ndarray]) -> TypedInputs:
    from stellar_core.batch.uploads import TypedInputs
    from stellar_core.sandbox import frames

    try:
        return TypedInputs(tuple(frames.unpack_texts(arrays, _most_rows())))
    except frames.FrameError:
        raise ParameterError(_LOST["end"]) from None


def _most_rows() -> int:
    from stellar_core.batch.uploads import MAX_ROWS

    return MAX_ROWS


def _spectrum(values: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> Spectrum:
    """Build the spectrum of a reply; `SpectrumError` where the values are not those of a spectrum."""
    from stellar_core.photometry import Photometry
    from stellar_core.sandbox.frames import FrameError, plain_value
    from stellar_core.spectrum import Spectrum

    try:
        found = values["spectrum"].items()
        fields = {name: plain_value(value) for name, value in found if name not in ("meta", "notes")}
        photometry = fields.pop("photometry", None)
        if photometry is not None:
            photometry = Photometry(
                *(arrays[name] for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag")), source=photometry
            )
        if fields["source"] not in ("upload", "mock"):
            raise FrameError("unknown source")
        return Spectrum(
            arrays["wavelength"],
            arrays["flux"],
            arrays["ivar"],
            photometry=photometry,
            model=arrays.get("model"),
            meta={str(key)[:40]: plain_value(value) for key, value in values["spectrum"]["meta"].items()},
            notes=tuple(str(plain_value(note, 2000)) for note in values["spectrum"]["notes"][:100]),
            **fields,
        )
    except (FrameError, LookupError, TypeError, AttributeError, ParameterError):
        raise SpectrumError(_LOST["end"]) from None
