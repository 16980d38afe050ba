"""Accuracy of a network during its training, on stars that it does not learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import select
from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.predictions import truth_of
from stellar_core.inference.isochrone import embed
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.models.isochrone_network import IsochroneNetwork
from stellar_core.pipeline.survey_sets import SurveySets

#: Stars drawn.
STARS = 200
#: Added to the seed of the data, so that no set of the run has the same stars.
SEED_OFFSET = 104_729
_BATCH = 50


def monitoring_stars(data: DataConfig, sets: SurveySets | None = None) -> StarSet:
    """Return the first calibration stars of a survey, else MOCK stars with another seed than those of the run."""
    if sets is not None:
        return select(sets.calibration, np.arange(min(STARS, len(sets.calibration))))
    return make_stars(STARS, replace(data, seed=data.seed + SEED_OFFSET), "calibration")


class Monitor:
    """Measures a network on fixed stars, without dropout and before any calibration.

    Parameters
    ----------
    stars : StarSet
    """

    def __init__(self, stars: StarSet) -> None:
        self.stars = stars

    def measure(self, network: nn.Module) -> tuple[dict[str, object], dict[str, list]]:
        """Predict the stars and compare with the truth.

        Returns
        -------
        figures : dict
            RMSE, R2 and RMSE of the constant predictor for each quantity; likewise for the stage.
        sample : dict
            Quantity, or "stage" -> [predicted, true], each a list over the stars.
        """
        values, stage = _predict(network, self.stars)
        truth = truth_of(self.stars)
        if isinstance(network, IsochroneNetwork):
            truth[:, QUANTITIES.index("log_lifetime")] = self.stars.truth.track_log_lifetime
        figures: dict[str, object] = {"n": len(self.stars)}
        sample: dict[str, list] = {}
        for column, name in enumerate(QUANTITIES):
            found = regression(values[:, column], truth[:, column])
            figures[name] = {key: round(found[key], 5) for key in ("rmse", "r2", "rmse_constant")}
            sample[name] = [_short(values[:, column]), _short(truth[:, column])]
        figures["stage"] = {
            key: round(value, 4) for key, value in classification(stage, self.stars.truth.stage).items()
        }
        sample["stage"] = [stage.tolist(), self.stars.truth.stage.tolist()]
        return figures, sample


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _predict(network: nn.Module, stars: StarSet) -> tuple[np.ndarray, np.ndarray]:
    """Predict (n, 5) values in the order of `QUANTITIES` and (n,) stages."""
    inputs, values, stages = stars.inputs, [], []
    cells = PosteriorEngine(network.head) if isinstance(network, IsochroneNetwork) else None
    for start in range(0, len(stars), _BATCH):
        rows = slice(start, start + _BATCH)
        flux, coverage, photometry, root = (
            np.asarray(array[rows], np.float32)
            for array in (inputs.flux, inputs.coverage, inputs.features, inputs.root_ivar)
        )
        with torch.inference_mode():
            if cells is not None:
                embedding = torch.from_numpy(embed(network, flux, coverage, root**2, photometry))
                found, stage = cells.means(network.head.likelihood(embedding))
            else:
                predicted = network(*map(torch.from_numpy, (flux, coverage, photometry)))
                ages = torch.stack([predicted.log_age, predicted.log_lifetime], dim=1)
                found = torch.cat([predicted.atmosphere, ages], dim=1).double().numpy()
                stage = predicted.stage.numpy()
        values.append(found)
        stages.append(stage.argmax(axis=1))
    return np.concatenate(values), np.concatenate(stages)
