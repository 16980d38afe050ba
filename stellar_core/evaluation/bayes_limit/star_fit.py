"""Likelihood of an observed MOCK star about a fiducial one, as a quadratic form in its spectrum and magnitudes.

The likelihood is that of the emulated spectrum and five magnitudes with the mock's own noise covariance. Flux scale and
tilt, smooth errors of the calibration, telluric bands, dust, line spread, velocity, the scatter of library stars,
interstellar lines, sky residuals and the distance are marginalised with normal priors, linearly about the fiducial
star.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stellar_core.bolometric_corrections import RV, load_bolometric
from stellar_core.evaluation.bayes_limit.observation_model import DUST, VELOCITY, Design, Fiducial, load_model
from stellar_core.evaluation.bayes_limit.observed_star import ObservedStar
from stellar_core.evaluation.bayes_limit.pixel_noise import Whitening
from stellar_core.evaluation.bayes_limit.population_samples import PopulationSamples
from stellar_core.mock.selection import Selection

#: Pixels farther than this from the best spectrum, in errors, are spikes.
SPIKE = 4.5
#: Directions of the samples with less than this variance in chi-square are left out.
NEGLIGIBLE = 1e-3
#: Prior width of the distance modulus, mag; that of the population follows.
_WIDE = 10.0


@dataclass(frozen=True)
class Quadratic:
    """Chi-square of a star x from the fiducial one, marginal over the nuisances: chi2 - 2 vector x + x matrix x.

    x holds the differences of the coefficients, then those of the absolute magnitudes. ``solve`` (m, n) and ``cross``
    (n, k + 5) give the most probable nuisances from the data (n,): solve (data - cross x).
    """

    chi2: float
    vector: np.ndarray
    matrix: np.ndarray
    data: np.ndarray
    cross: np.ndarray
    solve: np.ndarray
    design: Design | None = None

    @classmethod
    def marginal(
        cls, data: np.ndarray, cross: np.ndarray, nuisances: np.ndarray, design: Design | None = None
    ) -> Quadratic:
        """Marginalise over nuisances of unit variance.

        Parameters
        ----------
        data : (n,) float
            Data less the fiducial star, with errors of unit variance.
        cross : (n, k + 5) float
            Change of the data with x.
        nuisances : (m, n) float
            Change of the data with each nuisance.
        design : Design, optional
        """
        # Woodbury: the inverse covariance of the data is 1 - nuisances' (1 + nuisances nuisances')^-1 nuisances.
        solve = np.linalg.solve(np.eye(len(nuisances)) + nuisances @ nuisances.T, nuisances)
        left = data - nuisances.T @ (solve @ data)
        matrix = cross.T @ cross - (nuisances @ cross).T @ (solve @ cross)
        return cls(float(data @ left), cross.T @ left, matrix, data, cross, solve, design)

    def nuisances(self, x: np.ndarray) -> np.ndarray:
        """Most probable nuisances (m,) of the star at ``x``, in units of their priors."""
        return self.solve @ (self.data - self.cross @ x)

    def of(self, samples: PopulationSamples, coefficients: np.ndarray, absolute: np.ndarray) -> np.ndarray:
        """Chi-square (n,) of ``samples``; the fiducial star has these ``coefficients`` and ``absolute`` magnitudes."""
        size, directions = np.linalg.eigh(self.matrix)
        k = coefficients.size
        few = slice(None, None, max(1, len(samples) // 2000))
        moved = samples.coefficients[few] @ directions[:k] + samples.absolute[few] @ directions[k:]
        kept = size * moved.var(axis=0) > NEGLIGIBLE
        root = np.sqrt(size[kept])
        least = directions[:, kept].T @ self.vector / root
        map_ = directions[:, kept] * root
        place = samples.coefficients @ map_[:k].astype(np.float32)
        place += samples.absolute @ map_[k:].astype(np.float32)
        place -= (np.concatenate([coefficients, absolute]) @ map_ + least).astype(np.float32)
        return self.chi2 - float(least @ least) + np.einsum("ij,ij->i", place, place)


class StarFit:
    """The fiducial star of one observed star, moved towards the best one."""

    def __init__(self, star: ObservedStar, samples: PopulationSamples, row: int) -> None:
        self.star, self.model = star, load_model(star.instrument)
        use = self.model.tool.pixels
        self.flux, self.ivar = star.flux[use].astype(float), star.ivar[use].astype(float)
        self.measured = self.good = self.ivar > 0
        self.sigma = self.model.tool.noise_scale[use].astype(float)
        self.sigma = self.sigma / np.sqrt(np.where(self.good, self.ivar, 1.0))
        self.scale = np.ones(self.flux.size)
        self.absolute = samples.absolute[row].astype(float)
        self.at = Fiducial(
            samples.coefficients[row].astype(float),
            (float(samples.teff[row]), float(samples.logg[row]), float(samples.feh[row])),
            star.velocity_kms,
            star.velocity_error,
            star.ebv,
            star.ebv_error,
        )

    @property
    def extinction(self) -> np.ndarray:
        """A / E(B-V) (5,) in ugriz."""
        return RV * load_bolometric().at(*(np.array([value]) for value in self.at.atmosphere))[1][0]

    def modulus(self, absolute: np.ndarray) -> np.ndarray:
        """Distance modulus (n,), mag, of stars of ``absolute`` magnitudes (n, 5)."""
        weight = self.star.errors**-2.0 / (self.star.errors**-2.0).sum()
        dust = (self.at.ebv - Selection().ebv) * self.extinction
        return float(weight @ (self.star.magnitudes - dust)) - absolute @ weight

    def quadratic(self) -> Quadratic:
        """Chi-square about the fiducial star."""
        star, at = self.star, self.at
        design = self.model.design(at, self.flux, self.ivar * self.good, self.model.sky_level(star.sky))
        whiten = Whitening(self.model.band, self.sigma * self.scale, self.good)
        rows = whiten(np.vstack([self.flux - design.model, design.basis, design.nuisances]))
        k, errors = len(design.basis), star.errors
        # Magnitudes are five more data; they share dust with the spectrum and have the distance as their nuisance.
        offset = star.magnitudes - self.absolute - (at.ebv - Selection().ebv) * self.extinction
        offset = offset - self.modulus(self.absolute[None])[0]
        nuisances = np.zeros((len(design.nuisances) + 1, rows.shape[1] + 5))
        nuisances[:-1, :-5] = rows[k + 1 :]
        nuisances[DUST, -5:] = at.ebv_error * self.extinction / errors
        nuisances[-1, -5:] = _WIDE / errors
        cross = np.zeros((rows.shape[1] + 5, k + 5))
        cross[:-5, :k] = rows[1 : k + 1].T
        cross[-5:, k:] = np.diag(1.0 / errors)
        data = np.concatenate([rows[0], offset / errors])
        # The priors of velocity and dust are centred on the measured values.
        data -= nuisances[VELOCITY] * ((star.velocity_kms - at.velocity_kms) / at.velocity_error)
        data -= nuisances[DUST] * ((star.ebv - at.ebv) / at.ebv_error)
        return Quadratic.marginal(data, cross, nuisances, design)

    def move(self, found: Quadratic, coefficients: np.ndarray, absolute: np.ndarray, atmosphere: np.ndarray) -> None:
        """Make a star the fiducial one: with the velocity and dust that suit it, without spikes, with the noise that
        the residuals show."""
        x = np.concatenate([coefficients - self.at.coefficients, absolute - self.absolute])
        nuisances = found.nuisances(x)
        star, at, k = self.star, self.at, coefficients.size
        velocity = star.velocity_kms + at.velocity_error * nuisances[VELOCITY]
        ebv = max(0.0, star.ebv + at.ebv_error * nuisances[DUST])
        nuisances[VELOCITY] += (star.velocity_kms - at.velocity_kms) / at.velocity_error
        nuisances[DUST] += (star.ebv - at.ebv) / at.ebv_error
        design = found.design
        residual = self.flux - design.model - x[:k] @ design.basis - nuisances[:-1] @ design.nuisances
        error = residual / (self.sigma * np.sqrt(self.model.band[0]))
        self.good = self.measured & (np.abs(error) < SPIKE * self.scale)
        self.scale = np.exp(_noise_scale(error, self.model.residual_scale, self.good))
        self.absolute = absolute
        self.at = replace(at, coefficients=coefficients, atmosphere=tuple(atmosphere), velocity_kms=velocity, ebv=ebv)


def _noise_scale(error: np.ndarray, components: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Most probable ln of the noise scale (p,) from the residuals over their errors, by components of unit prior."""
    amounts, rows, squares = np.zeros(len(components)), components[:, good], error[good] ** 2
    for _ in range(5):
        excess = squares * np.exp(-2.0 * amounts @ rows)
        gradient = rows @ (excess - 1.0) - amounts
        hessian = 2.0 * (rows * excess) @ rows.T + np.eye(len(amounts))
        amounts = amounts + np.linalg.solve(hessian, gradient)
    return amounts @ components
