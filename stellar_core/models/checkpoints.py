"""Networks on disk: `stellar_core.model_store` holds the arrays and the card, this module builds the network from
them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from stellar_core.errors import ModelError
from stellar_core.model_store import read_model, write_model
from stellar_core.models.isochrone_config import config_kind
from stellar_core.models.zoo import skeleton

#: Largest setting that a card may have.
LARGEST = 100_000


def save_network(
    folder: Path, network: nn.Module, extra: dict[str, np.ndarray], card: dict[str, object]
) -> dict[str, object]:
    """Write a network and its other arrays (calibration, out-of-distribution check).

    Weights are stored as float16; the card gets their sha256.
    """
    weights = {f"network.{name}": value.cpu().half().numpy() for name, value in network.state_dict().items()}
    return write_model(folder, {**weights, **extra}, {**card, "architecture": network.config.to_dict()})


def load_network(folder: Path) -> tuple[nn.Module, dict[str, np.ndarray], dict[str, object]]:
    """Read a network, its other arrays and its card.

    Raises
    ------
    ModelError
        If a file is missing or damaged, or an array has another shape than the network.
    """
    folder = Path(folder)
    arrays, card = read_model(folder)
    try:
        config = config_kind(card["architecture"])(**card["architecture"])
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"The model {folder.name} is not a network: its card has no architecture.") from None
    for setting, value in config.to_dict().items():
        if isinstance(value, int) and value > (len(arrays) if setting.endswith("depth") else LARGEST):
            raise ModelError(
                f"The card of the model {folder.name} gives {setting} = {value:,}, more than its weights have.",
                value=value,
            )
    with torch.device("meta"):  # shapes alone: allocate nothing before they match the arrays
        shapes = {name: tuple(part.shape) for name, part in skeleton(config).state_dict().items()}
    for name, expected in shapes.items():
        stored = arrays.get(f"network.{name}")
        if stored is None or stored.shape != expected:
            found = "none" if stored is None else str(stored.shape)
            raise ModelError(f"The model {folder.name} has {name} of shape {found}; expected {expected}.")
    network = skeleton(config)
    for name, part in network.state_dict().items():
        part.copy_(torch.from_numpy(arrays.pop(f"network.{name}").astype(np.float32)))
    return network.eval().requires_grad_(False), arrays, card
