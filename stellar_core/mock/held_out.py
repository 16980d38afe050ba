"""Library stars compared with emulations that were fitted without them, stored in ``held_out.safetensors``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.emulator import EMULATOR_DIR
from stellar_core.model_store import read_arrays, write_arrays

#: File name, in the folder of the emulator.
FILE = "held_out.safetensors"
#: Wavelength ranges (A, vacuum) with an error each.
RANGES = ((3600, 3850), (3850, 4500), (4500, 5500), (5500, 6500), (6500, 7350), (7350, 9000), (9000, 10400))
#: Range (A) of the single error that is quoted for a star.
LINES = (3850, 7350)


@dataclass(frozen=True)
class HeldOut:
    """Stars of the library, each compared with the emulation of a fit without it.

    Attributes
    ----------
    source, name : (n,) str
    labels : (n, 3) float64
        Teff [K], log g [dex], [Fe/H] [dex] as the fit had them.
    outlier : (n,) bool
        Spectra left out of every fit.
    rms : (n, 7) float64
        RMS of the residual in each of `RANGES`; NaN where the library has no data.
    line_rms, signal : (n,) float64
        RMS of the residual, and of the observed line spectrum about 1, over `LINES`.
    title : (m,) str
        Kind of star of each example.
    row : (m,) int64
        Row of each example.
    observed, emulated : (m, 6800) float32
        Line spectra of the examples; observed is NaN where the library has no data.
    """

    source: np.ndarray
    name: np.ndarray
    labels: np.ndarray
    outlier: np.ndarray
    rms: np.ndarray
    line_rms: np.ndarray
    signal: np.ndarray
    title: np.ndarray
    row: np.ndarray
    observed: np.ndarray
    emulated: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.labels)
        for item in ("source", "name", "outlier", "rms", "line_rms", "signal"):
            if len(getattr(self, item)) != n:
                raise ParameterError(f"{n} stars held out have {len(getattr(self, item))} values of {item}.")


def write_held_out(held: HeldOut, folder: Path = EMULATOR_DIR) -> None:
    """Write ``held_out.safetensors`` (about 0.7 MB) atomically."""
    arrays = {
        "labels": held.labels.astype(np.float32),
        "outlier": held.outlier.astype(np.uint8),
        "rms": held.rms.astype(np.float32),
        "line_rms": held.line_rms.astype(np.float32),
        "signal": held.signal.astype(np.float32),
        "row": held.row.astype(np.int32),
        "observed": held.observed.astype(np.float16),
        "emulated": held.emulated.astype(np.float16),
    }
    write_arrays(
        Path(folder) / FILE, arrays, {name: getattr(held, name).tolist() for name in ("source", "name", "title")}
    )


def read_held_out(folder: Path = EMULATOR_DIR) -> HeldOut:
    """Read what `write_held_out` wrote.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    arrays, words = read_arrays(Path(folder) / FILE)
    return HeldOut(
        *(np.array(words[name]) for name in ("source", "name")),
        arrays["labels"].astype(float),
        arrays["outlier"].astype(bool),
        *(arrays[name].astype(float) for name in ("rms", "line_rms", "signal")),
        np.array(words["title"]),
        arrays["row"].astype(np.int64),
        *(arrays[name].astype(np.float32) for name in ("observed", "emulated")),
    )
