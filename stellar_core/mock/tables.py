"""Small learned tables that ship with the package: safetensors beside a card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from stellar_core.cards import TRAINED_DIR, write_model
from stellar_core.errors import ModelError


def write_tables(name: str, arrays: dict[str, np.ndarray], card: dict, folder: Path = TRAINED_DIR) -> Path:
    """Write ``arrays`` and ``card`` to ``folder/name``; returns that folder."""
    target = Path(folder) / name
    write_model(target, arrays, {**card, "name": name})
    return target


def read_tables(name: str, folder: Path = TRAINED_DIR) -> tuple[dict[str, np.ndarray], dict]:
    """Read the arrays and the card of ``folder/name``.

    Returns
    -------
    arrays : dict of str to ndarray
    card : dict

    Raises
    ------
    ModelError
        If a file is missing, or the arrays are not those the card describes.
    """
    from safetensors.numpy import load

    target = Path(folder) / name
    try:
        data = (target / "weights.safetensors").read_bytes()
        card = json.loads((target / "card.json").read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise ModelError(
            f"The shipped tables {name!r} cannot be read from {target.parent.name}/{name} ({error}).",
            value=name,
            remedy="Restore that folder from the repository.",
        ) from None
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise ModelError(
            f"The shipped tables {name!r} are damaged: their sha256 is not the one on the card.",
            value=name,
            remedy="Restore that folder from the repository.",
        )
    return load(data), card
