"""Tables kept beside a trained part: arrays and words in one safetensors file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stellar_core.errors import ModelError


def write_table(path: Path, arrays: Mapping[str, np.ndarray], words: Mapping[str, object]) -> None:
    """Write arrays, and words that JSON can hold, whole or not at all; the folder is made if absent."""
    from safetensors.numpy import save

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    temporary.write_bytes(save(contiguous, {name: json.dumps(value) for name, value in words.items()}))
    os.replace(temporary, path)


def read_table(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Read what `write_table` wrote.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with safe_open(path, framework="np") as archive:
            words = {name: json.loads(text) for name, text in (archive.metadata() or {}).items()}
            return {name: archive.get_tensor(name) for name in archive.keys()}, words
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(
            f"The stored table {path.parent.name}/{path.name} cannot be read ({type(error).__name__}).",
            value=str(path),
            remedy=f"Restore trained/{path.parent.name} from the repository.",
        ) from None
