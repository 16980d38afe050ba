"""The result for one star: intervals, stage probabilities, error budget and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stellar_core.intervals import Interval
from stellar_core.quantities import UNITS


@dataclass(frozen=True)
class ErrorBudget:
    """Contributions to the error of one quantity; standard deviations in its unit.

    Attributes
    ----------
    epistemic : float
        Model uncertainty: the scatter of the passes of MC dropout.
    input_noise : float
        Noise of this spectrum and photometry: the scatter over copies with the noise added once more.
    aleatoric : float
        Intrinsic: the rest of the variance of the calibrated result, such as several ages for one atmosphere; 0 if
        the others account for all.
    """

    epistemic: float
    input_noise: float
    aleatoric: float

    @classmethod
    def of(cls, total: float, epistemic: float, input_noise: float) -> ErrorBudget:
        """Split the standard deviation ``total`` into two known parts and the rest."""
        rest = max(total**2 - epistemic**2 - input_noise**2, 0.0)
        return cls(float(epistemic), float(input_noise), float(np.sqrt(rest)))

    def to_dict(self) -> dict[str, float]:
        """The three contributions by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def entropy(probability: np.ndarray) -> np.ndarray:
    """Entropy in nats of probabilities along the last axis."""
    p = np.asarray(probability, float)
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)


def mutual_information(passes: np.ndarray) -> float:
    """Mutual information of stage and network, nats, from passes (samples, 5).

    Entropy of their mean minus their mean entropy (Houlsby et al. 2011, arXiv:1112.5745).
    """
    return max(float(entropy(passes.mean(axis=0)) - entropy(passes).mean()), 0.0)


@dataclass(frozen=True)
class Verdict:
    """Trust in a result (``in_domain``), with the reasons for caution."""

    in_domain: bool
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The result for one star.

    Attributes
    ----------
    input : str
        The user's input: a file name or an identifier.
    star : str
        The star's name, plate-MJD-fiber where known.
    source : {"sdss", "mock", "upload"}
        Origin of the spectrum.
    model, seed, samples
        Name of the trained model, seed of the passes and their number.
    teff, logg, feh, log_age, log_lifetime : Interval
        In K, dex(cm/s2), dex, log10(yr), log10(yr).
    stage : mapping of str to float
        Probability of each of the five stages; sums to 1.
    verdict : Verdict
        Trust, and remarks on quality and domain.
    draws : mapping of str to (n_draw,) float
        The draws behind each interval, keyed like `UNITS`; and ``stage``, (samples, 5), the
        stage probabilities of the single passes.
    network : mapping of str to Interval
        The plain MC-dropout intervals before calibration, keyed like `UNITS`.
    parts : mapping of str to ErrorBudget
        Error budgets, keyed like `UNITS`; empty without MC dropout.
    quality : mapping
        Numbers behind the verdict: ``snr``, ``coverage``, ``redshift``, ``redshift_source``,
        ``photometry`` ("used", "missing" or "not read by this model"), ``feature_distance`` and ``misfit`` with their
        ``limits``, and ``gate``, every out-of-distribution score over its limit.
    parallax : mapping or None
        None where no parallax was used. Else plain values: what was used (`Astrometry.to_dict`); ``distance_pc`` and
        ``av_mag``, interval objects; ``wrong_parallax`` and ``companion``, the probabilities that the parallax is
        wrong and that a companion adds 0.3 mag or more; ``without``, the answers without the parallax: interval
        objects of ``log_age``, ``log_lifetime``, ``mass``, ``teff``, ``logg``, ``feh``, and ``stage``.
    template_fit : mapping or None
        `stellar_core.inference.template_fit.TemplateFit.to_dict` of the same spectrum, and ``contradicts``, the
        quantities in which the result contradicts it; None where there is no fit.
    """

    input: str
    star: str
    source: str
    model: str
    seed: int
    samples: int
    teff: Interval
    logg: Interval
    feh: Interval
    log_age: Interval
    log_lifetime: Interval
    stage: Mapping[str, float]
    verdict: Verdict
    draws: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)
    network: Mapping[str, Interval] = field(repr=False, default_factory=dict)
    quality: Mapping[str, object] = field(default_factory=dict)
    parts: Mapping[str, ErrorBudget] = field(default_factory=dict)
    parallax: Mapping[str, object] | None = None
    template_fit: Mapping[str, object] | None = None

    @property
    def from_isochrones(self) -> bool:
        """True if the result is a posterior over stars of the tracks, as from Model 9: each draw then has a mass."""
        return "mass" in self.draws

    @property
    def predictive_entropy(self) -> float:
        """Entropy of the stage, nats; at most ln 5 = 1.61."""
        return float(entropy(np.array(list(self.stage.values()))))

    @property
    def mutual_information(self) -> float | None:
        """Mutual information of stage and network, nats: the part of the entropy due to the model; None without MC
        dropout."""
        draws = self.draws.get("stage")
        return None if draws is None else mutual_information(np.asarray(draws))

    @property
    def most_likely_stage(self) -> str:
        """Name of the stage with the largest probability."""
        return max(self.stage, key=self.stage.__getitem__)

    def stage_interval(self) -> dict[str, dict[str, float]]:
        """Scatter of each stage's probability over the passes of MC dropout; empty without them."""
        draws = self.draws.get("stage")
        if draws is None:
            return {}
        return {name: Interval.from_draws(column).to_dict() for name, column in zip(self.stage, np.transpose(draws))}

    def to_dict(self) -> dict[str, object]:
        """The object that ``predict --json`` prints."""
        head = {name: getattr(self, name) for name in ("input", "star", "source", "model", "seed", "samples")}
        intervals = {name: getattr(self, name).to_dict() for name in UNITS}
        return {
            **head,
            **intervals,
            "stage": dict(self.stage),
            "stage_interval": self.stage_interval(),
            "verdict": {"in_domain": self.verdict.in_domain, "messages": list(self.verdict.messages)},
            "network": {name: interval.to_dict() for name, interval in self.network.items()},
            "quality": dict(self.quality),
            "parts": {name: parts.to_dict() for name, parts in self.parts.items()},
            "predictive_entropy": self.predictive_entropy,
            "mutual_information": self.mutual_information,
            "parallax": self.parallax,
            "template_fit": self.template_fit,
        }
