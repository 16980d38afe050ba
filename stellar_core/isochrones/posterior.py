"""The exact posterior of one star's age, mass, lifetime and stage.

The prior density over the tracks, p(mass) p([Fe/H]) p(age) d(age), times the likelihood of the observed
atmosphere, summed over track samples whose spacing is small against the errors. Every quantity is a marginal
of this one distribution, so age, lifetime and stage always agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import ParameterError
from stellar_core.intervals import Interval, weighted_quantiles
from stellar_core.isochrones import summary
from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
from stellar_core.isochrones.atmosphere_likelihood import likelihood
from stellar_core.isochrones.mesh import Mesh, TrackSamples, Window, mesh_of
from stellar_core.isochrones.observation import Observation
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.systematics import load_model_errors
from stellar_core.isochrones.track_segments import TrackSegments
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import Tracks

#: Distance from a star within which samples are made, and their largest extent, in units of the errors. Dwarfs
#: outnumber stars of the Hertzsprung gap by more than a distance of five errors suppresses them.
REACH, SPACING = 6.0, 1.0
#: Largest extent of a sample in log age, dex: draws and histograms of a star are smooth.
AGE_RESOLUTION = 0.02
#: Largest chi-square of the best sample of a star inside the models: exceeded by 1 % for three Gaussian errors.
MAX_CHI2 = 11.34
#: Samples below this fraction of the most probable one are dropped.
NEGLIGIBLE = 1e-8
#: Samples above this fraction of the most probable one decide whether photometry contradicts the atmosphere, and the
#: chi-square from which it does, or so much less than that from which the parallax is probably wrong.
NEARLY, CONFLICT, MARGIN = 1e-4, 25.0, 6.0
#: Smallest probability of a chi-square of the colours.
RARE = 1e-4
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
        Squared distance, in errors, from the models; infinite where none is near.
    offset : (n_sample,) float or None
        Mean [M/H] - [Fe/H] of each sample, dex; None for a solar mixture.
    photometry : PhotometricLikelihood or None
        Magnitudes and parallax that the posterior knows.
    colour_chi2 : float
        Smallest chi-square of the colours among the probable samples, at any extinction.
    segments : TrackSegments or None
        Where the stars lie that each sample stands for; None where the samples are so small that they need not be told
        from them.
    """

    samples: TrackSamples
    probability: np.ndarray
    priors: Priors
    mesh: Mesh = field(repr=False)
    chi2_min: float = np.inf
    offset: np.ndarray | None = field(default=None, repr=False)
    photometry: PhotometricLikelihood | None = field(default=None, repr=False)
    colour_chi2: float = 0.0
    segments: TrackSegments | None = field(default=None, repr=False)

    @property
    def inside_models(self) -> bool:
        """False where the models have no star within the errors (`MAX_CHI2`); then nothing else is defined."""
        return len(self.samples) > 0

    def values(self, quantity: str) -> np.ndarray:
        """``quantity`` of every sample, any field of `TrackSamples`, or ``teff`` in K.

        ``feh`` and ``feh_surface`` are [Fe/H].
        """
        self._require_inside()
        values = 10.0**self.samples.log_teff if quantity == "teff" else getattr(self.samples, quantity)
        return values - self.offset if quantity in ("feh", "feh_surface") and self.offset is not None else values

    def interval(self, quantity: str) -> Interval:
        """Mean, standard deviation and quantiles of a quantity of `values`."""
        return Interval.from_weighted(self.values(quantity), self.probability, self._half_widths(quantity))

    def quantiles(self, quantity: str, levels: np.ndarray) -> np.ndarray:
        """Quantiles at ``levels`` in [0, 1]."""
        return weighted_quantiles(self.values(quantity), self.probability, levels, self._half_widths(quantity))

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
        """Draw ``n`` stars from the posterior, each a star of the models: a sample, or a point of its segment."""
        self._require_inside()
        chosen = rng.choice(len(self.samples), size=n, p=self.probability)
        drawn = self.samples.select(chosen)
        return drawn if self.segments is None else self.segments.select(chosen).stars(drawn, self.mesh, rng)

    def distance_and_extinction(self) -> tuple[Interval, Interval]:
        """Intervals of the distance (pc) and of A_V (mag), for a star with magnitudes."""
        return self._light[:2]

    def doubts(self) -> dict[str, object]:
        """What speaks against the magnitudes or the parallax: `PhotometricLikelihood.doubts`, and whether the colours
        fit no star of this atmosphere."""
        fit = self.photometry is None or bool(colours_fit(self.photometry, self.colour_chi2))
        return {**self._light[2], "colours_fit": fit}

    @cached_property
    def _light(self) -> tuple[Interval, Interval, dict[str, float]]:
        self._require_inside()
        if self.photometry is None:
            raise ParameterError("A distance needs magnitudes.")
        distance, extinction, doubts = self.photometry.summary(self.samples, self.probability)
        return Interval.from_weighted(*distance), Interval.from_weighted(*extinction), doubts

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
            if self.photometry is not None:
                distance, extinction = self.distance_and_extinction()
                state["posterior"] |= {
                    "distance_pc": distance.to_dict(),
                    "av_mag": extinction.to_dict(),
                    **self.doubts(),
                }
        return state

    def _half_widths(self, quantity: str) -> np.ndarray | None:
        return None if self.segments is None else self.segments.half_width_of(quantity, self.samples)

    def _require_inside(self) -> None:
        if not self.inside_models:
            raise ParameterError(
                "The star lies outside the models: no track point fits within its errors, so its age is undefined."
            )


