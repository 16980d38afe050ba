"""Library stars that the emulator was not fitted to, beside their emulation; kept in ``held_out.safetensors``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.emulator import DOMAIN_STEP, EMULATOR_DIR
from stellar_core.model_store import read_arrays, write_arrays
from stellar_core.preprocessing.spectra import GRID

#: File of the stars held out, beside the emulator's weights.
FILE = "held_out.safetensors"
#: Wavelength ranges (A, vacuum) that errors are given for.
RANGES = ((3600, 3850), (3850, 4500), (4500, 5500), (5500, 6500), (6500, 7350), (7350, 9000), (9000, 10400))
#: The range that one number for a star stands for.
LINES = (3850, 7350)
#: Examples that are kept whole: title and the Teff [K], log g, [Fe/H] that a star should be near.
EXAMPLES = (
    ("M giant", 3700, 1.2, -0.1),
    ("K giant", 4400, 1.9, 0.0),
    ("metal-poor K giant", 4600, 1.4, -1.6),
    ("red clump", 4900, 2.6, -0.1),
    ("M dwarf", 3700, 4.8, -0.1),
    ("K dwarf", 4800, 4.6, 0.0),
    ("Sun-like dwarf", 5750, 4.4, 0.0),
    ("metal-rich G dwarf", 5600, 4.3, 0.3),
    ("metal-poor subgiant", 5600, 3.5, -1.8),
    ("F dwarf", 6500, 4.2, 0.0),
    ("metal-poor turn-off star", 6300, 4.2, -1.8),
    ("F supergiant", 6300, 1.2, 0.0),
    ("A dwarf", 8500, 4.0, 0.0),
    ("horizontal-branch star", 8000, 3.1, -1.5),
    ("late B star", 11000, 4.0, 0.0),
)
#: Examples from the library that reaches beyond MILES.
RED_EXAMPLES = (("K giant", 4400, 2.0, 0.0), ("G dwarf", 5700, 4.3, 0.0), ("F dwarf", 6500, 4.1, 0.0))


def star_key(name: str) -> str:
    """Name of a star without spaces and the cluster mark of MILES, so that one star is one name in all libraries."""
    return re.sub(r"\s+", "", re.sub(r"\s+Cl$", "", name))


def root_mean_square(values: np.ndarray, use: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """(n,) RMS of ``values`` (n, 6800) over the used pixels of ``span`` (A); NaN with fewer than 50."""
    window = slice(int(span[0] - GRID[0]), int(span[1] - GRID[0]))
    count = use[:, window].sum(axis=1)
    total = np.where(use[:, window], values[:, window].astype(float) ** 2, 0.0).sum(axis=1)
    return np.where(count >= 50, np.sqrt(total / np.maximum(count, 1)), np.nan)


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
        What the examples are examples of.
    row : (m,) int64
        Their rows.
    observed, emulated : (m, 6800) float32
        Their line spectra; observed is NaN where the library has no data.
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


def measure(
    source: np.ndarray,
    name: np.ndarray,
    labels: np.ndarray,
    observed: np.ndarray,
    emulated: np.ndarray,
    weight: np.ndarray,
    outlier: np.ndarray,
) -> HeldOut:
    """Compare held-out stars with their emulation.

    Parameters
    ----------
    source, name : (n,) str
    labels : (n, 3) float
        Teff [K], log g, [Fe/H] [dex].
    observed, emulated : (n, 6800) float
        Line spectra; ``emulated`` from fits without the star, as `hold_out` gives them.
    weight : (n, 6800) float
        0 where the library has no data.
    outlier : (n,) bool

    Returns
    -------
    HeldOut
    """
    use = weight > 0
    residual = observed - emulated
    line_rms = root_mean_square(residual, use, LINES)
    titles, rows = choose_examples(source, labels, outlier, line_rms)
    shown = np.array(rows, int)
    return HeldOut(
        np.asarray(source, str),
        np.array([star_key(one) for one in name]),
        np.asarray(labels, float),
        np.asarray(outlier, bool),
        np.stack([root_mean_square(residual, use, span) for span in RANGES], axis=1),
        line_rms,
        root_mean_square(observed - 1.0, use, LINES),
        np.array(titles),
        shown,
        np.where(use[shown], observed[shown], np.nan).astype(np.float32),
        emulated[shown].astype(np.float32),
    )


def choose_examples(
    source: np.ndarray, labels: np.ndarray, outlier: np.ndarray, line_rms: np.ndarray
) -> tuple[list[str], list[int]]:
    """Titles and rows of the stars to show: of the nine nearest to each wish the one of median error, and the worst."""
    place = np.column_stack([5040.0 / labels[:, 0], labels[:, 1:]])
    titles, rows = [], []
    for library, wanted in (("MILES", EXAMPLES), ("STELIB", RED_EXAMPLES)):
        for title, teff, *rest in wanted:
            rank = np.linalg.norm((place - [5040.0 / teff, *rest]) / DOMAIN_STEP, axis=1)
            free = (source == library) & ~outlier & np.isfinite(line_rms) & ~np.isin(np.arange(len(rank)), rows)
            near = np.flatnonzero(free)[np.argsort(rank[free])[:9]]
            if near.size:
                titles.append(title)
                rows.append(int(near[np.argsort(line_rms[near])[near.size // 2]]))
    worst = np.flatnonzero(outlier & (source == "MILES"))
    for row in worst[np.argsort(-line_rms[worst])[:3]]:
        titles.append("outlier")
        rows.append(int(row))
    return titles, rows


def write_held_out(held: HeldOut, folder: Path = EMULATOR_DIR) -> None:
    """Write ``held_out.safetensors`` (about 0.7 MB), whole or not at all."""
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
