"""Calibration of Model 9: temperatures, levels and domain gate."""

from __future__ import annotations

import numpy as np
from torch import nn

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.mock_evaluation import diagnose_stars
from stellar_core.evaluation.predictions import truth_of
from stellar_core.evaluation.views import views
from stellar_core.inference.calibration.isochrone import VIEWS, IsochroneCalibration
from stellar_core.inference.isochrone import embed
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.inference.out_of_distribution import DomainCheck

#: Part of the stars that the views with less than everything are calibrated and tested on.
PART = 0.5
#: Stars from which temperatures and the gate are fitted, at most: two numbers need no more.
TEMPERATURE_STARS, GATE_STARS = 2000, 4000


def calibrate_isochrone(network: nn.Module, held: StarSet) -> tuple[IsochroneCalibration, DomainCheck]:
    """Temperatures of the likelihood, levels of the posterior and limits of the gate, on calibration stars.

    Parameters
    ----------
    network : Module
        Model 9.
    held : StarSet
        Calibration stars.
    """
    engine, truth = PosteriorEngine(network.head), truth_of(held, tracks=True)
    embeddings = {}
    for name, arrays in views(held).items():
        n = len(held) if name == "spectrum and photometry" else int(np.ceil(PART * len(held)))
        embeddings[VIEWS[name]] = embed(network, *(array[:n] for array in arrays[:4]))
    few = {view: embedding[:TEMPERATURE_STARS] for view, embedding in embeddings.items()}
    calibration = IsochroneCalibration.fit(engine, few, truth[:, :3], truth[:, :3])
    by_log = np.column_stack([np.log10(truth[:, 0]), truth[:, 1:]])
    calibration = calibration.fit_levels(engine, embeddings, by_log, held.truth.snr)
    return calibration, _gate(engine, embeddings, calibration, held)


def _gate(
    engine: PosteriorEngine, embeddings: dict[int, np.ndarray], calibration: IsochroneCalibration, held: StarSet
) -> DomainCheck:
    """From the stars seen with and without photometry, each against the atmosphere that it was taken for."""
    found, seen = [], []
    for name, known in (("spectrum alone", False), ("spectrum and photometry", True)):
        embedding = embeddings[VIEWS[name]][:GATE_STARS]
        atmosphere = means_of(engine, embedding, float(calibration.temperature[VIEWS[name]]))
        found.append(diagnose_stars(held, atmosphere, known))
        seen.append(embedding)
    return DomainCheck.fit(np.concatenate(seen), np.concatenate(found))


def means_of(engine: PosteriorEngine, embedding: np.ndarray, temperature: float) -> np.ndarray:
    """(n, 3) mean Teff [K], log g, [Fe/H] from embeddings (n, width), by voxel."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(embedding), 50):
            likelihood = engine.head.likelihood(torch.from_numpy(embedding[start : start + 50]))
            parts.append(np.asarray(engine.means(likelihood, temperature)[0])[:, :3])
    return np.concatenate(parts)
