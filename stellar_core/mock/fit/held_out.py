"""Hold every library star out once and compare it with its emulation.

Folds are cut by star, so that no two spectra of one star, from whichever library, are on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.emulator import DOMAIN_STEP
from stellar_core.mock.held_out import LINES, RANGES, HeldOut
from stellar_core.preprocessing.grid import GRID

#: Examples that are stored with their spectra: title, Teff [K], log g and [Fe/H].
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
#: Examples from STELIB, which extends to the red of MILES.
RED_EXAMPLES = (("K giant", 4400, 2.0, 0.0), ("G dwarf", 5700, 4.3, 0.0), ("F dwarf", 6500, 4.1, 0.0))


def star_key(name: str) -> str:
    """Name of a star without spaces and without the cluster mark of MILES, equal in all libraries."""
    return re.sub(r"\s+", "", re.sub(r"\s+Cl$", "", name))


def root_mean_square(values: np.ndarray, use: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """(n,) RMS of ``values`` (n, 6800) over the used pixels of ``span`` (A); NaN with fewer than 50."""
    window = slice(int(span[0] - GRID[0]), int(span[1] - GRID[0]))
    count = use[:, window].sum(axis=1)
    total = np.where(use[:, window], values[:, window].astype(float) ** 2, 0.0).sum(axis=1)
    return np.where(count >= 50, np.sqrt(total / np.maximum(count, 1)), np.nan)


def folds_by_star(name: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(n,) int64, the fold of each spectrum; all spectra of a star share one.

    Raises
    ------
    ParameterError
        If ``folds`` is less than 2.
    """
    if folds < 2:
        raise ParameterError(f"Holding every star out once needs at least 2 folds; got {folds}.", value=folds)
    keys, star = np.unique([star_key(one) for one in name], return_inverse=True)
    return np.random.default_rng(seed).permutation(keys.size)[star] % folds


def hold_out(emulate: Callable[[np.ndarray], np.ndarray], fold: np.ndarray) -> np.ndarray:
    """Emulate the line spectra of all stars, each by a fit without its fold.

    Parameters
    ----------
    emulate : callable
        Maps the rows of a fit, (m,) int, to the emulated line spectra of all rows, (n, 6800).
    fold : (n,) int

    Returns
    -------
    (n, 6800) float32
    """
    out: np.ndarray | None = None
    for number in np.unique(fold):
        part = emulate(np.flatnonzero(fold != number))
        out = np.empty_like(part, dtype=np.float32) if out is None else out
        out[fold == number] = part[fold == number]
    return out


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
        Line spectra; ``emulated`` by fits without the star, from `hold_out`.
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
    """Titles and rows of the examples: of the nine nearest stars the one of median error, and the worst outliers."""
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
