"""Errors of the emulator on stars held out: tables by temperature, library, and cell of Teff, log g and [Fe/H]."""

from __future__ import annotations

import numpy as np

from stellar_core.mock.held_out import RANGES, HeldOut

#: Classes of Teff (K) of the short table.
CLASSES = ((3500, 4500), (4500, 8000), (8000, 12500))
#: Edges of the cells of Teff (K), log g and [Fe/H] (dex).
CELLS = (
    (3300, 4000, 4500, 5000, 5500, 6000, 6500, 7500, 9000, 12500),
    (-0.5, 2.0, 3.5, 5.6),
    (-3.5, -1.5, -0.75, -0.25, 1.2),
)


def pooled(rms: np.ndarray) -> float | None:
    """RMS over stars of their RMS (n,), rounded; None without stars."""
    known = rms[np.isfinite(rms)]
    return round(float(np.sqrt(np.mean(known**2))), 4) if known.size else None


def class_table(held: HeldOut, rows: np.ndarray) -> dict[str, dict[str, object]]:
    """Errors over 3850-7350 A per class of Teff, of the stars ``rows`` (n,) bool."""
    table: dict[str, dict[str, object]] = {}
    for low, high in CLASSES:
        here = rows & (held.labels[:, 0] >= low) & (held.labels[:, 0] < high)
        if here.any():
            table[f"{low}-{high} K"] = {
                "stars": int(here.sum()),
                "rms": pooled(held.line_rms[here]),
                "median_rms": round(float(np.nanmedian(held.line_rms[here])), 4),
                "signal": pooled(held.signal[here]),
            }
    return table


def cell_rows(held: HeldOut, rows: np.ndarray) -> list[list[object]]:
    """One row per occupied cell: its edges, stars, RMS, signal, and the RMS of each range up to 7350 A."""
    table: list[list[object]] = []
    place = [np.searchsorted(edges, values, side="right") - 1 for edges, values in zip(CELLS, held.labels.T)]
    for key in sorted(set(zip(*(part[rows].tolist() for part in place)))):
        if any(index < 0 or index >= len(edges) - 1 for index, edges in zip(key, CELLS)):
            continue
        here = rows & np.all([part == index for part, index in zip(place, key)], axis=0)
        edges = [value for index, axis in zip(key, CELLS) for value in axis[index : index + 2]]
        ranges = [pooled(held.rms[here, column]) for column, span in enumerate(RANGES) if span[1] <= 7350]
        table.append([*edges, int(here.sum()), pooled(held.line_rms[here]), pooled(held.signal[here]), *ranges])
    return table


def source_table(held: HeldOut, rows: np.ndarray) -> dict[str, dict[str, object]]:
    """RMS in each of `RANGES` per library."""
    return {
        str(source): {"stars": int((rows & (held.source == source)).sum())}
        | {
            f"{low}-{high} A": value
            for column, (low, high) in enumerate(RANGES)
            if (value := pooled(held.rms[rows & (held.source == source), column])) is not None
        }
        for source in np.unique(held.source)
    }


def card_of(held: HeldOut, folds: int) -> dict[str, object]:
    """Entries of the card of the emulator about stars held out.

    Parameters
    ----------
    held : HeldOut
    folds : int
        Fits made to hold every star out once.

    Returns
    -------
    dict
        For JSON: short table per class of Teff (MILES, with and without outliers), per library and
        range, and per cell.
    """
    miles, good = held.source == "MILES", ~held.outlier
    return {
        "held_out": f"every star once, in {folds} folds cut by star",
        "held_out_line_residual_3850_7350": {
            "all held-out stars": class_table(held, miles),
            "without those named as outliers": class_table(held, miles & good),
        },
        "held_out_by_library_and_range": source_table(held, good),
        "held_out_cells": {
            "what": "MILES without outliers; RMS of the residual, signal = RMS of the line spectra about 1",
            "columns": "Teff from, to [K], log g from, to, [Fe/H] from, to, stars, RMS and signal 3850-7350 A, RMS "
            + ", ".join(f"{low}-{high}" for low, high in RANGES if high <= 7350)
            + " A",
            "rows": cell_rows(held, miles & good),
        },
    }
