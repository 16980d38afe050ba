"""How much the age of a star depends on the prior."""

from __future__ import annotations

from dataclasses import replace

from stellar_core.isochrones.posterior import Posterior
from stellar_core.isochrones.priors import Priors

#: An age is prior-dominated if another prior moves its median by more than this part of its standard deviation, or
#: changes its standard deviation by more than this factor.
MOVED, WIDENED = 0.5, 1.5


def other_prior(priors: Priors) -> Priors:
    """The Galaxy's prior for a flat one, and the reverse."""
    if priors.population == "Galaxy":
        return replace(priors, population="flat")
    return replace(priors, population="Galaxy", age="uniform", feh="flat")


def compare_priors(found: Posterior, changed: Posterior) -> dict[str, object] | None:
    """The age under another prior, and whether the prior decides it.

    Returns
    -------
    dict or None
        ``population`` of the other prior, its ``log_age`` interval and ``prior_dominated``; None where the star is
        outside the models under it.
    """
    if not changed.inside_models:
        return None
    here, there = found.interval("log_age"), changed.interval("log_age")
    narrow, wide = sorted((here.std, there.std))
    dominated = abs(here.median - there.median) > MOVED * wide or wide > WIDENED * narrow
    return {"population": changed.priors.population, "log_age": there.to_dict(), "prior_dominated": bool(dominated)}
