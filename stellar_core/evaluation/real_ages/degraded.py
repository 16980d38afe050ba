"""Stars with errors as large as those of SDSS: the errors are raised, and the values moved by matching noise."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.isochrones.observation_table import INPUT_COLUMNS

if TYPE_CHECKING:
    import pandas

#: Seed of the noise.
SEED = 0


def degrade(
    stars: pandas.DataFrame, errors: tuple[float, float, float] = SSPP_ERRORS, seed: int = SEED
) -> pandas.DataFrame:
    """Raise the errors of all stars to ``errors``, and add the noise that makes them true.

    The noise of each value has the variance by which its error grows. An error that is larger already stays as it is,
    with its value.

    Parameters
    ----------
    stars : DataFrame
        As `tables.read_stars` returns it.
    errors : (float, float, float)
        Smallest errors of Teff, log g and [Fe/H], K, dex, dex.
    seed : int
        The noise of a star depends on this and on its name, not on the other stars of the table.

    Returns
    -------
    DataFrame
        A copy with other values and errors; ``stage`` is still that of the better values.
    """
    changed = stars.copy()
    noise = np.array(
        [np.random.default_rng((seed, zlib.crc32(name.encode()))).normal(size=3) for name in stars["star"]]
    )
    for column, (value, error) in enumerate(zip(INPUT_COLUMNS[:3], INPUT_COLUMNS[3:])):
        old = stars[error].to_numpy(float)
        added = np.sqrt(np.clip(errors[column] ** 2 - old**2, 0.0, None))
        changed[value] = stars[value] + added * noise.reshape(-1, 3)[:, column]
        changed[error] = np.where(np.isnan(old), old, np.fmax(old, errors[column]))
    return changed
