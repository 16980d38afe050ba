"""Teff, log g and [Fe/H] of any kind of network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch

import numpy as np
import torch
from torch import nn

from stellar_core.inference.base import BaseEstimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.result import Result
from stellar_core.models.heads import Prediction
from stellar_core.models.isochrone_head import CENTRE, SCALE, VoxelPrediction
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Passes of MC dropout of networks other than Model 9.
PASSES = 20


def estimate_all(estimator: BaseEstimator, spectra: Sequence[Spectrum]) -> list[Result]:
    """Results of many stars: in batches from Model 9, with `PASSES` passes from other networks."""
    if isinstance(estimator, IsochroneEstimator):
        return list(estimator.estimate_many(spectra))
    return [estimator.estimate(spectrum, samples=PASSES) for spectrum in spectra]


@singledispatch
def _mean_atmosphere(predicted: object) -> np.ndarray:
    """(n, 3) Teff [K], log g, [Fe/H] of a network's output."""
    raise TypeError(f"No rule for the atmosphere of a network with the output {type(predicted).__name__}.")


@_mean_atmosphere.register
def _of_prediction(predicted: Prediction) -> np.ndarray:
    return predicted.atmosphere.numpy()


@_mean_atmosphere.register
def _of_cells(predicted: VoxelPrediction) -> np.ndarray:
    place = predicted.voxels * torch.tensor(SCALE) + torch.tensor(CENTRE)
    place = torch.cat([10.0 ** place[:, :1], place[:, 1:]], dim=1)
    return (torch.softmax(predicted.logits, dim=1) @ place).numpy()


def spectrum_atmosphere(network: nn.Module) -> Callable[[Sequence[PreparedSpectrum]], np.ndarray]:
    """Make the function from prepared spectra to Teff [K], log g, [Fe/H] (n, 3), without dropout and photometry."""

    @torch.no_grad()
    def atmosphere(spectra: Sequence[PreparedSpectrum]) -> np.ndarray:
        parts = []
        for start in range(0, len(spectra), 64):
            some = spectra[start : start + 64]
            flux, coverage, ivar = (
                torch.from_numpy(np.stack([getattr(item, name) for item in some]).astype(np.float32))
                for name in ("flux", "coverage", "ivar")
            )
            features = torch.full((len(some), 29), torch.nan)
            parts.append(_mean_atmosphere(network(flux, coverage, features, ivar=ivar)))
        return np.concatenate(parts)

    return atmosphere
