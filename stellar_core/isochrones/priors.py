"""Priors of initial mass, age and initial [Fe/H]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.errors import ParameterError
from stellar_core.initial_mass_function import chabrier, kroupa

IMFS = ("kroupa", "chabrier")
AGE_PRIORS = ("uniform", "log-uniform")
FEH_PRIORS = ("flat", "disc and halo")

#: Weight, mean and standard deviation of [Fe/H] in the thin disc, thick disc and halo near the Sun
#: (after Bensby et al. 2014, A&A 562, A71, and An et al. 2013, ApJ 763, 65; rounded).
FEH_COMPONENTS = ((0.85, -0.05, 0.22), (0.13, -0.50, 0.30), (0.02, -1.50, 0.50))


@dataclass(frozen=True)
class Priors:
    """Independent priors of initial mass, age and initial [Fe/H].

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
    """

    imf: str = "kroupa"
    age: str = "uniform"
    max_age: float = UNIVERSE_AGE_GYR * 1e9
    feh: str = "flat"

    def __post_init__(self) -> None:
        for name, allowed in (("imf", IMFS), ("age", AGE_PRIORS), ("feh", FEH_PRIORS)):
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"The prior {name} is one of {', '.join(allowed)}; got {getattr(self, name)!r}.",
                    value=getattr(self, name),
                )
        if not 1e8 <= self.max_age <= 20e9:
            raise ParameterError(
                f"The largest age must lie between 1e8 and 2e10 yr, got {self.max_age}.", value=self.max_age
            )

    def mass_density(self, mass: np.ndarray) -> np.ndarray:
        """Stars per Msun of initial mass (not normalised)."""
        return kroupa(mass) if self.imf == "kroupa" else chabrier(mass)

    def age_weight(self, young: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Prior weight of intervals of age (yr); ages above ``max_age`` have none."""
        young, old = np.minimum(young, self.max_age), np.minimum(old, self.max_age)
        if self.age == "uniform":
            return old - young
        return np.log(old / np.maximum(young, 1.0))

    def feh_density(self, feh: np.ndarray) -> np.ndarray:
        """Stars per dex of initial [Fe/H] (not normalised)."""
        feh = np.asarray(feh, float)
        if self.feh == "flat":
            return np.ones_like(feh)
        return sum(w / s * np.exp(-0.5 * ((feh - m) / s) ** 2) for w, m, s in FEH_COMPONENTS)

    def to_dict(self) -> dict[str, object]:
        """The priors as stated with every result."""
        return {"imf": self.imf, "age": self.age, "max_age_gyr": self.max_age / 1e9, "feh": self.feh}
