"""[alpha/Fe] of the stars of the isochrones: given, or marginalised over what the Galaxy has at that [Fe/H].

The tracks have a solar mixture. An enhanced star of [Fe/H] lies on those of [M/H] = [Fe/H] + offset([alpha/Fe])
(`stellar_core.abundances`), so a sample of the tracks stands for stars of several [Fe/H], one for each [alpha/Fe].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.abundances import metallicity_offset
from stellar_core.errors import ParameterError
from stellar_core.galaxy import Component
from stellar_core.isochrones.priors import GALAXY, Priors, galaxy_shares

#: [alpha/Fe] at which the marginal is summed, dex.
NODES = np.arange(-0.10, 0.501, 0.05)
#: Nodes with less than this part of the largest share are left out.
SMALL_SHARE = 1e-3
#: Possible values, dex.
POSSIBLE = (-0.5, 1.0)
#: Metallicities (dex) and ages (Gyr) of the table of weights.
METALLICITIES, AGES = np.arange(-4.0, 1.001, 0.05), np.arange(0.125, 14.0, 0.25)


@dataclass(frozen=True)
class AlphaEnhancement:
    """[alpha/Fe] of a star.

    Attributes
    ----------
    value : float or None
        dex; None marginalises over the thin disc, thick disc and halo.
    error : float
        Standard deviation of ``value``, dex.
    """

    value: float | None = None
    error: float = 0.0

    def __post_init__(self) -> None:
        if self.value is None:
            return
        if not (np.isfinite(self.value) and POSSIBLE[0] <= self.value <= POSSIBLE[1]):
            raise ParameterError(
                f"[alpha/Fe] = {self.value} is impossible: it lies between {POSSIBLE[0]:g} and {POSSIBLE[1]:g} dex.",
                value=self.value,
            )
        if not (np.isfinite(self.error) and 0 <= self.error <= 0.5):
            raise ParameterError(
                f"The error of [alpha/Fe] lies between 0 and 0.5 dex, got {self.error}.", value=self.error
            )

    @property
    def nodes(self) -> np.ndarray:
        """(n_node,) [alpha/Fe] over which the likelihood is summed, dex."""
        if self.value is None:
            return NODES
        if self.error < 0.01:
            return np.array([self.value])
        return self.value + self.error * np.linspace(-2.5, 2.5, 11)

    @property
    def offsets(self) -> np.ndarray:
        """(n_node,) [M/H] - [Fe/H] at the nodes, dex."""
        return metallicity_offset(self.nodes)

    def weights(self, priors: Priors) -> np.ndarray:
        """Prior density of the nodes: (n_age, n_metallicity, n_node), float64.

        Number of stars per dex of [M/H] and year at `AGES` and `METALLICITIES`, split among the nodes. A prior
        without the Galaxy's ages has one row of ages.
        """
        return _weights(self, priors)

    def offset_range(self, feh: float, error: float, priors: Priors) -> tuple[float, float]:
        """Smallest and largest offset (dex) that a star of ``feh`` and its ``error`` (dex) can have."""
        offsets = self.offsets
        if offsets.size == 1:
            return float(offsets[0]), float(offsets[0])
        weights = self.weights(priors).sum(axis=0)  # (n_metallicity, n_node)
        near = np.abs(METALLICITIES[:, None] - offsets - feh) <= max(3.0 * error, 0.06)
        share = np.where(near, weights, 0.0).max(axis=0)
        kept = offsets[share > SMALL_SHARE * share.max()] if share.max() > 0 else offsets
        return float(kept.min()), float(kept.max())

    def tables(self, priors: Priors) -> list[tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]]:
        """Parts of the prior whose ages do not depend on metallicity.

        Returns
        -------
        list of (age density, table)
            The density per year as a function of log age (yr), and the weights (n_metallicity, n_node) as in `weights`.
        """
        if priors.population != "Galaxy":
            return [(priors.age_density, self.weights(priors)[0])]
        feh = METALLICITIES[:, None] - self.offsets
        tables = []
        for one, share in zip(GALAXY, galaxy_shares()):
            nodes = 1.0 if self.nodes.size == 1 else _normal(self.nodes, *self._of(one, feh))
            density = lambda log_age, one=one: one.age_density(10.0 ** (np.asarray(log_age, float) - 9.0))
            tables.append((density, share * one.feh_density(feh) * nodes))
        return tables

    def _of(self, component: Component, feh: np.ndarray) -> tuple[np.ndarray | float, float]:
        """Mean and spread of [alpha/Fe] in a component at ``feh``: the star's own where it is given."""
        if self.value is None:
            return component.alpha_mean(feh), component.alpha_spread
        return self.value, self.error

    def to_dict(self) -> dict[str, object]:
        """The assumption as stated with every result."""
        if self.value is None:
            return {"alpha_fe": "thin disc, thick disc and halo at that [Fe/H]"}
        return {"alpha_fe": self.value, "alpha_fe_err": self.error}


@lru_cache(maxsize=16)
def _weights(alpha: AlphaEnhancement, priors: Priors) -> np.ndarray:
    if priors.population == "Galaxy":
        return sum(density(9.0 + np.log10(AGES))[:, None, None] * table for density, table in alpha.tables(priors))
    feh = METALLICITIES[:, None] - alpha.offsets  # (n_metallicity, n_node)
    density = priors.density(feh, np.full(feh.shape, 9.0))
    if alpha.nodes.size == 1:
        return density[None]
    shares = priors.components(feh, np.full(feh.shape, 9.0))
    return sum(part * _normal(alpha.nodes, *alpha._of(one, feh)) for one, part in shares)[None]


def _normal(nodes: np.ndarray, mean: np.ndarray | float, spread: float) -> np.ndarray:
    """Share of each node of a Gaussian, normalised over the nodes."""
    share = np.exp(-0.5 * ((nodes - mean) / spread) ** 2)
    return share / share.sum(axis=-1, keepdims=True)
