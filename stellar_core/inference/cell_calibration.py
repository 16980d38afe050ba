"""How far to trust the likelihoods of Model 9: one temperature for each kind of input.

On calibration stars, which the network never saw, each log likelihood is divided by the
temperature under which the true atmospheres are most probable (Guo et al. 2017,
arXiv:1706.04599): above 1 where the network is surer than it should be. The prior of that fit is
the density of the calibration stars themselves, since they are drawn as a survey finds stars
and not from the prior of the isochrones. Only the likelihood is calibrated; the answer is
then as true as the prior it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np
import torch

from stellar_core.inference.cells import CellPosteriors
from stellar_core.models.isochrone_head import SMOOTHING, scaled

#: What the network is shown: index into `CellCalibration.temperature`.
SPECTRUM, BOTH, PHOTOMETRY = 0, 1, 2
VIEWS = {"spectrum alone": SPECTRUM, "spectrum and photometry": BOTH, "photometry alone": PHOTOMETRY}
#: Temperatures tried.
_GRID = np.geomspace(0.4, 4.0, 47)
#: Stars whose voxels are summed at a time: bounds the memory.
_AT_ONCE = 50


@dataclass(frozen=True)
class CellCalibration:
    """Temperatures of the likelihood.

    Attributes
    ----------
    temperature : (3,) float32
        For spectra alone, both, photometry alone.
    """

    temperature: np.ndarray

    @classmethod
    def fit(
        cls, engine: CellPosteriors, embeddings: Mapping[int, np.ndarray], truth: np.ndarray, survey: np.ndarray
    ) -> CellCalibration:
        """Fit on calibration stars.

        Parameters
        ----------
        engine : CellPosteriors
        embeddings : mapping of int to (n, width) float32
            The stars seen in each of `VIEWS`.
        truth : (n, 3) float
            True Teff [K], log g, [Fe/H].
        survey : (m, 3) float
            Atmospheres of many stars drawn as the calibration stars are, for their density.
        """
        boxes = engine.head.boxes
        ratio = boxes.density_ratio(_log_teff(survey), SMOOTHING)
        prior = torch.from_numpy(np.log(np.maximum(ratio, 1e-4)).astype(np.float32) + boxes.log_prior)
        place = scaled(torch.from_numpy(_log_teff(truth).astype(np.float32)))
        found = [_best(engine, embeddings[view], place, prior) for view in (SPECTRUM, BOTH, PHOTOMETRY)]
        return cls(np.array(found, dtype=np.float32))

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``calibration.``."""
        return {"calibration.temperature": self.temperature}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> CellCalibration:
        """The inverse of `arrays`."""
        return cls(np.asarray(arrays["calibration.temperature"], dtype=np.float32))


def views_of(coverage: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(n,) which of `VIEWS` each star is, from ``coverage`` (n, 6800) and ``features`` (n, 29)."""
    photometry = np.isfinite(features).all(axis=1)
    return np.where(coverage.any(axis=1), np.where(photometry, BOTH, SPECTRUM), PHOTOMETRY)


def _log_teff(atmosphere: np.ndarray) -> np.ndarray:
    return np.column_stack([np.log10(atmosphere[:, 0]), atmosphere[:, 1:]])


@torch.inference_mode()
def _best(engine: CellPosteriors, embedding: np.ndarray, place: torch.Tensor, prior: torch.Tensor) -> float:
    """Temperature of least negative log density of the true ``place`` (n, 3)."""
    scores = np.zeros(len(_GRID))
    for start in range(0, len(embedding), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found = engine.head.likelihood(torch.from_numpy(embedding[part]))
        voxels = engine.voxel_log_likelihood(found)
        true = engine.log_likelihood_at(found, place[part])
        for k, temperature in enumerate(_GRID):
            scores[k] += float((torch.logsumexp(voxels / temperature + prior, dim=1) - true / temperature).sum())
    return float(_GRID[int(np.argmin(scores))])
