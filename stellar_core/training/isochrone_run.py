"""The end of a training run of Model 9: temperatures, domain gate, test, card."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
from torch import nn

from stellar_core.evaluation.cell_test import measure_cells, views
from stellar_core.evaluation.mock_test import baselines, misfits_of, truth_of
from stellar_core.inference.cell_calibration import VIEWS, CellCalibration
from stellar_core.inference.cells import CellPosteriors
from stellar_core.inference.domain import DomainGate
from stellar_core.inference.isochrone_estimator import IsochroneEstimator, embed
from stellar_core.models.checkpoints import save_network
from stellar_core.training.config import TrainingConfig
from stellar_core.training.data import StarSet


def calibrate(network: nn.Module, held: StarSet) -> tuple[CellCalibration, DomainGate]:
    """Temperatures of the likelihood and limits of the gate, on calibration stars.

    Parameters
    ----------
    network : Module
        Model 9.
    held : StarSet
        Calibration stars.
    """
    engine, atmosphere = CellPosteriors(network.head), truth_of(held)[:, :3]
    arrays = views(held)
    embeddings = {VIEWS[name]: embed(network, *parts) for name, parts in arrays.items()}
    calibration = CellCalibration.fit(engine, embeddings, atmosphere, atmosphere)
    alone = VIEWS["spectrum alone"]
    found = IsochroneEstimator("", network, None, {}, calibration)
    values = np.array([[p.interval(name).mean for name in ("teff", "logg", "feh_surface")]
                       for p in found.posteriors(*arrays["spectrum alone"])])  # fmt: skip
    both = np.concatenate([embeddings[alone], embeddings[VIEWS["spectrum and photometry"]]])
    return calibration, DomainGate.fit(both, misfits_of(held, values))


def finish_isochrone(
    config: TrainingConfig, network: nn.Module, used: int, folder: Path, held: StarSet, test: StarSet
) -> dict[str, object]:
    """Calibrate Model 9, fit its domain gate, test it and write it; returns the card.

    Parameters
    ----------
    config : TrainingConfig
    network : Module
    used : int
        Training stars, for the card.
    folder : Path
    held, test : StarSet
        Calibration and test stars.
    """
    calibration, gate = calibrate(network, held)
    estimator = IsochroneEstimator(config.name, network, gate, {}, calibration)
    card = {
        "name": config.name,
        "what": "Model 9: patches of the spectrum and photometry to a posterior over real points of MIST tracks, "
        "trained on MOCK spectra",
        "data": "MOCK: emulated spectra of stars drawn from MIST; taught by the exact posterior of atmospheres "
        "with small errors",
        "config": config.to_dict(),
        "training_stars": used,
        "date": datetime.date.today().isoformat(),
        "temperature_of_likelihood": dict(zip(VIEWS, (float(calibration.temperature[index]) for index in VIEWS.values()))),
        "metrics_mock_test": {name: measure_cells(estimator, test, name) for name in VIEWS},
        "exact_posterior_from_pipeline_parameters_mock_test": baselines(test, config.data.spp_errors),
    }
    return save_network(folder, network, {**calibration.arrays(), **gate.arrays()}, card)
