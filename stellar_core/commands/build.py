"""The command that makes what is in ``trained/``: ``build``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.paths import TRAINED_DIR

commands = typer.Typer()
PARTS = "tracks, photometry, population, instrument, emulator, comparison or all"


@commands.command()
def build(
    part: Annotated[str, typer.Argument(help=f"{PARTS}; or cards, the README.md of each model.")],
    data: Annotated[Path | None, typer.Argument(help="Data folder; not needed for cards.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the models.")] = TRAINED_DIR,
) -> None:
    """Rebuild a part of the MOCK survey from public data, or write the model cards."""
    from stellar_core.errors import ParameterError
    from stellar_core.mock.fit.rebuild import rebuild

    if part == "cards":
        from stellar_core.model_cards import write_cards

        for path in write_cards(out):
            typer.echo(str(path))
        return
    if data is None:
        raise ParameterError(f"The part {part!r} is made from a data folder: build {part} DATA.", value=part)
    only = () if part == "all" else (part,)
    rebuild(data, only, out, say=lambda text: sys.stderr.write(text + "\n"))
