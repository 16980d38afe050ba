"""The exact posterior of one star's age, mass, lifetime and stage.

The prior density over the tracks, p(mass) p([Fe/H]) p(age) d(age), times the likelihood of the observed
atmosphere, summed over track samples whose spacing is small against the errors. Every quantity is a marginal
of this one distribution, so age, lifetime and stage always agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import ParameterError
from stellar_core.intervals import Interval, weighted_quantiles
from stellar_core.isochrones import summary
from stellar_core.isochrones.mesh import Mesh, TrackSamples, Window, mesh_of
from stellar_core.isochrones.observation import Observation
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import Tracks

#: Half width of the window around a star and spacing of the samples, in units of the errors.
REACH, SPACING = 6.0, 0.5
#: Largest chi-square of the best sample of a star inside the models: exceeded by 1 % for three Gaussian errors.
MAX_CHI2 = 11.34
#: Samples below this fraction of the most probable one are dropped.
NEGLIGIBLE = 1e-8
#: Largest number of kernels; from more draws, this many are chosen evenly.
MAX_KERNELS = 128
#: Quantities with an interval: fields of `TrackSamples`.
QUANTITIES = ("log_age", "mass", "log_lifetime")


@dataclass(frozen=True)
class Posterior:
    """Probabilities over track samples.

    Attributes
    ----------
    samples : TrackSamples
        Samples with probability, each a valid star; none where ``inside_models`` is False.
    probability : (n_sample,) float
        Sums to 1.
    priors : Priors
    mesh : Mesh
        Source of the samples; gives the intervals of the prior.
    chi2_min : float
        Squared distance, in errors, to the best sample; infinite where none is near.
    """

    samples: TrackSamples
    probability: np.ndarray
    priors: Priors
    mesh: Mesh = field(repr=False)
    chi2_min: float = np.inf

    @property
    def inside_models(self) -> bool:
        """False where the models have no star within the errors (`MAX_CHI2`); then nothing else is defined."""
        return len(self.samples) > 0

    def values(self, quantity: str) -> np.ndarray:
        """``quantity`` of every sample, any field of `TrackSamples`, or ``teff`` in K."""
        self._require_inside()
        return 10.0**self.samples.log_teff if quantity == "teff" else getattr(self.samples, quantity)

    def interval(self, quantity: str) -> Interval:
        """Mean, standard deviation and quantiles of a quantity of `values`."""
        return Interval.from_weighted(self.values(quantity), self.probability)

    def quantiles(self, quantity: str, levels: np.ndarray) -> np.ndarray:
        """Quantiles at ``levels`` in [0, 1]."""
        return weighted_quantiles(self.values(quantity), self.probability, levels)

    def modes(self, quantity: str = "log_age") -> tuple[summary.Mode, ...]:
        """Peaks of the marginal, most probable first."""
        return summary.modes(self.values(quantity), self.probability)

    def bimodal(self, quantity: str = "log_age", least: float = 0.1) -> bool:
        """True if a second peak holds at least ``least`` of the probability."""
        found = self.modes(quantity)
        return len(found) > 1 and found[1].probability >= least

    def stages(self) -> dict[str, float]:
        """Probability of each of the five stages."""
        return summary.stage_probabilities(self.values("teff"), self.samples.logg, self.probability)

    def phases(self) -> dict[str, float]:
        """Probability of each evolutionary phase (main sequence, core helium burning, ...)."""
        return summary.phase_probabilities(self.values("eep"), self.probability)

    def draws(self, n: int, rng: np.random.Generator) -> TrackSamples:
        """Draw ``n`` stars from the posterior, each a sample of the models."""
        self._require_inside()
        return self.samples.select(rng.choice(len(self.samples), size=n, p=self.probability))

    def prior_interval(self, quantity: str) -> Interval:
        """Interval of a quantity under the prior."""
        samples = self.mesh.prior_samples
        return Interval.from_weighted(getattr(samples, quantity), samples.weight)

    def to_dict(self) -> dict[str, object]:
        """The ``inside_models``, ``posterior``, ``prior`` and ``models`` entries of the command line."""
        prior = {name: self.prior_interval(name).to_dict() for name in QUANTITIES}
        state: dict[str, object] = {
            "inside_models": self.inside_models,
            "posterior": None,
            "prior": {**prior, "assumed": self.priors.to_dict()},
            "models": self.mesh.tracks.source,
        }
        if self.inside_models:
            state["posterior"] = {
                **{name: self.interval(name).to_dict() for name in QUANTITIES},
                "stage": self.stages(),
                "phase": self.phases(),
                "log_age_modes": [{"log_age": m.value, "probability": m.probability} for m in self.modes()],
                "bimodal": self.bimodal(),
                "chi2_min": self.chi2_min,
            }
        return state

    def _require_inside(self) -> None:
        if not self.inside_models:
            raise ParameterError(
                "The star lies outside the models: no track point fits within its errors, so its age is undefined."
            )


def infer_posterior(
    teff: float,
    logg: float,
    feh: float,
    errors: tuple[float, float, float] = SSPP_ERRORS,
    *,
    covariance: np.ndarray | None = None,
    priors: Priors = Priors(),
    tracks: Tracks | None = None,
    photometry: PhotometricLikelihood | None = None,
    spacing: float = SPACING,
) -> Posterior:
    """Infer the posterior of one star from its atmosphere.

    Parameters
    ----------
    teff, logg, feh : float
        Effective temperature in K, log g in dex(cm/s2), surface [Fe/H] in dex.
    errors : tuple of float
        Standard deviations in K, dex, dex; ignored if ``covariance`` is given.
    covariance : (3, 3) array_like, optional
        Full covariance in K and dex.
    priors : Priors
    tracks : Tracks, optional
        The shipped tracks by default.
    photometry : PhotometricLikelihood, optional
        Magnitudes and parallax, independent of the atmosphere.
    spacing : float
        Spacing of the samples in units of the errors.

    Raises
    ------
    ParameterError
        For values that are not finite or impossible, and errors that are not positive.
    """
    if covariance is None:
        star = Observation.from_errors(teff, logg, feh, errors)
    else:
        star = Observation(float(teff), float(logg), float(feh), covariance)
    precision = np.linalg.inv(star.covariance)
    conditional = 1.0 / np.sqrt(np.diag(precision))

    def chi2(samples: TrackSamples) -> np.ndarray:
        offset = _observables(samples) - star.mean
        return np.einsum("ni,ij,nj->n", offset, precision, offset)

    mesh = mesh_of(tracks if tracks is not None else load_tracks(), priors)
    if photometry is not None:
        conditional = np.minimum(conditional, photometry.sharpness)
    window = window_of(star.mean, REACH * star.errors, spacing * conditional)
    samples = mesh.samples(window)
    squares = chi2(samples)
    return _weigh(mesh, samples, -0.5 * squares, float(squares.min()) if len(samples) else np.inf, photometry)


def posterior_from_draws(
    draws: np.ndarray,
    *,
    priors: Priors = Priors(),
    tracks: Tracks | None = None,
    photometry: PhotometricLikelihood | None = None,
    spacing: float = SPACING,
) -> Posterior:
    """Infer the posterior of one star from draws of its atmosphere, of any distribution.

    The likelihood is a Gaussian kernel estimate (Scott's bandwidth; draws are shrunk towards
    their mean so that the covariance is kept, West 1993, J. R. Stat. Soc. B 55, 409).

    Parameters
    ----------
    draws : (n_draw, 3) array_like
        Teff in K, log g in dex(cm/s2), [Fe/H] in dex; at least 10.
    priors, tracks, photometry, spacing
        As for `infer_posterior`.
    """
    draws = np.asarray(draws, float)
    if draws.ndim != 2 or draws.shape[1] != 3 or len(draws) < 10 or not np.isfinite(draws).all():
        raise ParameterError(f"At least 10 finite draws of (Teff, log g, [Fe/H]) are needed, got shape {draws.shape}.")
    star = Observation(*draws.mean(axis=0), np.cov(draws, rowvar=False))
    used = draws[np.linspace(0, len(draws) - 1, min(len(draws), MAX_KERNELS)).astype(int)]
    bandwidth = len(used) ** (-1.0 / 7.0)
    kernels = star.mean + np.sqrt(1 - bandwidth**2) * (used - used.mean(axis=0))
    precision = np.linalg.inv(bandwidth**2 * star.covariance)
    factor = np.linalg.cholesky(precision)  # whitens a kernel
    conditional = 1.0 / np.sqrt(np.diag(precision))
    if photometry is not None:
        conditional = np.minimum(conditional, photometry.sharpness)
    mesh = mesh_of(tracks if tracks is not None else load_tracks(), priors)
    reach = np.maximum(np.abs(kernels - star.mean).max(axis=0) + 3.0 * bandwidth * star.errors, 4.0 * star.errors)
    samples = mesh.samples(window_of(star.mean, reach, 2.0 * spacing * conditional))
    whitened = ((_observables(samples) - star.mean) @ factor).astype(np.float32)
    centres = ((kernels - star.mean) @ factor).astype(np.float32)
    log_likelihood, nearest = np.empty(len(samples)), np.inf
    for start in range(0, len(samples), 20_000):
        part = slice(start, start + 20_000)
        squares = (
            (whitened[part] ** 2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2.0 * whitened[part] @ centres.T
        )
        nearest = min(nearest, float(squares.min()))
        log_likelihood[part] = np.log(np.exp(-0.5 * squares).mean(axis=1) + 1e-35)
    return _weigh(mesh, samples, log_likelihood, max(nearest, 0.0) * bandwidth**2, photometry)


def window_of(mean: np.ndarray, reach: np.ndarray, resolution: np.ndarray) -> Window:
    """Window around ``mean`` with half widths ``reach`` and spacing ``resolution``, each (3,) in K, dex, dex."""
    low, high = mean - reach, mean + reach
    to_log = 1.0 / (mean[0] * np.log(10.0))
    return Window(
        low=np.array([np.log10(max(low[0], 100.0)), *low[1:]]),
        high=np.array([np.log10(high[0]), *high[1:]]),
        resolution=np.array([resolution[0] * to_log, *resolution[1:]]),
    )


def _observables(samples: TrackSamples) -> np.ndarray:
    """(n_sample, 3): Teff in K, log g, surface [Fe/H]."""
    return np.stack([10.0**samples.log_teff, samples.logg, samples.feh_surface], axis=-1)


def _weigh(
    mesh: Mesh,
    samples: TrackSamples,
    log_likelihood: np.ndarray,
    chi2_min: float,
    photometry: PhotometricLikelihood | None,
) -> Posterior:
    """Prior times likelihood over ``samples``, normalised."""
    if not chi2_min <= MAX_CHI2:
        return Posterior(samples.select(slice(0, 0)), np.empty(0), mesh.priors, mesh, chi2_min)
    log_weight = np.log(samples.weight) + log_likelihood
    if photometry is not None:
        log_weight = log_weight + photometry.log_likelihood(samples)
    weight = np.exp(log_weight - log_weight.max())
    keep = weight > NEGLIGIBLE
    return Posterior(samples.select(keep), weight[keep] / weight[keep].sum(), mesh.priors, mesh, chi2_min)