def infer_posterior(
    teff: float | None,
    logg: float | None,
    feh: float | None,
    errors: tuple[float, float, float] = SSPP_ERRORS,
    *,
    covariance: np.ndarray | None = None,
    priors: Priors = Priors(),
    alpha: AlphaEnhancement = AlphaEnhancement(),
    systematics: bool = True,
    tracks: Tracks | None = None,
    photometry: PhotometricLikelihood | None = None,
    spacing: float = SPACING,
) -> Posterior:
    """Infer the posterior of one star from its atmosphere.

    Parameters
    ----------
    teff, logg, feh : float
        Effective temperature in K, log g in dex(cm/s2), surface [Fe/H] in dex. None is an unknown value.
    errors : tuple of float
        Standard deviations in K, dex, dex; ignored if ``covariance`` is given.
    covariance : (3, 3) array_like, optional
        Full covariance in K and dex.
    priors : Priors
    alpha : AlphaEnhancement
        [alpha/Fe]; by default marginalised over the Galaxy's components.
    systematics : bool
        Correct the tracks for their systematic errors and add those that remain (`systematics.ModelErrors`).
    tracks : Tracks, optional
        The shipped tracks by default.
    photometry : PhotometricLikelihood, optional
        Magnitudes and parallax, independent of the atmosphere.
    spacing : float
        Largest extent of the samples in units of the errors.

    Raises
    ------
    ParameterError
        For values that are not finite or impossible, and errors that are not positive.
    """
    if covariance is None:
        star = Observation.from_errors(teff, logg, feh, errors)
    else:
        star = Observation(float(teff), float(logg), float(feh), covariance)
    tracks = tracks if tracks is not None else load_tracks()
    if systematics:
        errors_of_models = load_model_errors()
        tracks = errors_of_models.corrected(tracks)
        star = replace(star, covariance=star.covariance + errors_of_models.covariance(*star.mean))
    mesh = mesh_of(tracks, priors)
    found = weigh_samples(mesh, star.mean, star.covariance, alpha, photometry, spacing, AGE_RESOLUTION)
    total = found.weight.sum() if found.weight.size else 1.0
    return Posterior(
        found.samples, found.weight / total, priors, mesh, found.chi2_min, found.offset, photometry, found.colour_chi2
    )


class WeighedSamples(NamedTuple):
    """Samples of the tracks near one star.

    Attributes
    ----------
    samples : TrackSamples
        None outside the models.
    weight : (n_sample,) float64
        Posterior weights, not normalised.
    offset : (n_sample,) float32
        Mean [M/H] - [Fe/H], dex.
    chi2_min : float
        Squared distance of the atmosphere from the models, in errors.
    colour_chi2 : float
        As in `Posterior`.
    """

    samples: TrackSamples
    weight: np.ndarray
    offset: np.ndarray
    chi2_min: float
    colour_chi2: float = 0.0


