"""Trained models on disk: weights.safetensors and card.json in ``trained/<name>``; adopted ones in ``runs/models``."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stellar_core.errors import ModelError
from stellar_core.files import read_json, write_bytes, write_text
from stellar_core.paths import TRAINED_DIR, adopted_folder

#: The network that is used by default: Model 9.
DEFAULT_MODEL = "isochrone"


#: A list of numbers that JSON has spread over lines; a JSON string cannot contain a line break.
_NUMBERS = re.compile(r"\[\n\s*((?:-?[\d.eE+-]+|null)(?:,\n\s*(?:-?[\d.eE+-]+|null))*)\n\s*\]")


def card_text(card: Mapping[str, object]) -> str:
    """Return ``card`` as JSON with one value per line, and lists of numbers on one line each."""
    text = json.dumps(card, indent=1, allow_nan=False)
    return _NUMBERS.sub(lambda found: "[" + re.sub(r",\s*", ", ", found[1]) + "]", text) + "\n"


def write_model(folder: Path, weights: Mapping[str, np.ndarray], card: Mapping[str, object]) -> dict[str, object]:
    """Write weights and card atomically; the date and the SHA-256 of the weights are added to the card.

    Parameters
    ----------
    folder : Path
        Folder of the model; made if absent.
    weights : mapping of str to ndarray
    card : mapping
        Values that JSON can hold.

    Returns
    -------
    dict
        The card as written.
    """
    from safetensors.numpy import save

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    payload = save({name: np.ascontiguousarray(array) for name, array in weights.items()})
    write_bytes(folder / "weights.safetensors", payload, sync=False)
    full = {
        "date": datetime.date.today().isoformat(),
        **card,
        "sha256": hashlib.sha256(payload).hexdigest(),
        "bytes": len(payload),
    }
    write_text(folder / "card.json", card_text(full))
    return full


def read_model(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Read the arrays and the card of a model.

    Returns
    -------
    weights : dict of str to ndarray
    card : dict

    Raises
    ------
    ModelError
        If a file is missing, or the arrays are not those that the card describes.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = Path(folder)
    remedy = f"Restore trained/{folder.name} from the repository."
    try:
        payload = (folder / "weights.safetensors").read_bytes()
        card = read_json(folder / "card.json")
        weights = load(payload)
    except FileNotFoundError:
        known = ", ".join([*list_models(), *adopted_models()])
        raise ModelError(
            f"There is no trained model {folder.name!r}.", value=folder.name, remedy=f"There are: {known}."
        ) from None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The model {folder.name} cannot be read ({type(error).__name__}).", value=folder.name, remedy=remedy
        ) from None
    if not isinstance(card, dict) or hashlib.sha256(payload).hexdigest() != card.get("sha256"):
        raise ModelError(
            f"The model {folder.name} does not match the sha256 on its card.", value=folder.name, remedy=remedy
        )
    for name, array in weights.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelError(
                f"The model {folder.name} has values in {name[:60]} that are not finite.", value=name, remedy=remedy
            )
    return weights, card


def model_folder(name: str) -> Path:
    """Return the folder of a model by name.

    Raises
    ------
    ModelError
        If ``name`` is not a plain file name.
    """
    if Path(name).name != name or name in ("", ".", ".."):
        raise ModelError(f"{name!r} is not the name of a model.", value=name)
    adopted = adopted_folder() / name
    return adopted if adopted.is_dir() and not (TRAINED_DIR / name).exists() else TRAINED_DIR / name


def add_to_card(name: str, entries: Mapping[str, object]) -> None:
    """Add or replace entries of the card of a model; ModelError where it cannot be read."""
    path = model_folder(name) / "card.json"
    write_text(path, card_text({**_card(path), **entries}))


def list_models() -> dict[str, dict[str, object]]:
    """Return the cards of the models in ``trained/`` by folder name; ModelError where one is damaged."""
    cards = (path for path in sorted(TRAINED_DIR.glob("*/card.json")) if (path.parent / "weights.safetensors").exists())
    return {path.parent.name: _card(path) for path in cards}


def adopted_models() -> dict[str, dict[str, object]]:
    """Return the cards of the adopted models by name; unreadable ones are left out."""
    found = {}
    for path in sorted(adopted_folder().glob("[!.]*/card.json")):
        try:
            card = _card(path)
        except ModelError:
            continue
        if (path.parent / "weights.safetensors").exists():
            found[path.parent.name] = card
    return found


def _card(path: Path) -> dict[str, object]:
    try:
        card = read_json(path)
    except (OSError, ValueError):
        card = None
    if not isinstance(card, dict):
        raise ModelError(f"The card of the model {path.parent.name} cannot be read.", value=path.parent.name)
    return card


def list_networks() -> dict[str, dict[str, object]]:
    """Return the cards of the networks by name: the shipped ones, then the adopted ones."""
    shipped = {name: card for name, card in list_models().items() if "architecture" in card}
    return {**shipped, **{name: card for name, card in adopted_models().items() if name not in shipped}}


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, object]) -> None:
    """Write arrays, and metadata that JSON can hold, to one safetensors file; the folder is made if absent."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    payload = save(contiguous, {name: json.dumps(value) for name, value in metadata.items()})
    write_bytes(Path(path), payload, sync=False)


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Read the arrays and the metadata that `write_arrays` wrote.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with safe_open(path, framework="np") as archive:
            metadata = {name: json.loads(text) for name, text in (archive.metadata() or {}).items()}
            return {name: archive.get_tensor(name) for name in archive.keys()}, metadata
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(
            f"The stored table {path.parent.name}/{path.name} cannot be read ({type(error).__name__}).",
            value=str(path),
            remedy=f"Restore trained/{path.parent.name} from the repository.",
        ) from None
