"""Isochrone fit to the atmosphere that a network inferred."""

from __future__ import annotations

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.inference.result import Result
from stellar_core.isochrones import infer_posterior
from stellar_core.isochrones.prior_comparison import compare_priors, other_prior

#: Added to the covariance of the draws, so that it is never singular: 1 K and 0.01 dex, squared.
_FLOOR = np.diag([1.0, 1e-4, 1e-4])


def check_against_isochrones(result: Result) -> dict[str, object]:
    """Fit MIST isochrones to a result's Teff, log g and [Fe/H].

    The exact posterior on the tracks under a Gaussian with the mean and covariance of the result's draws; it uses
    neither the network's age nor the paper's labels.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
        The ``posterior`` object of the ``label`` command (``log_age``, ``mass``, ``log_lifetime``, ``stage``,
        ``phase``, ...) with its ``other_prior``; empty if the models have no such star.
    """
    draws = np.array([result.draws[name] for name in ("teff", "logg", "feh")], dtype=float)
    star, covariance = draws.mean(axis=1), np.cov(draws) + _FLOOR
    try:
        found = infer_posterior(*star, covariance=covariance)
    except ParameterError:
        return {}
    if not found.inside_models:
        return {}
    changed = infer_posterior(*star, covariance=covariance, priors=other_prior(found.priors))
    return found.to_dict()["posterior"] | {"other_prior": compare_priors(found, changed)}
