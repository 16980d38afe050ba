"""Which calibration stars speak for a star: those of the same kind, nearest in signal-to-noise.

Intervals are corrected by what was missed on calibration stars. Stars differ: a giant is missed by
more than a dwarf, a noisy star by more than a bright one. So each star is judged by its peers, the
calibration stars with the same inputs and the same predicted stage (Mondrian conformal
prediction, Vovk et al. 2005), and of these by the ones nearest in S/N. Only what is known of a
star when it is asked about decides: the predicted stage, not the true one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: Peers of a star, and the least number of one predicted stage; with fewer, all stages speak.
KEPT, LEAST = 400, 60
#: S/N per pixel beyond which stars count as equal.
SNR_RANGE = (3.0, 100.0)


def log_snr(snr: np.ndarray | float) -> np.ndarray:
    """Natural logarithm of the S/N within `SNR_RANGE`."""
    return np.log(np.clip(np.nan_to_num(np.asarray(snr, float), nan=SNR_RANGE[0]), *SNR_RANGE))


@dataclass(frozen=True)
class Peers:
    """Calibration stars by what is known of them at prediction.

    Attributes
    ----------
    view : (n,) int8
        What the network was shown.
    stage : (n,) int8
        Predicted stage.
    log_snr : (n,) float32
        As `log_snr` gives it.
    """

    view: np.ndarray
    stage: np.ndarray
    log_snr: np.ndarray

    def of(self, view: int, stage: int, snr: float) -> np.ndarray:
        """(at most `KEPT`,) rows of the peers of one star; none where the view was not calibrated."""
        rows = np.flatnonzero((self.view == view) & (self.stage == stage))
        if rows.size < LEAST:
            rows = np.flatnonzero(self.view == view)
        if rows.size <= KEPT:
            return rows
        distance = np.abs(self.log_snr[rows] - log_snr(snr))
        return rows[np.argpartition(distance, KEPT)[:KEPT]]

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``peers.``."""
        return {f"peers.{name}": getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Peers:
        """The inverse of `arrays`; KeyError where there are none."""
        return cls(*(np.asarray(arrays[f"peers.{name}"]) for name in cls.__dataclass_fields__))

    @classmethod
    def join(cls, view: list[np.ndarray], stage: list[np.ndarray], snr: list[np.ndarray]) -> Peers:
        """From lists of arrays with S/N as a ratio."""
        kinds = (np.concatenate(part).astype(np.int8) for part in (view, stage))
        return cls(*kinds, log_snr(np.concatenate(snr)).astype(np.float32))
