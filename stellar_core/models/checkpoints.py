"""Networks on disk: safetensors beside a card, never anything that can run code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stellar_core.cards import TRAINED_DIR, write_model
from stellar_core.errors import ModelError
from stellar_core.models.zoo import ModelConfig, build


def save_network(
    folder: Path, network: nn.Module, extra: dict[str, np.ndarray], card: dict[str, object]
) -> dict[str, object]:
    """Write a network and the arrays that belong to it (calibration, domain gate).

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
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = Path(folder)
    try:
        arrays = load_file(folder / "weights.safetensors")
        card = json.loads((folder / "card.json").read_text())
        config = ModelConfig(**card["architecture"])
    except FileNotFoundError:
        known = sorted(path.parent.name for path in TRAINED_DIR.glob("*/card.json"))
        raise ModelError(
            f"There is no trained model {folder.name!r}.", value=folder.name, remedy=f"There are: {', '.join(known)}."
        ) from None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The model {folder.name} cannot be read ({type(error).__name__}).") from error
    network = build(config, torch.Generator().manual_seed(0))
    for name, expected in network.state_dict().items():
        stored = arrays.pop(f"network.{name}", None)
        if stored is None or stored.shape != tuple(expected.shape):
            found = "none" if stored is None else str(stored.shape)
            raise ModelError(f"The model {folder.name} has {name} of shape {found}; expected {tuple(expected.shape)}.")
        expected.copy_(torch.from_numpy(stored.astype(np.float32)))
    return network.eval().requires_grad_(False), arrays, card