def weigh_samples(
    mesh: Mesh,
    mean: np.ndarray,
    covariance: np.ndarray,
    alpha: AlphaEnhancement,
    photometry: PhotometricLikelihood | None,
    spacing: float,
    age: float,
    growth: float = 1.0,
) -> WeighedSamples:
    """Find the samples of the tracks near one star, and their posterior weights.

    Parameters
    ----------
    mesh : Mesh
    mean, covariance : (3,), (3, 3) float
        Teff (K), log g, [Fe/H], and their errors, those of the models included.
    alpha, photometry, spacing
        As for `infer_posterior`.
    age : float
        Largest extent of a sample in log age, dex.
    growth : float
        How fast samples grow with their distance from the star.
    """
    priors = mesh.priors
    window = replace(window_of(mean, covariance, alpha, priors, spacing), age=age, reach=growth * REACH)
    colour_chi2 = 0.0
    if photometry is None or not photometry.magnitudes:
        samples = mesh.pieces(window)
        weight, offset, chi2_min = likelihood(samples, mean, covariance, alpha, priors)
    else:
        # a parallax that contradicts the atmosphere leaves no star in its window: it may be wrong
        for narrow in (photometry.window(window, mean, covariance, spacing), window):
            samples = mesh.pieces(narrow)
            weight, offset, chi2_min = likelihood(samples, mean, covariance, alpha, priors)
            keep = np.flatnonzero(weight > NEGLIGIBLE / 100 * weight.max(initial=0.0))
            samples, weight, offset = samples.select(keep), weight[keep], offset[keep]
            light, colours = photometry.evaluate(samples, np.log(weight))
            near = light[weight > NEARLY * weight.max(initial=0.0)]
            if chi2_min - 2.0 * near.max(initial=-np.inf) < min(CONFLICT, 2.0 * photometry.modulus.depth - MARGIN):
                break
        weight = weight * np.exp(light - light.max(initial=-np.inf))
        colour_chi2 = float(colours[weight > 0.01 * weight.max(initial=0.0)].min(initial=np.inf))
    keep = weight > NEGLIGIBLE * weight.max(initial=0.0) if chi2_min <= MAX_CHI2 else np.zeros(weight.size, bool)
    return WeighedSamples(samples.select(keep), weight[keep], offset[keep], chi2_min, colour_chi2)


def colours_fit(photometry: PhotometricLikelihood, chi2: float | np.ndarray) -> bool | np.ndarray:
    """False where colours of ``chi2`` are less likely than `RARE` for a star of the models."""
    return chdtrc(max(len(photometry.magnitudes) - 1, 1), np.maximum(chi2, 0.0)) >= RARE


def window_of(
    mean: np.ndarray, covariance: np.ndarray, alpha: AlphaEnhancement, priors: Priors, spacing: float = SPACING
) -> Window:
    """Window of the samples that matter to a star of observed Teff (K), log g and [Fe/H]."""
    errors = np.sqrt(np.diag(covariance))
    conditional = 1.0 / np.sqrt(np.diag(np.linalg.inv(covariance)))
    correlation = covariance / np.outer(errors, errors)
    to_log = np.array([1.0 / (mean[0] * np.log(10.0)), 1.0, 1.0])
    centre = np.array([np.log10(mean[0]), mean[1], mean[2]])
    smallest, largest = alpha.offset_range(mean[2], errors[2], priors)
    margin = REACH * np.sqrt(np.linalg.eigvalsh(correlation).max()) * errors * to_log
    # the lower side of the temperature is longer in its logarithm
    margin[0] = max(margin[0], centre[0] - np.log10(max(mean[0] - margin[0] / to_log[0], 0.3 * mean[0])))
    shift = np.array([0.0, 0.0, 1.0])
    return Window(centre + smallest * shift, centre + largest * shift, spacing * conditional * to_log, margin, REACH)
