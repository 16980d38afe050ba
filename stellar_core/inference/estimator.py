"""The front door: load a trained network, with its calibration, ready for stars."""

from __future__ import annotations

from stellar_core.errors import ModelError
from stellar_core.inference.base import BaseEstimator
from stellar_core.inference.dropout import DropoutEstimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.model_store import DEFAULT_MODEL, model_folder
from stellar_core.models.checkpoints import load_network
from stellar_core.models.isochrone_config import IsochroneConfig


class Estimator(BaseEstimator):
    """A trained network that estimates ages: a `DropoutEstimator` or an `IsochroneEstimator`, made by `load`."""

    @staticmethod
    def load(name: str = DEFAULT_MODEL) -> BaseEstimator:
        """Load ``trained/<name>``.

        Raises
        ------
        ModelError
            If there is no such model or its files are damaged.
        """
        network, arrays, card = load_network(model_folder(name))
        kind = IsochroneEstimator if isinstance(network.config, IsochroneConfig) else DropoutEstimator
        try:
            return kind.from_arrays(name, network, card, arrays)
        except KeyError as error:
            raise ModelError(f"The model {name} lacks its calibration ({error}).") from None


Estimator.register(DropoutEstimator)
Estimator.register(IsochroneEstimator)
