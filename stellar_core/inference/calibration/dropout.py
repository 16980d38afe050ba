"""Calibrate MC dropout by the residuals of calibration stars.

MC dropout measures the scatter of the network, not its error. The residuals of its mean on calibration stars, which
the network has never seen, are collected in units of their own spread (normalised Mondrian split conformal
prediction, Vovk et al. 2005; Papadopoulos et al. 2008). The draws of a star are its mean plus the residuals of its
`LocalCalibrationSet`: all five quantities of one calibration star together, which preserves their correlations. Age
and lifetime are treated on the logistic scale of their bounds and stay inside them.

Residuals are measured from the truth of mock stars, not from the paper's labels: the error bar includes the label's
own error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.inference.calibration.local_set import LocalCalibrationSet
from stellar_core.inference.mc_dropout import Passes
from stellar_core.models.heads import LOG_AGE_BOUNDS, LOG_LIFETIME_BOUNDS

_BOUNDS = {3: LOG_AGE_BOUNDS, 4: LOG_LIFETIME_BOUNDS}


def to_free(values: np.ndarray) -> np.ndarray:
    """Transform (..., 5) quantities to an unbounded scale: age and lifetime by the logit between their bounds."""
    out = np.array(values, dtype=float)
    for index, (low, high) in _BOUNDS.items():
        share = np.clip((out[..., index] - low) / (high - low), 1e-6, 1 - 1e-6)
        out[..., index] = np.log(share / (1 - share))
    return out


def from_free(free: np.ndarray) -> np.ndarray:
    """Invert `to_free`."""
    out = np.array(free, dtype=float)
    for index, (low, high) in _BOUNDS.items():
        out[..., index] = low + (high - low) / (1 + np.exp(-out[..., index]))
    return out


@dataclass(frozen=True)
class DropoutCalibration:
    """Residuals of calibration stars and the temperature of the stage.

    Attributes
    ----------
    residuals : (n, 5) float32
        By star and quantity, in units of the spread of its passes plus `floor`.
    local_set : LocalCalibrationSet
        Of the same stars; the view is 1 with photometry, 0 without.
    floor : (2, 5) float32
        Median spread of the passes, without and with photometry; added to a star's own.
    temperature : (2,) float32
        Stage probabilities are raised to 1 / temperature and renormalised.
    """

    residuals: np.ndarray
    local_set: LocalCalibrationSet
    floor: np.ndarray
    temperature: np.ndarray

    @classmethod
    def fit(
        cls, passes: Mapping[bool, Passes], truth: np.ndarray, stage: np.ndarray, snr: np.ndarray
    ) -> DropoutCalibration:
        """Fit on calibration stars.

        Parameters
        ----------
        passes : mapping of bool to Passes
            Passes without (False) and with (True) photometry, of all or of the first stars.
        truth : (n, 5) float
            True values in the order of `QUANTITIES`.
        stage : (n,) int
            True stage.
        snr : (n,) float
            S/N per pixel.
        """
        floor, temperature = np.ones((2, 5), dtype=np.float32), np.ones(2, dtype=np.float32)
        residuals, views, stages, ratios = [], [], [], []
        for known, found in passes.items():
            free, n = to_free(found.values), len(found.values)
            mean, spread = free.mean(axis=1), free.std(axis=1)
            floor[int(known)] = np.median(spread, axis=0) + 1e-6
            residuals.append((to_free(truth[:n]) - mean) / (spread + floor[int(known)]))
            probability = found.stage.mean(axis=1)
            views.append(np.full(n, int(known)))
            stages.append(probability.argmax(axis=1))
            ratios.append(snr[:n])
            temperature[int(known)] = _best_temperature(probability, stage[:n])
        local_set = LocalCalibrationSet.join(views, stages, ratios)
        return cls(np.concatenate(residuals).astype(np.float32), local_set, floor, temperature)

    def stage(self, probability: np.ndarray, photometry: bool) -> np.ndarray:
        """Calibrate raw stage probabilities (n, 5), of single passes or of their mean."""
        return _tempered(probability, float(self.temperature[int(photometry)]))

    def draws(self, values: np.ndarray, predicted: int, photometry: bool, snr: float) -> np.ndarray:
        """Draw (n_draw, 5) for one star from its passes ``values`` (samples, 5), its predicted stage and S/N."""
        free = to_free(values)
        spread = free.std(axis=0) + self.floor[int(photometry)]
        residuals = self.residuals[self.local_set.nearest(int(photometry), predicted, snr)]
        return from_free(free.mean(axis=0) + spread * residuals)

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``calibration.`` and ``peers.``."""
        return {
            "calibration.misses": self.residuals.astype(np.float16),
            "calibration.floor": self.floor,
            "calibration.temperature": self.temperature,
            **self.local_set.arrays(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> DropoutCalibration:
        """Invert `arrays`; older files hold residuals by view and stage, which serve at any S/N."""
        residuals, floor, temperature = (
            np.asarray(arrays[f"calibration.{name}"], dtype=np.float32) for name in ("misses", "floor", "temperature")
        )
        if residuals.ndim == 2:
            return cls(residuals, LocalCalibrationSet.from_arrays(arrays), floor, temperature)
        view, stage, _ = (index.ravel() for index in np.indices(residuals.shape[:3]))
        local_set = LocalCalibrationSet.join([view], [stage], [np.ones(view.size)])
        return cls(residuals.reshape(-1, 5), local_set, floor, temperature)


def _tempered(probability: np.ndarray, temperature: float) -> np.ndarray:
    powered = np.maximum(probability, 1e-9) ** (1.0 / temperature)
    return powered / powered.sum(axis=1, keepdims=True)


def _best_temperature(probability: np.ndarray, stage: np.ndarray) -> float:
    """Temperature with the least negative log-likelihood."""
    grid = np.geomspace(0.5, 3.0, 61)
    rows = np.arange(len(stage))
    scores = [-np.log(_tempered(probability, float(t))[rows, stage]).mean() for t in grid]
    return float(grid[int(np.argmin(scores))])
