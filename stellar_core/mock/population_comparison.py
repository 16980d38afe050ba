"""Comparison of the MOCK catalogue with a catalogue of real SDSS stars: binned colours and [Fe/H], no single star."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from stellar_core.model_store import read_arrays, write_arrays
from stellar_core.paths import TRAINED_DIR

HOME = TRAINED_DIR / "mock-population"
FILE = "comparison.safetensors"
#: Quantity -> (name in words, unit, lowest, highest, bins). Stars outside of any range are left out, real and MOCK.
QUANTITIES = {
    "u_g": ("u−g", "mag", 0.5, 3.1, 52),
    "g_r": ("g−r", "mag", -0.2, 1.5, 51),
    "r_i": ("r−i", "mag", -0.2, 0.8, 50),
    "i_z": ("i−z", "mag", -0.25, 0.6, 51),
    "feh_dex": ("[Fe/H]", "dex", -3.0, 0.6, 48),
}
#: Pairs whose density is kept, (x, y).
PAIRS = (("g_r", "u_g"), ("r_i", "g_r"), ("i_z", "r_i"), ("g_r", "feh_dex"))


@dataclass(frozen=True)
class Distance:
    """Distance of two samples of one quantity.

    Attributes
    ----------
    ks : float
        Largest difference of the cumulative distributions (Kolmogorov-Smirnov), 0-1.
    wasserstein : float
        Mean shift that transforms one into the other, in the unit of the quantity.
    ks_halves : float
        ``ks`` of two random halves of the real stars, the level of chance.
    real_median, mock_median : float
    """

    ks: float
    wasserstein: float
    ks_halves: float
    real_median: float
    mock_median: float


@dataclass(frozen=True)
class Comparison:
    """Binned counts of real and MOCK stars.

    Attributes
    ----------
    real_stars, mock_stars : int
        Within the ranges of `QUANTITIES`.
    left_out : (float, float)
        Fractions of real and of MOCK stars outside of them.
    histograms : dict of str to (2, n_bin) int64
        Real and MOCK counts by the keys of `QUANTITIES`.
    densities : dict of (str, str) to (2, n_y, n_x) int64
        Real and MOCK counts by the pairs of `PAIRS`.
    distances : dict of str to Distance
    """

    real_stars: int
    mock_stars: int
    left_out: tuple[float, float]
    histograms: dict[str, np.ndarray]
    densities: dict[tuple[str, str], np.ndarray]
    distances: dict[str, Distance]


def edges(quantity: str) -> np.ndarray:
    """Edges of the bins of a quantity, (n_bin + 1,)."""
    _, _, low, high, bins = QUANTITIES[quantity]
    return np.linspace(low, high, bins + 1)


def write_comparison(found: Comparison, folder: Path = HOME) -> None:
    """Write ``comparison.safetensors`` atomically."""
    arrays = {name: counts.astype(np.uint32) for name, counts in found.histograms.items()}
    arrays |= {f"{x} {y}": counts.astype(np.uint16) for (x, y), counts in found.densities.items()}
    words = {
        "real_stars": found.real_stars,
        "mock_stars": found.mock_stars,
        "left_out": found.left_out,
        "distances": {name: asdict(one) for name, one in found.distances.items()},
    }
    write_arrays(Path(folder) / FILE, arrays, words)


def read_comparison(folder: Path = HOME) -> Comparison:
    """Read what `write_comparison` wrote.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    arrays, words = read_arrays(Path(folder) / FILE)
    return Comparison(
        words["real_stars"],
        words["mock_stars"],
        tuple(words["left_out"]),
        {name: arrays[name].astype(np.int64) for name in QUANTITIES},
        {(x, y): arrays[f"{x} {y}"].astype(np.int64) for x, y in PAIRS},
        {name: Distance(**values) for name, values in words["distances"].items()},
    )
