"""Compare colours and [Fe/H] of the MOCK catalogue with those of real SDSS stars, under the same cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.population_comparison import PAIRS, QUANTITIES, Comparison, Distance, edges

#: Every how many plates of the MOCK survey one is used.
EVERY = 6


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
    """The same columns of the MOCK survey: PSF colours, and [Fe/H] from its parameter pipeline.

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
    """Cut both samples to the ranges of `QUANTITIES`, bin them and measure their distance.

    Parameters
    ----------
    real, mock : dict of str to (n,) float
        By the keys of `QUANTITIES`.
    seed : int
        Of the random split of the real stars into halves.

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
