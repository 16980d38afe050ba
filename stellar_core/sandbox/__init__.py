"""The one door for what visitors send: it is read in a process that can open nothing, and only values come back.

The functions give what the readers of the same names give, and raise the same errors; three sentences more tell of a
file that took too long, took too much memory, or broke the process.

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
#: Members of an archive that may break or stall the process before the others are left unread.
MOST_LOST = 5
_LOST = {
    "time": f"It took longer than {SECONDS:g} s to read and was given up.",
    "memory": "It takes more memory to read than a file may and was given up.",
    "end": "It cannot be read: the program that reads files broke down on it.",
    "start": "The program that reads files does not start on this machine.",
}
_KINDS = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, StellarError)
}


@lru_cache(maxsize=1)
def parsers() -> Pool:
    """The parsers of this process."""
    from stellar_core.sandbox.pool import Pool

    return Pool()


def warm() -> None:
    """Have the parsers started in the background, so that the first file need not wait for them."""
    parsers().warm()


def read_spectrum(
    data: bytes,
    name: str = "",
    *,
    wavelength_unit: str | None = None,
    medium: str | None = None,
    columns: Mapping[str, str | int] | None = None,
) -> Spectrum:
    """A spectrum from an uploaded file; see `stellar_core.sdss.readers.read_spectrum`.

    Raises
    ------
    SpectrumError
        In one sentence, whatever is wrong with the file.
    ParameterError
        If too many others are reading.
    """
    from stellar_core.sdss.readers import MAX_BYTES

    options = {
        "name": name,
        "wavelength_unit": wavelength_unit,
        "medium": medium,
        "columns": dict(columns or {}) or None,
    }
    # A file too large is refused by its first bytes too many; the rest need not travel.
    return _spectrum(*_ask("spectrum", data[: MAX_BYTES + 1], options, SpectrumError))


def read_inputs(name: str, data: bytes) -> TypedInputs | Archive:
    """What an uploaded file asks about; see `stellar_core.batch.uploads.inputs_from_file`.

    Raises
    ------
    ParameterError
        In one sentence, if it is no list and no archive of spectra, or holds too much.
    """
    key = hashlib.sha256(data).hexdigest()
    words, arrays = _ask("inputs", data, {"name": name}, ParameterError)
    members = words.get("members")
    if members is None:
        return _typed(arrays)
    if type(members) is not int or not 0 < members <= _most_rows():
        raise ParameterError(_LOST["end"])
    return Archive(name, data, members, key)


def read_pasted(text: str) -> TypedInputs:
    """The identifiers in a text; see `stellar_core.batch.uploads.inputs_from_text`.

    Raises
    ------
    ParameterError
        If there is none, or there are too many.
    """
    return _typed(_ask("pasted", text.encode("utf-8", "replace"), {}, ParameterError)[1])


def read_star_table(data: bytes) -> pd.DataFrame:
    """A table of labelled stars; see `stellar_core.datasets.labelled_table.read_star_table`.

    Raises
    ------
    ParameterError
        In one sentence, whatever is wrong with it.
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
    """The spectra of a zip archive, as `stellar_core.batch.inputs.Inputs`; each member is read by itself.

    Attributes
    ----------
    name : str
    data : bytes
        The archive.
    members : int
    key : str
        Digest of the archive.
    lost : list of int
        Rows on which the process broke or stalled.
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
    """What a member is called, and its spectrum or why there is none."""
    if len(archive.lost) >= MOST_LOST and row not in archive.lost:
        return f"member {row + 1}", SpectrumError(
            f"It was not read, since {MOST_LOST} members of the archive were given up."
        )
    try:
        words, arrays = _exchange("member", archive.data, {"name": archive.name, "row": row}, archive.key)
    except _Given as error:
        archive.lost.append(row)
        return f"member {row + 1}", SpectrumError(_LOST[error.why])
    except StellarError as error:
        return f"member {row + 1}", error
    text = words.get("text")
    text = text[:200] if isinstance(text, str) else f"member {row + 1}"
    try:
        return text, _error(words) or _spectrum(words, arrays)
    except StellarError as error:
        return text, error


class _Given(Exception):
    """A file that was given up, and why."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def _ask(
    read: str, data: bytes, options: Mapping[str, object], kind: type[StellarError]
) -> tuple[dict, dict[str, np.ndarray]]:
    """The reply to one question; an error in the place of every other."""
    try:
        words, arrays = _exchange(read, data, options)
    except _Given as error:
        raise kind(_LOST[error.why]) from None
    if (found := _error(words)) is not None:
        raise found
    return words, arrays


def _exchange(
    read: str, data: bytes, options: Mapping[str, object], held: str = ""
) -> tuple[dict, dict[str, np.ndarray]]:
    from stellar_core.sandbox import frames
    from stellar_core.sandbox.pool import Lost

    try:
        words, body = parsers().ask({"read": read, "options": options, "seconds": SECONDS}, data, SECONDS, held)
        if "lost" in words:
            raise _Given("memory")
        return words, frames.unpack(words.get("arrays"), body)
    except Lost as error:
        raise _Given(str(error)) from None
    except frames.FrameError:
        raise _Given("end") from None


def _error(words: Mapping[str, object]) -> StellarError | None:
    """The error that a parser tells of."""
    if "error" not in words:
        return None
    kind, sentence = words["error"], words.get("sentence")
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


def _spectrum(words: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> Spectrum:
    """The spectrum of a reply; whatever does not fit is refused."""
    from stellar_core.photometry import Photometry
    from stellar_core.sandbox.frames import FrameError, plain_value
    from stellar_core.spectrum import Spectrum

    try:
        told = {name: plain_value(value) for name, value in words["spectrum"].items() if name not in ("meta", "notes")}
        photometry = told.pop("photometry", None)
        if photometry is not None:
            photometry = Photometry(
                *(arrays[name] for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag")), source=photometry
            )
        if told["source"] not in ("upload", "mock"):
            raise FrameError("no source")
        return Spectrum(
            arrays["wavelength"],
            arrays["flux"],
            arrays["ivar"],
            photometry=photometry,
            model=arrays.get("model"),
            meta={str(key)[:40]: plain_value(value) for key, value in words["spectrum"]["meta"].items()},
            notes=tuple(str(plain_value(note, 2000)) for note in words["spectrum"]["notes"][:100]),
            **told,
        )
    except (FrameError, LookupError, TypeError, AttributeError, ParameterError):
        raise SpectrumError(_LOST["end"]) from None
