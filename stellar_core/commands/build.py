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
            "systematics (after tracks), the errors of the models, from tables of real stars in DATA; "
            "cells (after tracks); pipeline (after emulator); dust-map, from a HEALPix file of the SFD map; "
            "learning-curve from DATA (hours); cards, the README.md of each model; "
            "known-stars, the table in stellar_core/isochrones/README.md; "
            "examples, the spectra in stellar_core/examples, from DATA."
        ),
    ],
    data: Annotated[Path | None, typer.Argument(help="Folder of public data; see trained/README.md.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the models.")] = TRAINED_DIR,
    miles: Annotated[Path | None, typer.Option(help="emulator: MILES as distributed.")] = None,
    stelib: Annotated[Path | None, typer.Option(help="emulator: STELIB as distributed.")] = None,
    boss: Annotated[Path | None, typer.Option(help="emulator: the BOSS mean templates.")] = None,
    kurucz: Annotated[Path | None, typer.Option(help="emulator: the Kurucz standards of SDSS.")] = None,
    ck04: Annotated[Path | None, typer.Option(help="emulator: ck04models of STScI.")] = None,
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
    elif part == "pipeline":
        from stellar_core.mock.fit.pipeline import build as build_pipeline

        build_pipeline(out / "mock-pipeline")
    elif part == "dust-map":
        from stellar_core.mock.fit.dust_map import build as build_dust_map

        build_dust_map(_needed(data, part), out)
    elif part == "known-stars":
        from stellar_core.evaluation.real_ages.known_stars import README, write_section

        write_section()
        typer.echo(str(README))
    elif part == "examples":
        from stellar_core.examples.build import build as build_examples

        for path in build_examples(_needed(data, part)):
            typer.echo(str(path))
    elif part == "systematics":
        from stellar_core.evaluation.systematics_fit import build as build_systematics

        build_systematics(_needed(data, part), out / "model-errors", _say)
    elif part == "learning-curve":
        _build_learning_curve(data, out)
    else:
        given = {"miles": miles, "stelib": stelib, "boss": boss, "kurucz": kurucz}
        _build_from_data(part, data, out, {name: path for name, path in given.items() if path is not None}, ck04)


def _build_learning_curve(data: Path | None, out: Path) -> None:
    from stellar_core.pipeline.learning_curve import learning_curve, record

    rows = learning_curve(_needed(data, "learning-curve"), (1000, 4000, 16_000, 64_000), say=_say)
    record(rows, out / "mock-realism" / "card.json")


def _build_from_data(part: str, data: Path | None, out: Path, libraries: dict[str, Path], ck04: Path | None) -> None:
    from stellar_core.mock.fit.build import build_parts

    folder = data if libraries or ck04 is not None else _needed(data, part)
    build_parts(folder, () if part == "all" else (part,), out, _say, libraries, ck04)


def _needed(data: Path | None, part: str) -> Path:
    from stellar_core.errors import ParameterError

    if data is None:
        raise ParameterError(f"The part {part!r} is made from a data folder.", value=part, remedy=f"build {part} DATA")
    return data


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
