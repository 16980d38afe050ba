"""Likelihood of track samples given magnitudes and a parallax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.bolometric_corrections import load_bolometric
from stellar_core.constants import SUN_MBOL, SUN_TEFF
from stellar_core.errors import ParameterError
from stellar_core.isochrones.mesh import TrackSamples

#: Error of the models' own magnitudes, added in quadrature to each band, mag.
MODEL_ERROR = 0.03
#: Nodes of the integral over the distance modulus, in its standard deviations.
HERMITE_NODES, HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


@dataclass(frozen=True)
class PhotometricLikelihood:
    """SDSS magnitudes, and the parallax where it is known.

    For each sample the five magnitudes give the distance modulus and the chi-square of the colours. The
    modulus is then integrated over the parallax and a density of stars that is uniform in space (dN
    proportional to d^2 dd). Without a parallax only the colours and that density enter.

    Attributes
    ----------
    magnitudes, errors : (5,) float
        ugriz magnitudes and their errors, mag.
    extinction : (5,) float
        Extinction in each band, mag.
    parallax, parallax_error : float or None
        mas.
    """

    magnitudes: np.ndarray
    errors: np.ndarray
    extinction: np.ndarray
    parallax: float | None = None
    parallax_error: float | None = None

    def __post_init__(self) -> None:
        for name in ("magnitudes", "errors", "extinction"):
            values = np.array(getattr(self, name), float)
            if values.shape != (5,) or not np.isfinite(values).all():
                raise ParameterError(f"The {name} must be five finite numbers (u, g, r, i, z), in mag.")
            object.__setattr__(self, name, values)
        if (self.errors <= 0).any():
            raise ParameterError("The errors of the magnitudes must be positive.", value=self.errors)
        if (self.parallax is None) != (self.parallax_error is None):
            raise ParameterError("A parallax needs its error, and the error a parallax, both in mas.")
        if self.parallax is not None and not (np.isfinite(self.parallax) and 0 < self.parallax_error < np.inf):
            raise ParameterError(
                f"The parallax must be finite and its error positive (mas), got {self.parallax} and "
                f"{self.parallax_error}.",
                value=self.parallax,
            )

    @property
    def sharpness(self) -> np.ndarray:
        """(3,) resolution of these data in Teff (K), log g and [Fe/H], for the spacing of the samples."""
        colour = float(np.hypot(self.errors, MODEL_ERROR).min())
        modulus = np.inf
        if self.parallax is not None and self.parallax > 0:
            modulus = np.hypot(2.17 * self.parallax_error / self.parallax, colour)
        return np.array([max(1500.0 * colour, 20.0), max(0.4 * modulus, 0.03), np.inf])

    def log_likelihood(self, samples: TrackSamples) -> np.ndarray:
        """(n_sample,) log likelihood of each sample."""
        teff = 10.0**samples.log_teff
        correction, _ = load_bolometric().at(teff, samples.logg, samples.feh_surface)  # (n_sample, 5)
        bolometric = SUN_MBOL - 5.0 * samples.log_radius - 10.0 * np.log10(teff / SUN_TEFF)
        moduli = (self.magnitudes - self.extinction) - (bolometric[:, None] - correction)
        precision = 1.0 / (self.errors**2 + MODEL_ERROR**2)
        modulus = moduli @ precision / precision.sum()
        spread = 1.0 / np.sqrt(precision.sum())
        log_like = -0.5 * ((moduli - modulus[:, None]) ** 2 @ precision)
        if self.parallax is None:
            return log_like + 0.6 * np.log(10.0) * modulus
        nodes = modulus[:, None] + spread * HERMITE_NODES  # (n_sample, n_node)
        parallax = 10.0 ** (2.0 - 0.2 * nodes)  # mas
        # a parallax much more precise than the magnitudes must not fall between the nodes of the modulus
        error = np.hypot(self.parallax_error, 0.46 * parallax * spread * 0.5)
        exponent = -0.5 * ((parallax - self.parallax) / error) ** 2 - np.log(error) + 0.6 * np.log(10.0) * nodes
        top = exponent.max(axis=1)
        return log_like + top + np.log(np.exp(exponent - top[:, None]) @ HERMITE_WEIGHTS)
