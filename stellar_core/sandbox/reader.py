"""The requests that a parser process can be sent, and their replies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.batch import uploads
from stellar_core.datasets.labelled_table import read_star_table
from stellar_core.errors import StellarError
from stellar_core.sandbox import frames
from stellar_core.sdss.readers import read_spectrum

if TYPE_CHECKING:
    from stellar_core.spectrum import Spectrum

#: Plain values, and arrays by name.
Reply = tuple[dict[str, object], dict[str, np.ndarray]]


def spectrum_reply(spectrum: Spectrum) -> Reply:
    """Return a spectrum as plain values and arrays."""
    arrays = {"wavelength": spectrum.wavelength, "flux": spectrum.flux, "ivar": spectrum.ivar}
    if spectrum.model is not None:
        arrays["model"] = np.asarray(spectrum.model, dtype=float)
    values = {name: getattr(spectrum, name) for name in ("redshift", "name", "source", "has_errors")}
    values |= {"meta": dict(spectrum.meta), "notes": list(spectrum.notes)}
    if (photometry := spectrum.photometry) is not None:
        values["photometry"] = photometry.source
        arrays |= {name: getattr(photometry, name) for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag")}
    return {"spectrum": values}, arrays


def error_reply(error: StellarError) -> Reply:
    """Return an error as its message and its class, or the nearest base class in `stellar_core.errors`."""
    kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == StellarError.__module__)
    return {"error": kind, "sentence": str(error)[:2000]}, {}


@dataclass
class Reader:
    """The methods are the requests of a parser, by name; ``archive`` is the last one whose members were read."""

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
            self.archive = None  # so that it is not used if the new one cannot be opened
            self.archive = uploads.inputs_from_file(options["name"], data)
        row = options["row"]
        entry = next(iter(self.archive.chunk(range(row, row + 1)).read()))
        values, arrays = (
            error_reply(entry.spectrum) if isinstance(entry.spectrum, StellarError) else spectrum_reply(entry.spectrum)
        )
        return {**values, "text": entry.text}, arrays

    def stars(self, data: bytes, options: dict) -> Reply:
        frame = read_star_table(data)
        return {"stars": len(frame)}, {
            **frames.pack_texts(list(frame.pop("star"))),
            **{f"column {name}": column.to_numpy() for name, column in frame.items()},
        }
