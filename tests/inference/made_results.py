"""Results with given ages, lifetimes, masses and stages, for tests of words about them."""

from __future__ import annotations

import numpy as np

from stellar_core.inference.result import Result, Verdict
from stellar_core.intervals import Interval
from stellar_core.stages import STAGES

GYR = 9.0


def made_result(
    age: float,
    spread: float,
    lifetime: float,
    *,
    mass: float | None = 1.0,
    stage: dict[str, float] | None = None,
    trusted: bool = True,
    parallax: dict[str, object] | None = None,
    photometry: str = "used",
) -> Result:
    """A result of median ``age`` (Gyr) with a normal ``spread`` (dex), cut at ``lifetime`` (Gyr) and at the age of the
    Universe where there is a ``mass`` (Msun). An infinite spread makes every age equally probable."""
    rng = np.random.default_rng(4)
    if np.isinf(spread):
        log_age = np.log10(rng.uniform(0.3, 13.6, 1000)) + GYR
    else:
        log_age = np.log10(age) + GYR + spread * rng.standard_normal(1000)
    log_lifetime = np.log10(lifetime) + GYR + 0.02 * rng.standard_normal(1000)
    if mass is not None:
        log_age = np.minimum(log_age, np.minimum(log_lifetime - 0.001, np.log10(13.8) + GYR))
    draws = {
        "teff": 5700 + 50 * rng.standard_normal(1000),
        "logg": 4.4 + 0.05 * rng.standard_normal(1000),
        "feh": 0.05 * rng.standard_normal(1000),
        "log_age": log_age,
        "log_lifetime": log_lifetime,
    }
    intervals = {name: Interval.from_draws(values) for name, values in draws.items()}
    if mass is not None:
        draws["mass"] = mass + 0.03 * rng.standard_normal(1000)
    return Result(
        input="x",
        star="x",
        source="mock",
        model="isochrone",
        seed=0,
        samples=10,
        **intervals,
        stage=dict.fromkeys(STAGES, 0.0) | (stage or {"Medium": 1.0}),
        verdict=Verdict(trusted, () if trusted else ("A galaxy.",)),
        draws=draws,
        quality={"photometry": photometry},
        parallax=parallax,
    )


#: Test scores of a good and of a bad model.
GOOD = {"log_age": {"rmse": 0.26, "rmse_constant": 0.32, "r2": 0.36}, "logg": {"r2": 0.9}}
BAD = {"log_age": {"rmse": 0.33, "rmse_constant": 0.33, "r2": 0.01}, "logg": {"r2": -0.28}, "teff": {"r2": 0.8}}


def card(scores: dict[str, dict[str, float]], view: str = "spectrum and photometry") -> dict[str, object]:
    """A card with these scores."""
    return {"metrics_mock_test": {view: scores}}
