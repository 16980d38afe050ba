"""The process that reads what visitors sent: ``python -m stellar_core.sandbox.parser``, for `stellar_core.sandbox.pool`.

It imports all that it may need and reads a few files of its own making, closes the door on itself, and then answers one
frame after another until there are no more. An error that is none of `stellar_core.errors` ends it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.batch import uploads
from stellar_core.datasets.labelled_table import read_star_table
from stellar_core.errors import StellarError
from stellar_core.sandbox import frames, limits
from stellar_core.sdss.readers import read_spectrum

if TYPE_CHECKING:
    from stellar_core.spectrum import Spectrum

#: Memory for a file beside what the libraries take, and growth after which another process takes over, bytes.
MEMORY, GROWTH = 600_000_000, 250_000_000
#: Processor time of all the files that it reads, s.
LIFE = 10_000.0

#: Plain values, and arrays by name.
Reply = tuple[dict[str, object], dict[str, np.ndarray]]


def spectrum_reply(spectrum: Spectrum) -> Reply:
    """A spectrum as plain values and arrays."""
    arrays = {"wavelength": spectrum.wavelength, "flux": spectrum.flux, "ivar": spectrum.ivar}
    if spectrum.model is not None:
        arrays["model"] = np.asarray(spectrum.model, dtype=float)
    words = {name: getattr(spectrum, name) for name in ("redshift", "name", "source", "has_errors")}
    words |= {"meta": dict(spectrum.meta), "notes": list(spectrum.notes)}
    if (photometry := spectrum.photometry) is not None:
        words["photometry"] = photometry.source
        arrays |= {name: getattr(photometry, name) for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag")}
    return {"spectrum": words}, arrays


def error_reply(error: StellarError) -> Reply:
    """An error as its class, or the nearest that every reader knows, and its sentence."""
    kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == StellarError.__module__)
    return {"error": kind, "sentence": str(error)[:2000]}, {}


@dataclass
class Reader:
    """What can be asked of a parser, each by the name of a method; ``archive`` is the one whose members were asked for last."""

    archive: uploads.ArchiveInputs | None = field(default=None)

    def spectrum(self, data: bytes, options: dict) -> Reply:
        return spectrum_reply(read_spectrum(data, **options))

    def pasted(self, data: bytes, options: dict) -> Reply:
        return {}, frames.pack_texts(uploads.inputs_from_text(data.decode("utf-8", "replace")).texts)

    def inputs(self, data: bytes, options: dict) -> Reply:
        found = uploads.inputs_from_file(options["name"], data)
        if isinstance(found, uploads.TypedInputs):
            return {}, frames.pack_texts(found.texts)
        return {"members": len(found)}, {}

    def member(self, data: bytes, options: dict) -> Reply:
        if data:
            self.archive = None  # should the new one fail to open, none is taken for it
            self.archive = uploads.inputs_from_file(options["name"], data)
        row = options["row"]
        entry = next(iter(self.archive.chunk(range(row, row + 1)).read()))
        words, arrays = (
            error_reply(entry.spectrum) if isinstance(entry.spectrum, StellarError) else spectrum_reply(entry.spectrum)
        )
        return {**words, "text": entry.text}, arrays

    def stars(self, data: bytes, options: dict) -> Reply:
        frame = read_star_table(data)
        return {"stars": len(frame)}, {
            **frames.pack_texts(list(frame.pop("star"))),
            **{f"column {name}": column.to_numpy() for name, column in frame.items()},
        }


def answer(read: Callable[[bytes, dict], Reply], data: bytes, options: dict) -> Reply:
    """What a method of `Reader` gives; a `StellarError`, or too little memory, is an answer too."""
    try:
        return read(data, options)
    except StellarError as error:
        return error_reply(error)
    except MemoryError:
        return {"lost": "memory", "retire": True}, {}


def main(reader: Reader) -> None:
    """Answer frames from standard input on standard output until there are no more."""
    from stellar_core.sandbox.rehearsal import rehearse

    rehearse(reader)
    gc.freeze()  # what the libraries hold is not searched after every file
    out = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    limits.confine(limits.address_space() + MEMORY)
    limits.seal(LIFE)
    settled = limits.peak_memory()
    frames.write(out, {"ready": True})
    while True:
        try:
            words, data = frames.read(sys.stdin.buffer)
        except EOFError:
            return
        limits.end_after(words["seconds"])
        found, arrays = answer(getattr(reader, words["read"]), data, words["options"])
        limits.end_after(0)
        del data
        gc.collect()
        shapes, body = frames.pack(arrays)
        frames.write(out, {"retire": limits.peak_memory() > settled + GROWTH, **found, "arrays": shapes}, body)


if __name__ == "__main__":
    main(Reader())
