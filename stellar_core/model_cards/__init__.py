"""Model cards for people: ``trained/<name>/README.md``, written from ``card.json``.

``python -m stellar_core build cards`` writes them. Every figure in them is read from the card.
"""

from __future__ import annotations

from pathlib import Path

from stellar_core.errors import ModelError
from stellar_core.files import read_json
from stellar_core.model_cards.descriptions import NETWORKS
from stellar_core.model_cards.network import network_page
from stellar_core.model_cards.parts import PARTS
from stellar_core.paths import TRAINED_DIR


def card_page(folder: Path) -> str:
    """Model card of the model in ``folder``, as Markdown.

    Raises
    ------
    ModelError
        If ``card.json`` cannot be read, or no page is known for a model of this name.
    """
    name = folder.name
    try:
        card = read_json(folder / "card.json")
    except (OSError, ValueError) as error:
        raise ModelError(f"The card of the model {name} cannot be read: {error}.", value=name) from None
    if name in NETWORKS:
        lines = network_page(name, card)
    elif name in PARTS:
        lines = PARTS[name](card)
    else:
        raise ModelError(
            f"There is no page for the model {name}.", value=name, remedy="Add one to stellar_core/model_cards."
        )
    footer = "*Written from `card.json` by `python -m stellar_core build cards`; do not edit by hand.*"
    return "\n".join([*lines, "", footer]) + "\n"


def write_cards(trained: Path = TRAINED_DIR) -> list[Path]:
    """Write ``README.md`` beside every ``card.json`` in the folders of ``trained``; return the files."""
    pages = {path.parent / "README.md": card_page(path.parent) for path in sorted(trained.glob("*/card.json"))}
    for path, text in pages.items():
        path.write_text(text)
    return list(pages)
