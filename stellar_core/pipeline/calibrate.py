"""Calibration of a trained network on MOCK stars: its posteriors or intervals, and its out-of-distribution check."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.mock_evaluation import diagnose_stars, dropout_passes
from stellar_core.evaluation.parallax import parallax_terms
from stellar_core.evaluation.predictions import truth_of
from stellar_core.evaluation.views import views
from stellar_core.inference.calibration.dropout import DropoutCalibration
from stellar_core.inference.calibration.isochrone import BOTH, LINES, VIEWS, WITH_PARALLAX, IsochroneCalibration
from stellar_core.inference.isochrone import embed
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.inference.out_of_distribution import DomainCheck

#: Fraction of the stars used for views with partial input.
PART = 0.5
#: Largest numbers of stars for the temperatures and for the out-of-distribution check, which have few free parameters.
TEMPERATURE_STARS, CHECK_STARS = 2000, 4000
#: Views on which the out-of-distribution check is fitted, and whether they have photometry.
_CHECKED = {"spectrum alone": False, "spectrum and photometry": True, "lines alone": False}
_BATCH = 50


def calibrate_dropout(network: nn.Module, held: StarSet, seed: int) -> tuple[DropoutCalibration, DomainCheck]:
    """Calibrate one of the paper's networks: residuals, stage temperatures, limits of the out-of-distribution check.

    Parameters
    ----------
    network : Module
    held : StarSet
        Calibration stars.
    seed : int
        Seed of MC dropout.
    """
    part = int(np.ceil(PART * len(held)))
    passes = {
        known: dropout_passes(network, held, known, seed, len(held) if known else part) for known in (False, True)
    }
    calibration = DropoutCalibration.fit(passes, truth_of(held), held.truth.stage, held.truth.snr)
    diagnostics = [diagnose_stars(held, seen.values[:, :, :3].mean(axis=1), known) for known, seen in passes.items()]
    embeddings = [seen.embedding for seen in passes.values()]
    return calibration, DomainCheck.fit(np.concatenate(embeddings), np.concatenate(diagnostics))


def calibrate_isochrone(
    network: nn.Module, held: StarSet, lines: bool = False
) -> tuple[IsochroneCalibration, DomainCheck]:
    """Calibrate Model 9: temperatures of the likelihood, PIT recalibration, limits of the out-of-distribution check.

    Parameters
    ----------
    network : Module
    held : StarSet
        Calibration stars.
    lines : bool
        True if the network was trained on lines alone too.
    """
    engine, truth = PosteriorEngine(network.head), truth_of(held, tracks=True)
    embeddings = {}
    for name, arrays in views(held).items():
        if VIEWS[name] >= LINES and not lines:
            continue
        n = len(held) if name == "spectrum and photometry" else int(np.ceil(PART * len(held)))
        embeddings[VIEWS[name]] = embed(network, *(array[:n] for array in arrays[:4]))
    few = {view: embedding[:TEMPERATURE_STARS] for view, embedding in embeddings.items()}
    calibration = IsochroneCalibration.fit(engine, few, truth[:, :3], truth[:, :3])
    with_log_teff = np.column_stack([np.log10(truth[:, 0]), truth[:, 1:]])
    terms = {view: parallax_terms(held, photometry=view == BOTH) for view in WITH_PARALLAX if held.gaia is not None}
    # Recalibration adopts the MOCK survey's mixture of stars, which other surveys do not share.
    own = {view: embedding for view, embedding in embeddings.items() if view < LINES}
    calibration = calibration.fit_recalibration(engine, own, with_log_teff, held.truth.snr, terms)
    return calibration, _domain_check(engine, embeddings, calibration, held)


def _domain_check(
    engine: PosteriorEngine, embeddings: dict[int, np.ndarray], calibration: IsochroneCalibration, held: StarSet
) -> DomainCheck:
    """Fit the check on the stars with and without photometry, each against its predicted atmosphere."""
    diagnostics, kept = [], []
    for name, known in _CHECKED.items():
        if VIEWS[name] not in embeddings:
            continue
        embedding = embeddings[VIEWS[name]][:CHECK_STARS]
        atmosphere = _mean_atmosphere(engine, embedding, float(calibration.temperature[VIEWS[name]]))
        diagnostics.append(diagnose_stars(held, atmosphere, known))
        kept.append(embedding)
    return DomainCheck.fit(np.concatenate(kept), np.concatenate(diagnostics))


def _mean_atmosphere(engine: PosteriorEngine, embedding: np.ndarray, temperature: float) -> np.ndarray:
    """(n, 3) posterior mean of Teff [K], log g, [Fe/H] from embeddings (n, width), by voxel."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(embedding), _BATCH):
            likelihood = engine.head.likelihood(torch.from_numpy(embedding[start : start + _BATCH]))
            parts.append(np.asarray(engine.means(likelihood, temperature)[0])[:, :3])
    return np.concatenate(parts)
