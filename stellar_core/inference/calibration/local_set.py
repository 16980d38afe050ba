"""Select the calibration stars that are most similar to a star.

Errors depend on the star: they are larger for giants than for dwarfs, and larger for noisy stars. Each star is
therefore calibrated on a local set: the calibration stars with the same inputs and the same predicted stage (Mondrian
conformal prediction, Vovk et al. 2005), and of these the nearest in S/N. The selection uses only quantities known at
prediction: the predicted stage, never the true one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: Size of a local set, and the least number of stars of one predicted stage; with fewer, all stages are used.
SIZE, MINIMUM = 400, 60
#: S/N per pixel is clipped to this range.
SNR_RANGE = (3.0, 100.0)


def log_snr(snr: np.ndarray | float) -> np.ndarray:
    """Natural logarithm of the S/N clipped to `SNR_RANGE`."""
    return np.log(np.clip(np.nan_to_num(np.asarray(snr, float), nan=SNR_RANGE[0]), *SNR_RANGE))


@dataclass(frozen=True)
class LocalCalibrationSet:
    """Calibration stars described by quantities known at prediction.

    Attributes
    ----------
    view : (n,) int8
        Inputs of the network.
    stage : (n,) int8
        Predicted stage.
    log_snr : (n,) float32
        See `log_snr`.
    """

    view: np.ndarray
    stage: np.ndarray
    log_snr: np.ndarray

    def nearest(self, view: int, stage: int, snr: float) -> np.ndarray:
        """(at most `SIZE`,) rows of the local set of one star; empty if the view was not calibrated."""
        rows = np.flatnonzero((self.view == view) & (self.stage == stage))
        if rows.size < MINIMUM:
            rows = np.flatnonzero(self.view == view)
        if rows.size <= SIZE:
            return rows
        distance = np.abs(self.log_snr[rows] - log_snr(snr))
        return rows[np.argpartition(distance, SIZE)[:SIZE]]

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``peers.``."""
        return {f"peers.{name}": getattr(self, name) for name in self.__dataclass_fields__}

    def extended(self, other: LocalCalibrationSet) -> LocalCalibrationSet:
        """The stars of both sets, these first."""
        names = self.__dataclass_fields__
        return LocalCalibrationSet(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LocalCalibrationSet:
        """Invert `arrays`; KeyError if there are none."""
        return cls(*(np.asarray(arrays[f"peers.{name}"]) for name in cls.__dataclass_fields__))

    @classmethod
    def join(cls, view: list[np.ndarray], stage: list[np.ndarray], snr: list[np.ndarray]) -> LocalCalibrationSet:
        """Concatenate lists of arrays; S/N as a ratio, not its logarithm."""
        kinds = (np.concatenate(part).astype(np.int8) for part in (view, stage))
        return cls(*kinds, log_snr(np.concatenate(snr)).astype(np.float32))
