"""Priors of initial mass, age, metallicity and [alpha/Fe]."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.errors import ParameterError
from stellar_core.galaxy import COMPONENTS
from stellar_core.initial_mass_function import chabrier, kroupa

IMFS = ("kroupa", "chabrier")
AGE_PRIORS = ("uniform", "log-uniform")
FEH_PRIORS = ("flat", "disc and halo")
POPULATIONS = ("flat", "Galaxy")

#: Weight, mean and standard deviation of [Fe/H] in the thin disc, thick disc and halo near the Sun
#: (after Bensby et al. 2014, A&A 562, A71, and An et al. 2013, ApJ 763, 65; rounded).
FEH_COMPONENTS = ((0.85, -0.05, 0.22), (0.13, -0.50, 0.30), (0.02, -1.50, 0.50))
#: Thin disc, thick disc and halo: stragglers are no stars of the tracks.
GALAXY = COMPONENTS[:3]
#: Their shares are those of the stars within this distance, about that of a turn-off star at r = 15.5, pc.
GALAXY_DISTANCE = 1500.0


@dataclass(frozen=True)
class Priors:
    """Prior of initial mass, age and [Fe/H].

    Attributes
    ----------
    imf : {"kroupa", "chabrier"}
        Number of stars per initial mass: Kroupa (2001, MNRAS 322, 231) or the single-star
        function of Chabrier (2003, PASP 115, 763, Table 1).
    age : {"uniform", "log-uniform"}
        Stars formed at a constant rate, or equally per decade of age.
    max_age : float
        Largest age, yr; 13.8 Gyr by default.
    feh : {"flat", "disc and halo"}
        Equal over the models, or the sum of thin disc, thick disc and halo.
    population : {"flat", "Galaxy"}
        "Galaxy" replaces ``age`` and ``feh`` by the thin disc, thick disc and halo of `stellar_core.galaxy`, each with
        its own ages, [Fe/H] and [alpha/Fe], in the shares of a sight-line of `GALAXY_DISTANCE`.
    """

    imf: str = "kroupa"
    age: str = "uniform"
    max_age: float = UNIVERSE_AGE_GYR * 1e9
    feh: str = "flat"
    population: str = "flat"

    def __post_init__(self) -> None:
        named = (("imf", IMFS), ("age", AGE_PRIORS), ("feh", FEH_PRIORS), ("population", POPULATIONS))
        for name, allowed in named:
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"The prior {name} is one of {', '.join(allowed)}; got {getattr(self, name)!r}.",
                    value=getattr(self, name),
                )
        if self.population == "Galaxy" and (self.age, self.feh) != ("uniform", "flat"):
            raise ParameterError("The prior Galaxy has its own ages and [Fe/H]: leave the priors of these at default.")
        if not 1e8 <= self.max_age <= 20e9:
            raise ParameterError(
                f"The largest age must lie between 1e8 and 2e10 yr, got {self.max_age}.", value=self.max_age
            )

    def mass_density(self, mass: np.ndarray) -> np.ndarray:
        """Stars per Msun of initial mass (not normalised)."""
        return kroupa(mass) if self.imf == "kroupa" else chabrier(mass)

    def density(self, feh: np.ndarray, log_age: np.ndarray) -> np.ndarray:
        """Stars per dex of initial [Fe/H] and per year at ``feh`` (dex) and ``log_age`` (yr), not normalised."""
        if self.population == "Galaxy":
            return sum(part for _, part in self.components(feh, log_age))
        feh = np.asarray(feh, float)
        density = np.ones_like(feh)
        if self.feh == "disc and halo":
            density = sum(w / s * np.exp(-0.5 * ((feh - m) / s) ** 2) for w, m, s in FEH_COMPONENTS)
        return density * self.age_density(log_age)

    def age_density(self, log_age: np.ndarray) -> np.ndarray:
        """Stars per year at ``log_age`` (yr), 1 for a constant rate. The Galaxy's depend on [Fe/H]: see `density`."""
        log_age = np.asarray(log_age, float)
        return np.ones_like(log_age) if self.age == "uniform" else 10.0 ** (9.0 - log_age)

    def components(self, feh: np.ndarray, log_age: np.ndarray) -> list[tuple[object, np.ndarray]]:
        """Each component of the Galaxy with its part of `density`.

        Where the prior is flat, its part is its share at that [Fe/H].
        """
        age, shares = 10.0 ** (np.asarray(log_age, float) - 9.0), galaxy_shares()
        parts = [share * one.feh_density(feh) for share, one in zip(shares, GALAXY)]
        if self.population == "Galaxy":
            return [(one, part * one.age_density(age)) for one, part in zip(GALAXY, parts)]
        factor = self.density(feh, log_age) / np.maximum(sum(parts), 1e-300)
        return [(one, part * factor) for one, part in zip(GALAXY, parts)]

    def to_dict(self) -> dict[str, object]:
        """The priors as stated with every result."""
        return {
            "imf": self.imf,
            "age": self.age,
            "max_age_gyr": self.max_age / 1e9,
            "feh": self.feh,
            "population": self.population,
        }


@lru_cache(maxsize=1)
def galaxy_shares() -> tuple[float, ...]:
    """Shares of `GALAXY` among the stars of a sight-line up to `GALAXY_DISTANCE`; they sum to 1."""
    distance = np.linspace(1.0, GALAXY_DISTANCE, 1000)
    number = [np.trapezoid(one.space_density(distance) * distance**2, distance) for one in GALAXY]
    return tuple(float(x / sum(number)) for x in number)
