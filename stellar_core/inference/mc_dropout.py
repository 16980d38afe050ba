"""Monte Carlo dropout (Gal & Ghahramani 2016), reproducible by seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from stellar_core.models.heads import Prediction
from stellar_core.quantities import UNITS

#: Order of the last axis of `Passes.values`.
QUANTITIES = tuple(UNITS)


@dataclass(frozen=True)
class Passes:
    """Output of a network, pass by pass.

    Attributes
    ----------
    values : (n_star, samples, 5) float64
        In the order of `QUANTITIES`: K, dex, dex, log10(yr), log10(yr).
    stage : (n_star, samples, 5) float64
        Stage probabilities.
    embedding : (n_star, width) float32
        Penultimate layer without dropout.
    """

    values: np.ndarray
    stage: np.ndarray
    embedding: np.ndarray


def run_passes(
    network: nn.Module,
    flux: np.ndarray,
    coverage: np.ndarray,
    features: np.ndarray,
    samples: int,
    seed: int,
    batch: int = 64,
) -> Passes:
    """Pass each star ``samples`` times through the network with dropout.

    The convolutional stem has no dropout and runs once. Each star has its own generator,
    seeded with ``seed``, so its numbers do not depend on the rest of the batch.

    Parameters
    ----------
    flux, coverage : (n_star, 6800)
    features : (n_star, 29)
        NaN for stars without photometry.
    samples : int
        Passes per star, at least 1.
    seed : int
    batch : int
        Stars per call of the stem.
    """
    values, stages, embeddings = [], [], []
    with torch.inference_mode():
        for start in range(0, len(flux), batch):
            part = slice(start, start + batch)
            tokens = network.tokens(
                torch.tensor(flux[part], dtype=torch.float32), torch.tensor(coverage[part], dtype=torch.float32)
            )
            photometry = torch.tensor(features[part], dtype=torch.float32)
            embeddings.append(network.embed(tokens, photometry).float().numpy())
            for star in range(len(tokens)):
                generator = torch.Generator().manual_seed(seed)
                one = tokens[star : star + 1].expand(samples, -1, -1)
                embedded = network.embed(one, photometry[star : star + 1].expand(samples, -1), generator)
                predicted = network.heads(embedded)
                values.append(_values(predicted))
                stages.append(torch.softmax(predicted.stage, dim=1).double().numpy())
    return Passes(np.stack(values), np.stack(stages), np.concatenate(embeddings))


@torch.inference_mode()
def run_once(network: nn.Module, flux: np.ndarray, coverage: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(n_star, 5) output without dropout, in the order of `QUANTITIES`; arguments as for `run_passes`."""
    tokens = network.tokens(*(torch.tensor(part, dtype=torch.float32) for part in (flux, coverage)))
    return _values(network.heads(network.embed(tokens, torch.tensor(features, dtype=torch.float32))))


def _values(predicted: Prediction) -> np.ndarray:
    ages = torch.stack([predicted.log_age, predicted.log_lifetime], dim=1)
    return torch.cat([predicted.atmosphere, ages], dim=1).double().numpy()
