"""Trained models on disk: ``trained/<name>/weights.safetensors`` beside ``card.json``."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Mapping

import numpy as np

TRAINED_DIR = Path(__file__).resolve().parents[1] / "trained"


def write_text(path: Path, text: str) -> None:
    """Write ``text`` whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def write_model(
    folder: Path, weights: Mapping[str, np.ndarray], card: Mapping[str, object]
) -> dict[str, object]:
    """Write weights and card, each whole or not at all; the card gets the weights' sha256.

    Parameters
    ----------
    folder : Path
        Folder of the model; made if absent.
    weights : mapping of str to ndarray
    card : mapping
        Plain values that JSON can hold.

    Returns
    -------
    dict
        The card as written.
    """
    from safetensors.numpy import save

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    payload = save({name: np.ascontiguousarray(array) for name, array in weights.items()})
    temporary = folder / "weights.safetensors.tmp"
    temporary.write_bytes(payload)
    os.replace(temporary, folder / "weights.safetensors")
    full = {**card, "sha256": hashlib.sha256(payload).hexdigest(), "bytes": len(payload)}
    write_text(folder / "card.json", json.dumps(full, indent=1, allow_nan=False) + "\n")
    return full


def list_models() -> dict[str, dict[str, object]]:
    """The card of every model in ``trained/``, by folder name."""
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(TRAINED_DIR.glob("*/card.json"))}
