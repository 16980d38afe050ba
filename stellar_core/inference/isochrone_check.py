"""A second opinion: the isochrones' posterior for the atmosphere that the network found."""

from __future__ import annotations

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.inference.result import Result
from stellar_core.isochrones import posterior

#: Added to the covariance of the draws so that it is never singular: 1 K and 0.01 dex, squared.
_LEAST = np.diag([1.0, 1e-4, 1e-4])
#: Largest cell in units of the errors: twice the engine's own moves no mean by more than 0.002 dex.
_CELL_SIZE = 1.0


def second_opinion(result: Result) -> dict[str, object]:
    """What MIST says about a star of this Teff, log g and [Fe/H].

    The exact posterior on the tracks for the Gaussian with the mean and the covariance
    of the result's draws; it knows neither the network's age nor the paper's labels.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
        The ``posterior`` object of the ``label`` command (``log_age``, ``mass``,
        ``log_lifetime``, ``stage``, ...); empty where the models have no such star.
    """
    draws = np.array([result.draws[name] for name in ("teff", "logg", "feh")], dtype=float)
    try:
        found = posterior(*draws.mean(axis=1), covariance=np.cov(draws) + _LEAST, cell_size=_CELL_SIZE).to_dict()
    except ParameterError:
        return {}
    return dict(found["posterior"]) if found["inside_models"] else {}
