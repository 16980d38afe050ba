"""Ages of the two components of eclipsing binaries, which are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas

#: Components whose 68 % interval of log age is narrower than this half width test more than the prior, dex.
INFORMATIVE = 0.2


def coevality(stars: pandas.DataFrame) -> dict[str, object]:
    """Compare the ages of the components of each ``system``.

    The pull is the difference of the medians of log age over the errors that face each other, added in quadrature. It
    follows a unit Gaussian if the intervals are right; errors that both components share, as of [Fe/H], make it
    smaller.

    Parameters
    ----------
    stars : DataFrame
        `tables.read_stars`, labelled by `stellar_core.isochrones.label.label_table`.

    Returns
    -------
    dict
        ``all`` pairs, and ``informative`` ones, with half widths of at most `INFORMATIVE` in both components. Each
        has ``pairs``; ``rms_difference`` of log age, dex, and the same of components of different systems,
        ``rms_difference_unrelated``; ``within_1_sigma`` and ``within_2_sigma`` (68 and 95 % expected), ``rms_pull``
        and ``median_pull`` (absolute; 0.67 expected). None without pairs.
    """
    usable = stars[stars["inside_models"] & (stars["system"] != "")]
    pairs = [part.head(2) for _, part in usable.groupby("system", sort=False) if len(part) >= 2]
    values = np.array([part[["log_age_p16", "log_age_median", "log_age_p84"]].to_numpy(float) for part in pairs])
    values = values.reshape(-1, 2, 3)  # pair, component, quantile
    narrow = ((values[:, :, 2] - values[:, :, 0]) / 2 <= INFORMATIVE).all(axis=1)
    return {"all": _summary(values), "informative": _summary(values[narrow])}


def pulls(values: np.ndarray) -> np.ndarray:
    """Pull (n,) of the first against the second component from p16, median and p84, (n, 2, 3)."""
    (first, second) = values[:, 0], values[:, 1]
    difference = first[:, 1] - second[:, 1]
    older, younger = first[:, 1] - first[:, 0], first[:, 2] - first[:, 1]
    facing = np.where(difference > 0, older, younger)
    opposite = np.where(difference > 0, second[:, 2] - second[:, 1], second[:, 1] - second[:, 0])
    return difference / np.maximum(np.hypot(facing, opposite), 1e-9)


def _summary(values: np.ndarray) -> dict[str, float | int | None]:
    if not len(values):
        return {"pairs": 0}
    pull = np.abs(pulls(values))
    medians = values[:, :, 1]
    unrelated = (medians[:, 0, None] - medians[None, :, 1])[~np.eye(len(values), dtype=bool)]
    return {
        "pairs": len(values),
        "rms_difference": float(np.sqrt((np.diff(medians, axis=1) ** 2).mean())),
        "rms_difference_unrelated": float(np.sqrt((unrelated**2).mean())) if len(unrelated) else None,
        "within_1_sigma": float((pull <= 1).mean()),
        "within_2_sigma": float((pull <= 2).mean()),
        "rms_pull": float(np.sqrt((pull**2).mean())),
        "median_pull": float(np.median(pull)),
    }
