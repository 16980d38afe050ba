"""The MOCK catalogue beside a catalogue of real SDSS stars: colours and [Fe/H], by the same cuts.

``python -m stellar_core.mock.fit.population_report CATALOGUE.csv`` compares them and keeps binned
counts, no star, in ``trained/mock-population/comparison.safetensors``.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
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
#: One of so many plates of the MOCK survey is taken.
EVERY = 6


@dataclass(frozen=True)
class Distance:
    """How far two samples of one quantity are apart.

    Attributes
    ----------
    ks : float
        Largest difference of the cumulative distributions (Kolmogorov-Smirnov), 0-1.
    wasserstein : float
        Mean shift that turns one into the other, in the unit of the quantity.
    ks_halves : float
        The first for two random halves of the real stars: what chance alone gives.
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
        Share of real and of MOCK stars outside of them.
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


def real_catalogue(path: Path) -> dict[str, np.ndarray]:
    """Columns u_g, g_r, r_i, i_z (mag, not dereddened) and feh_dex of a CSV file.

    Raises
    ------
    ParameterError
        If the file or a column is missing.
    """
    import pandas as pd

    if not Path(path).is_file():
        raise ParameterError(f"There is no catalogue at {path}.", value=str(path))
    table = pd.read_csv(path)
    missing = [name for name in QUANTITIES if name not in table]
    if missing:
        raise ParameterError(f"The catalogue {Path(path).name} has no column {missing[0]}.", value=missing[0])
    return {name: table[name].to_numpy(float) for name in QUANTITIES}


def mock_catalogue(every: int = EVERY, seed: int | None = None) -> dict[str, np.ndarray]:
    """The same of the MOCK survey: PSF colours, and [Fe/H] as its parameter pipeline reports it.

    Parameters
    ----------
    every : int
        Each ``every``-th plate is taken.
    seed : int, optional
        Of the survey; the app's own by default.
    """
    from stellar_core.mock.catalogue_writer import catalogue_columns
    from stellar_core.mock.plates import make_plate
    from stellar_core.mock.survey import SEED
    from stellar_core.sdss.star_id import MOCK_PLATES

    seed = SEED if seed is None else seed
    parts = []
    for number in range(MOCK_PLATES[0], MOCK_PLATES[1] + 1, every):
        columns = catalogue_columns(make_plate(seed, number), seed)
        magnitudes = np.stack([columns[f"psfMag_{band}"] for band in "ugriz"])
        parts.append(np.vstack([-np.diff(magnitudes, axis=0), columns["fehadop"]]))
    return dict(zip(QUANTITIES, np.concatenate(parts, axis=1)))


def compare(real: dict[str, np.ndarray], mock: dict[str, np.ndarray], seed: int = 0) -> Comparison:
    """Cut both samples to the ranges of `QUANTITIES`, bin them and measure how far they are apart.

    Parameters
    ----------
    real, mock : dict of str to (n,) float
        By the keys of `QUANTITIES`.
    seed : int
        Of the halves that the real stars are cut into.

    Raises
    ------
    ParameterError
        If fewer than 100 stars of either remain.
    """
    from scipy.stats import ks_2samp, wasserstein_distance

    samples, left_out = [], []
    for sample in (real, mock):
        inside = np.all(
            [(sample[name] >= edges(name)[0]) & (sample[name] < edges(name)[-1]) for name in QUANTITIES], axis=0
        )
        if inside.sum() < 100:
            raise ParameterError(f"Only {int(inside.sum())} stars lie within the ranges; at least 100 are needed.")
        samples.append({name: sample[name][inside] for name in QUANTITIES})
        left_out.append(round(1.0 - float(inside.mean()), 4))
    ours, theirs = samples
    half = np.random.default_rng(seed).random(len(ours["g_r"])) < 0.5
    distances = {
        name: Distance(
            round(float(ks_2samp(ours[name], theirs[name]).statistic), 4),
            round(float(wasserstein_distance(ours[name], theirs[name])), 4),
            round(float(ks_2samp(ours[name][half], ours[name][~half]).statistic), 4),
            round(float(np.median(ours[name])), 3),
            round(float(np.median(theirs[name])), 3),
        )
        for name in QUANTITIES
    }
    histograms = {name: np.stack([np.histogram(one[name], edges(name))[0] for one in samples]) for name in QUANTITIES}
    densities = {
        (x, y): np.stack([np.histogram2d(one[y], one[x], (edges(y), edges(x)))[0].astype(np.int64) for one in samples])
        for x, y in PAIRS
    }
    return Comparison(len(ours["g_r"]), len(theirs["g_r"]), tuple(left_out), histograms, densities, distances)


def write_comparison(found: Comparison, folder: Path = HOME) -> None:
    """Write ``comparison.safetensors``, whole or not at all."""
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


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m stellar_core.mock.fit.population_report CATALOGUE.csv")
    try:
        write_comparison(compare(real_catalogue(Path(sys.argv[1])), mock_catalogue()))
    except ParameterError as error:
        raise SystemExit(f"error: {error}") from None
