"""From what the network says to intervals that hold the truth as often as they claim.

MC dropout measures how much the network wavers, not how often it is wrong. On
calibration stars, which the network never saw, the misses of its mean are collected
in units of their own spread, per predicted stage and with and without photometry
(normalised Mondrian split conformal prediction, Vovk et al. 2005; Papadopoulos et al.
2008). A star's draws are its mean plus those misses: all five quantities of one
calibration star together, so that their correlations are kept. Age and lifetime
are treated on the logistic scale of their bounds and cannot leave them.

The misses are counted from the truth of mock stars, not from the paper's labels:
the label's own error is part of the error bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from stellar_core.inference.mc_dropout import Passes
from stellar_core.models.heads import LOG_AGE_BOUNDS, LOG_LIFETIME_BOUNDS
from stellar_core.stages import STAGES

#: Misses kept per stage and photometry state.
KEPT = 400

_BOUNDS = {3: LOG_AGE_BOUNDS, 4: LOG_LIFETIME_BOUNDS}


def to_free(values: np.ndarray) -> np.ndarray:
    """(..., 5) quantities to an unbounded scale: age and lifetime by the logit between their bounds."""
    out = np.array(values, dtype=float)
    for index, (low, high) in _BOUNDS.items():
        share = np.clip((out[..., index] - low) / (high - low), 1e-6, 1 - 1e-6)
        out[..., index] = np.log(share / (1 - share))
    return out


def from_free(free: np.ndarray) -> np.ndarray:
    """The inverse of `to_free`."""
    out = np.array(free, dtype=float)
    for index, (low, high) in _BOUNDS.items():
        out[..., index] = low + (high - low) / (1 + np.exp(-out[..., index]))
    return out


@dataclass(frozen=True)
class Calibration:
    """Misses of calibration stars and the temperature of the stage.

    Attributes
    ----------
    misses : (2, 5, KEPT, 5) float32
        By photometry (0 missing, 1 used), predicted stage, star, quantity; in units of `spread`.
    floor : (2, 5) float32
        Median spread of the passes on calibration stars, added to a star's own.
    temperature : (2,) float32
        Stage probabilities are raised to 1 / temperature and renormalised.
    """

    misses: np.ndarray
    floor: np.ndarray
    temperature: np.ndarray

    @classmethod
    def fit(cls, passes: Mapping[bool, Passes], truth: np.ndarray, stage: np.ndarray, seed: int) -> Calibration:
        """Fit on calibration stars.

        Parameters
        ----------
        passes : mapping of bool to Passes
            The same stars without (False) and with (True) photometry.
        truth : (n, 5) float
            True values in the order of `QUANTITIES`.
        stage : (n,) int
            True stage.
        seed : int
            Of the choice of which misses to keep.
        """
        rng = np.random.default_rng(seed)
        misses = np.zeros((2, len(STAGES), KEPT, 5), dtype=np.float32)
        floor = np.zeros((2, 5), dtype=np.float32)
        temperature = np.zeros(2, dtype=np.float32)
        for known in (False, True):
            free = to_free(passes[known].values)
            mean, spread = free.mean(axis=1), free.std(axis=1)
            floor[int(known)] = np.median(spread, axis=0)
            miss = (to_free(truth) - mean) / (spread + floor[int(known)])
            probability = passes[known].stage.mean(axis=1)
            predicted = probability.argmax(axis=1)
            for group in range(len(STAGES)):
                rows = np.flatnonzero(predicted == group)
                if rows.size < 40:
                    rows = np.arange(len(predicted))
                misses[int(known), group] = miss[_evenly(rows, rng)]
            temperature[int(known)] = _best_temperature(probability, stage)
        return cls(misses, floor, temperature)

    def stage(self, probability: np.ndarray, photometry: bool) -> np.ndarray:
        """(n, 5) calibrated stage probabilities from raw ones, of single passes or of their mean."""
        return _heat(probability, float(self.temperature[int(photometry)]))

    def draws(self, values: np.ndarray, predicted: int, photometry: bool) -> np.ndarray:
        """(KEPT, 5) draws for one star from its passes ``values`` (samples, 5)."""
        free = to_free(values)
        spread = free.std(axis=0) + self.floor[int(photometry)]
        return from_free(free.mean(axis=0) + spread * self.misses[int(photometry), predicted])

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``calibration.``."""
        return {
            "calibration.misses": self.misses.astype(np.float16),
            "calibration.floor": self.floor,
            "calibration.temperature": self.temperature,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Calibration:
        """The inverse of `arrays`."""
        names = ("misses", "floor", "temperature")
        return cls(*(np.asarray(arrays[f"calibration.{name}"], dtype=np.float32) for name in names))


def _evenly(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``KEPT`` of ``rows``, each as often as any other to within one."""
    repeats = [rng.permutation(rows) for _ in range(-(-KEPT // rows.size))]
    return np.concatenate(repeats)[:KEPT]


def _heat(probability: np.ndarray, temperature: float) -> np.ndarray:
    powered = np.maximum(probability, 1e-9) ** (1.0 / temperature)
    return powered / powered.sum(axis=1, keepdims=True)


def _best_temperature(probability: np.ndarray, stage: np.ndarray) -> float:
    """Temperature of least negative log-likelihood."""
    grid = np.geomspace(0.5, 3.0, 61)
    rows = np.arange(len(stage))
    scores = [-np.log(_heat(probability, float(t))[rows, stage]).mean() for t in grid]
    return float(grid[int(np.argmin(scores))])
