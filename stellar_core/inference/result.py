"""What the product says about one star."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stellar_core.quantities import UNITS


@dataclass(frozen=True)
class Interval:
    """Mean, standard deviation and quantiles of a distribution."""

    mean: float
    std: float
    p025: float
    p16: float
    median: float
    p84: float
    p975: float

    @classmethod
    def from_draws(cls, draws: np.ndarray) -> Interval:
        """Summarise ``draws`` of shape (n_draw,), finite."""
        p025, p16, median, p84, p975 = np.quantile(draws, [0.025, 0.16, 0.5, 0.84, 0.975])
        values = (np.mean(draws), np.std(draws), p025, p16, median, p84, p975)
        return cls(*(float(value) for value in values))

    def to_dict(self) -> dict[str, float]:
        """The interval object of the command-line contract."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Parts:
    """Where the error of one quantity comes from; standard deviations in its unit.

    Attributes
    ----------
    epistemic : float
        What the network does not know: the scatter of passes with dropout, or of the members of an ensemble.
    input_noise : float
        The noise of this spectrum and photometry: the scatter of answers when it is added once more.
    aleatoric : float
        The rest of the variance of the calibrated answer: what such data cannot tell, such as stars of one
        atmosphere and several ages; 0 where the others account for all.
    """

    epistemic: float
    input_noise: float
    aleatoric: float

    @classmethod
    def of(cls, total: float, epistemic: float, input_noise: float) -> Parts:
        """From the standard deviation of the whole and of two parts."""
        rest = max(total**2 - epistemic**2 - input_noise**2, 0.0)
        return cls(float(epistemic), float(input_noise), float(np.sqrt(rest)))

    def to_dict(self) -> dict[str, float]:
        """The three by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def entropy(probability: np.ndarray) -> np.ndarray:
    """Entropy in nats of probabilities along the last axis."""
    p = np.asarray(probability, float)
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)


def mutual_information(passes: np.ndarray) -> float:
    """What the passes (samples, 5) disagree about, in nats: entropy of their mean less their mean entropy (Houlsby 2011)."""
    return max(float(entropy(passes.mean(axis=0)) - entropy(passes).mean()), 0.0)


@dataclass(frozen=True)
class Verdict:
    """Whether the model may be trusted on this star, and why not, in words."""

    in_domain: bool
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The answer for one star.

    Attributes
    ----------
    input : str
        What the user gave: a file name or an identifier.
    star : str
        The star's name, plate-MJD-fiber where known.
    source : {"sdss", "mock", "upload"}
        Where the spectrum came from.
    model, seed, samples
        Name of the trained model, seed of the passes and their number.
    teff, logg, feh, log_age, log_lifetime : Interval
        In K, dex(cm/s2), dex, log10(yr), log10(yr).
    stage : mapping of str to float
        Probability of each of the five stages; sums to 1.
    verdict : Verdict
        Quality and domain, in words.
    draws : mapping of str to (n_draw,) float
        The draws behind each interval, keyed like `UNITS`; and ``stage``, (samples, 5), the
        stage probabilities of the single passes.
    network : mapping of str to Interval
        The plain MC-dropout intervals before calibration, keyed like `UNITS`.
    parts : mapping of str to Parts
        Where the error comes from, keyed like `UNITS`; empty where no passes were made.
    quality : mapping
        Numbers behind the verdict: ``snr``, ``coverage``, ``redshift``, ``redshift_source``,
        ``domain_score``, ``photometry`` ("used", "missing" or "not read by this model").
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
    parts: Mapping[str, Parts] = field(default_factory=dict)

    @property
    def from_isochrones(self) -> bool:
        """Whether the answer is a posterior over stars of the tracks, as Model 9's: each draw then has a mass."""
        return "mass" in self.draws

    @property
    def predictive_entropy(self) -> float:
        """Entropy of the stage, nats; at most ln 5 = 1.61."""
        return float(entropy(np.array(list(self.stage.values()))))

    @property
    def mutual_information(self) -> float | None:
        """Part of the stage's entropy that the passes disagree about, nats; None without passes."""
        draws = self.draws.get("stage")
        return None if draws is None else mutual_information(np.asarray(draws))

    @property
    def most_likely_stage(self) -> str:
        """Name of the stage with the largest probability."""
        return max(self.stage, key=self.stage.__getitem__)

    def stage_interval(self) -> dict[str, dict[str, float]]:
        """How the passes scatter about each stage's probability; empty without draws."""
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
        }
