"""The commands that make a network: ``train`` and ``calibrate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.terminal import emit

commands = typer.Typer()


@commands.command()
def train(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="JSON configuration, or a folder of trained/ for all its stages; the paper's Setup A by default."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the model; trained/NAME by default.")] = None,
    as_job: Annotated[bool, typer.Option("--job", help="Add the run to the job queue and return.")] = False,
    preset: Annotated[str, typer.Option(help="Job: demo, setup-a, setup-b, setup-c or fine-tune.")] = "",
    name: Annotated[str, typer.Option(help="Job: its name.")] = "",
    source: Annotated[str, typer.Option(help="Job: training stars, mock or catalogue.")] = "mock",
    select: Annotated[
        list[str] | None,
        typer.Option(help="Job: keep stars in a range, such as teff=5000,6500; teff, logg, feh or snr."),
    ] = None,
    labels: Annotated[
        str,
        typer.Option(help="Job: labels of MOCK stars, look-up (as in the paper) or truth; the preset's by default."),
    ] = "",
    table: Annotated[Path | None, typer.Option(help="Job: labelled CSV table with star, teff, logg and feh.")] = None,
    store: Annotated[
        str, typer.Option(help="Job: survey store for --source catalogue; the MOCK survey by default.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card, or the job, as JSON.")] = False,
) -> None:
    """Train a network on MOCK stars, calibrate and test it; an interrupted run resumes. Status 130 if stopped."""
    if as_job:
        from stellar_core.commands.jobs import submit

        submit(config, preset, name, source, select or [], labels, table, store, as_json)
        return
    from stellar_core.pipeline.chain import train_chain
    from stellar_core.pipeline.train_model import train_model
    from stellar_core.training.config import TrainingConfig
    from stellar_core.training.console import Console, stop_on_signal

    console = Console(sys.stderr)
    with stop_on_signal() as stop:
        callbacks = {"say": console.say, "report": console.report, "progress": console.progress, "stop": stop}
        if config is not None and config.is_dir():
            card = train_chain(config, out, **callbacks)
        else:
            settings = TrainingConfig() if config is None else TrainingConfig.read(config)
            card = train_model(settings, out, **callbacks)
        if card is None and stop():
            raise typer.Exit(130)
    if as_json and card is not None:
        emit(card)


@commands.command()
def calibrate(
    model: Annotated[str, typer.Argument(help="Name of a model in trained/.")],
    stars: Annotated[
        int | None, typer.Option(help="Number of MOCK stars for calibration, and as many for the test.", min=100)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the result; the model's own by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card as JSON.")] = False,
) -> None:
    """Refit and test a network's error bars and out-of-distribution check. Status 130 if stopped."""
    from stellar_core.pipeline.train_model import recalibrate
    from stellar_core.training.console import Console, stop_on_signal

    console = Console(sys.stderr)
    with stop_on_signal() as stop:
        card = recalibrate(model, stars, out, say=console.say, stop=stop, progress=console.progress)
    if card is None:
        raise typer.Exit(130)
    if as_json:
        emit(card)
