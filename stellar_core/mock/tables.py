"""Small learned tables that ship with the package: safetensors beside a card."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from stellar_core.errors import ModelError

#: Folder of everything trained, at the top of the project.
TRAINED = Path(__file__).resolve().parents[2] / "trained"

_ARRAYS = "weights.safetensors"
_CARD = "card.json"


def write_tables(name: str, arrays: dict[str, np.ndarray], card: dict, folder: Path = TRAINED) -> Path:
    """Write ``arrays`` and ``card`` to ``folder/name``, each by a temporary file and a rename.

    Parameters
    ----------
    name : str
        Folder below ``folder``.
    arrays : dict of str to ndarray
    card : dict
        Plain values: what, from what, how well; the sha256 of the arrays is added.

    Returns
    -------
    Path
        The folder written.
    """
    from safetensors.numpy import save

    target = Path(folder) / name
    target.mkdir(parents=True, exist_ok=True)
    data = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
    full_card = {**card, "name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    text = json.dumps(full_card, indent=2, allow_nan=False) + "\n"
    for file_name, content in ((_ARRAYS, data), (_CARD, text.encode())):
        temporary = target / f"{file_name}.tmp"
        temporary.write_bytes(content)
        os.replace(temporary, target / file_name)
    return target


def read_tables(name: str, folder: Path = TRAINED) -> tuple[dict[str, np.ndarray], dict]:
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
        data = (target / _ARRAYS).read_bytes()
        card = json.loads((target / _CARD).read_text())
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
