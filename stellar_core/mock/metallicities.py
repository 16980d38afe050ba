"""[M/H] of each population, and [alpha/Fe] of its stars at given [M/H]."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from stellar_core.abundances import metallicity_offset
from stellar_core.galaxy import COMPONENTS, Component

#: Nodes of [M/H] and [alpha/Fe], dex, and of the normal score of [alpha/Fe] among stars of one [M/H].
METALLICITIES = np.linspace(-3.2, 1.0, 211)
ALPHAS = np.linspace(-0.30, 0.70, 201)
SCORES = np.linspace(-4.0, 4.0, 33)


@dataclass(frozen=True)
class Metallicities:
    """Distribution of [M/H] and [alpha/Fe] of a component.

    `Component` describes [Fe/H], and [alpha/Fe] at given [Fe/H]. Tracks have the axis [M/H] = [Fe/H] +
    `metallicity_offset`, so stars are drawn in [M/H] and split afterwards.

    Attributes
    ----------
    density : (n_metallicity,) float64
        Probability per dex of initial [M/H], at `METALLICITIES`.
    mean_offset : (n_metallicity,) float64
        Mean [M/H] - [Fe/H] of the stars of one [M/H], dex.
    alpha_fe : (n_metallicity, n_score) float64
        [alpha/Fe] in dex at the normal `SCORES`.
    """

    density: np.ndarray = field(repr=False)
    mean_offset: np.ndarray = field(repr=False)
    alpha_fe: np.ndarray = field(repr=False)

    def density_at(self, metallicity: np.ndarray) -> np.ndarray:
        """Probability per dex of initial [M/H] at ``metallicity``, dex."""
        return np.interp(metallicity, METALLICITIES, self.density, left=0.0, right=0.0)

    def mean_offset_at(self, metallicity: np.ndarray) -> np.ndarray:
        """Mean [M/H] - [Fe/H] in dex of the stars of ``metallicity``, dex."""
        return np.interp(metallicity, METALLICITIES, self.mean_offset)

    def alpha_at(self, metallicity: np.ndarray, score: np.ndarray) -> np.ndarray:
        """[alpha/Fe] in dex of stars of ``metallicity`` (n,) whose [alpha/Fe] has the normal ``score`` (n,)."""
        corners = []
        for value, nodes in ((metallicity, METALLICITIES), (score, SCORES)):
            place = np.clip((value - nodes[0]) / (nodes[1] - nodes[0]), 0, len(nodes) - 1.000001)
            corners.append((place.astype(int), place % 1))
        (i, x), (j, y) = corners
        table = self.alpha_fe
        return (1 - x) * ((1 - y) * table[i, j] + y * table[i, j + 1]) + x * (
            (1 - y) * table[i + 1, j] + y * table[i + 1, j + 1]
        )


@cache
def metallicities(component: Component) -> Metallicities:
    """The distribution of ``component``, by integration over [alpha/Fe]."""
    from scipy.special import ndtr

    offset = metallicity_offset(ALPHAS)
    feh = METALLICITIES[:, None] - offset
    pull = (ALPHAS - component.alpha_mean(feh)) / component.alpha_spread
    joint = component.feh_density(feh) * np.exp(-0.5 * pull**2) / (component.alpha_spread * np.sqrt(2 * np.pi))
    step = ALPHAS[1] - ALPHAS[0]
    density = joint.sum(axis=1) * step
    share = joint / joint.sum(axis=1, keepdims=True)
    # Share of the stars below the middle of each node.
    below = np.cumsum(share, axis=1) - 0.5 * share
    alpha = np.stack([np.interp(ndtr(SCORES), row, ALPHAS) for row in below])
    return Metallicities(density, share @ offset, alpha)


def split_metallicity(
    component: np.ndarray, metallicity: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw [alpha/Fe] of stars of given initial [M/H].

    Parameters
    ----------
    component : (n,) int
        Index into `stellar_core.galaxy.COMPONENTS`.
    metallicity : (n,) float
        Initial [M/H], dex.

    Returns
    -------
    alpha_fe, init_feh : (n,) float64
        [alpha/Fe] and initial [Fe/H], dex.
    """
    score, alpha = rng.standard_normal(len(component)), np.empty(len(component))
    for index, item in enumerate(COMPONENTS):
        mine = component == index
        alpha[mine] = metallicities(item).alpha_at(metallicity[mine], score[mine])
    return alpha, metallicity - metallicity_offset(alpha)
