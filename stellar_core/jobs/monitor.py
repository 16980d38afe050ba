"""MOCK stars that no run learns, is calibrated or is tested on: what a network makes of them while it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.predictions import truth_of
from stellar_core.inference.isochrone import embed
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.models.isochrone_network import IsochroneNetwork

#: Stars drawn.
STARS = 200
#: Added to the seed of the data: no set of the run's own has it.
SHIFT = 104_729
_BATCH = 50


def watched_stars(data: DataConfig) -> StarSet:
    """MOCK stars of another seed than the run's, as a survey finds them."""
    return make_stars(STARS, replace(data, seed=data.seed + SHIFT), "calibration")


class Watched:
    """Measures a network on the watched stars, without dropout and before any calibration.

    Parameters
    ----------
    stars : StarSet
    """

    def __init__(self, stars: StarSet) -> None:
        self.stars = stars

    def __call__(self, network: nn.Module) -> tuple[dict[str, object], dict[str, list]]:
        """What ``network`` makes of the stars.

        Returns
        -------
        figures : dict
            For each quantity RMSE, R2 and the RMSE of one constant, against the truth; the same way for the stage.
        sample : dict
            For each quantity ``predicted`` and ``true``, star by star, and ``stage`` likewise.
        """
        values, stage = _answers(network, self.stars)
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


def _answers(network: nn.Module, stars: StarSet) -> tuple[np.ndarray, np.ndarray]:
    """(n, 5) values in the order of `QUANTITIES` and (n,) stages."""
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
                answer = network(*map(torch.from_numpy, (flux, coverage, photometry)))
                ages = torch.stack([answer.log_age, answer.log_lifetime], dim=1)
                found, stage = torch.cat([answer.atmosphere, ages], dim=1).double().numpy(), answer.stage.numpy()
        values.append(found)
        stages.append(stage.argmax(axis=1))
    return np.concatenate(values), np.concatenate(stages)
