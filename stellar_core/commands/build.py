"""The command that makes what is in ``trained/``: ``build``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.paths import TRAINED_DIR

commands = typer.Typer()


@commands.command()
def build(
    part: Annotated[
        str,
        typer.Argument(
            help="tracks, photometry, population, instrument, emulator, comparison, or all of these from DATA; "
            "cells (after tracks); cards, the README.md of each model."
        ),
    ],
    data: Annotated[Path | None, typer.Argument(help="Folder of public data; see trained/README.md.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the models.")] = TRAINED_DIR,
) -> None:
    """Rebuild a part of trained/ from public data, or rewrite the model cards."""
    if part == "cards":
        from stellar_core.model_cards import write_cards

        for path in write_cards(out):
            typer.echo(str(path))
    elif part == "cells":
        from stellar_core.isochrones.track_samples import build as build_cells
        from stellar_core.isochrones.track_table import load_tracks

        build_cells(load_tracks(), out / "isochrone-cells")
    else:
        _build_from_data(part, data, out)


def _build_from_data(part: str, data: Path | None, out: Path) -> None:
    from stellar_core.errors import ParameterError
    from stellar_core.mock.fit.rebuild import rebuild

    if data is None:
        raise ParameterError(f"The part {part!r} is made from a data folder.", value=part, remedy=f"build {part} DATA")
    rebuild(data, () if part == "all" else (part,), out, say=lambda text: sys.stderr.write(text + "\n"))
