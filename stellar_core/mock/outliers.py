"""Faults of astrometry that no error bar covers, for tests: wrong matches, doubled parallaxes, equal pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.gaia import GaiaBatch
from stellar_core.preprocessing.features import FEATURE_NAMES

#: What two equal stars are brighter than one, mag.
EQUAL_PAIR = 2.5 * np.log10(2.0)
#: Ranks in G between a star and its wrong match, at most: a match of another brightness is noticed.
NEIGHBOURS = 20


def wrong_matches(gaia: GaiaBatch, rng: np.random.Generator) -> GaiaBatch:
    """Each star with the values of another one of similar G, which has a parallax.

    Raises
    ------
    ParameterError
        If fewer than two stars have a parallax.
    """
    known = np.flatnonzero(gaia.has_parallax)
    if known.size < 2:
        raise ParameterError(f"A wrong match needs two stars with parallax; there are {known.size}.", value=known.size)
    known = known[np.argsort(gaia.magnitudes[known, 0], kind="stable")]
    rank = np.searchsorted(gaia.magnitudes[known, 0], gaia.magnitudes[:, 0])
    other = rank + rng.integers(1, NEIGHBOURS + 1, len(gaia)) * rng.choice([-1, 1], len(gaia))
    other = known[np.clip(other, 0, known.size - 1)]
    mine = other == np.arange(len(gaia))
    other[mine] = known[np.where(rank[mine] > 0, rank[mine] - 1, 1)]
    return gaia.select(other)


def doubled_parallaxes(gaia: GaiaBatch) -> GaiaBatch:
    """Each star with twice its parallax."""
    return replace(gaia, parallax=2.0 * gaia.parallax)


def equal_pairs(gaia: GaiaBatch, features: np.ndarray) -> tuple[GaiaBatch, np.ndarray]:
    """Each star as bright as two, with unchanged colours, spectrum and parallax.

    Parameters
    ----------
    gaia : GaiaBatch
    features : (n, 29) float
        Photometric inputs of a network.

    Returns
    -------
    GaiaBatch
    features : (n, 29)
    """
    magnitude = np.array([name.startswith(("psfMag_", "modelMag_", "corrected_psfMag_")) for name in FEATURE_NAMES])
    brighter = features - (EQUAL_PAIR * magnitude).astype(features.dtype)
    return replace(gaia, magnitudes=gaia.magnitudes - EQUAL_PAIR), brighter
