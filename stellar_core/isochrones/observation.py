"""The measured atmosphere of one star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import ParameterError

#: Accepted ranges of Teff (K), log g and [Fe/H] (dex); values outside are mistakes of units.
POSSIBLE = {"Teff": (500.0, 300_000.0, "K"), "log g": (-5.0, 10.0, "dex"), "[Fe/H]": (-10.0, 5.0, "dex")}
#: An unknown value stands here with an error (K, dex, dex) that says nothing.
UNKNOWN_VALUES, UNKNOWN_ERRORS = (6000.0, 4.0, -0.2), (1e5, 100.0, 100.0)


@dataclass(frozen=True)
class Observation:
    """Teff, log g and surface [Fe/H] with a Gaussian error.

    Attributes
    ----------
    teff, logg, feh : float
        K, dex(cm/s2), dex.
    covariance : (3, 3) float
        Covariance of the three in that order, units K and dex.

    Raises
    ------
    ParameterError
        Where a value is not finite or impossible, or the covariance is not positive definite.
    """

    teff: float
    logg: float
    feh: float
    covariance: np.ndarray

    def __post_init__(self) -> None:
        for (name, (low, high, unit)), value in zip(POSSIBLE.items(), self.mean):
            if not np.isfinite(value):
                raise ParameterError(f"{name} is {value}, not a finite number of {unit}.", value=value)
            if not low <= value <= high:
                raise ParameterError(
                    f"{name} = {value:g} {unit} is impossible: check the units ({low:g} to {high:g} {unit}).",
                    value=value,
                )
        covariance = np.array(self.covariance, float)
        if covariance.shape != (3, 3) or not np.isfinite(covariance).all():
            raise ParameterError("The covariance must be a finite 3x3 matrix (K, dex, dex).", value=self.covariance)
        if not np.allclose(covariance, covariance.T) or (np.diag(covariance) <= 0).any():
            raise ParameterError("The covariance must be symmetric with a positive diagonal.", value=self.covariance)
        errors = np.sqrt(np.diag(covariance))
        if np.linalg.eigvalsh(covariance / np.outer(errors, errors)).min() <= 1e-6:
            raise ParameterError("The covariance must be positive definite.", value=self.covariance)
        object.__setattr__(self, "covariance", covariance)

    @classmethod
    def from_errors(
        cls, teff: float | None, logg: float | None, feh: float | None, errors: tuple[float, float, float] = SSPP_ERRORS
    ) -> Observation:
        """Independent ``errors`` in K, dex, dex; all must be positive and finite. None is an unknown value."""
        check_errors(errors)
        given = (teff, logg, feh)
        errors = [unknown if value is None else error for value, error, unknown in zip(given, errors, UNKNOWN_ERRORS)]
        values = [unknown if value is None else float(value) for value, unknown in zip(given, UNKNOWN_VALUES)]
        return cls(*values, np.diag(np.square(np.asarray(errors, float))))

    @property
    def mean(self) -> np.ndarray:
        """(3,) Teff, log g, [Fe/H]."""
        return np.array([self.teff, self.logg, self.feh], float)

    @property
    def errors(self) -> np.ndarray:
        """(3,) standard deviations in K, dex, dex."""
        return np.sqrt(np.diag(self.covariance))


def check_errors(errors: tuple[float, float, float]) -> None:
    """Raise `ParameterError` unless ``errors`` are three positive finite numbers."""
    values = np.asarray(errors, float)
    if values.shape != (3,):
        raise ParameterError(f"Three errors are needed (K, dex, dex), got {values.size}.", value=errors)
    if not np.isfinite(values).all() or (values <= 0).any():
        listed = ", ".join(f"{value:g}" for value in values)
        raise ParameterError(f"The errors must be positive and finite (K, dex, dex), got {listed}.", value=errors)
