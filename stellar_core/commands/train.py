"""The commands that make a network: ``train`` and ``calibrate``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stellar_core.terminal import emit

if TYPE_CHECKING:
    from stellar_core.pipeline.survey_sets import SurveySets
    from stellar_core.training.config import TrainingConfig

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
    preset: Annotated[
        str, typer.Option(help="In place of CONFIG: demo, setup-a, setup-a-ours, the same for b and c, or fine-tune.")
    ] = "",
    name: Annotated[str, typer.Option(help="Job: its name.")] = "",
    source: Annotated[str, typer.Option(help="Job: training stars, mock or catalogue.")] = "mock",
    select: Annotated[
        list[str] | None,
        typer.Option(help="Job or --store: keep stars in a range, such as teff=5000,6500; teff, logg, feh or snr."),
    ] = None,
    labels: Annotated[
        str,
        typer.Option(help="Job: labels of MOCK stars, look-up (as in the paper) or truth; the preset's by default."),
    ] = "",
    table: Annotated[Path | None, typer.Option(help="Job: labelled CSV table with star, teff, logg and feh.")] = None,
    store: Annotated[
        str, typer.Option(help="Train, calibrate and test on the stars of this survey store, no star in two sets.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card, or the job, as JSON.")] = False,
) -> None:
    """Train a network, calibrate and test it; an interrupted run resumes. Status 130 if stopped."""
    if as_job:
        from stellar_core.commands.jobs import submit

        submit(config, preset, name, "catalogue" if store else source, select or [], labels, table, store, as_json)
        return
    from stellar_core.pipeline.chain import train_chain
    from stellar_core.pipeline.train_model import train_model
    from stellar_core.training.console import Console, stop_on_signal

    console = Console(sys.stderr)
    with stop_on_signal() as stop:
        callbacks = {"say": console.say, "report": console.report, "progress": console.progress, "stop": stop}
        if config is not None and config.is_dir() and not store:
            card = train_chain(config, out, **callbacks)
        else:
            settings = _settings(config, preset)
            sets = _survey_sets(store, select or [], settings, out, callbacks) if store else None
            card = train_model(settings, out, **callbacks, sets=sets)
            if card is not None and sets is not None:
                sets.clear()
        if card is None and stop():
            raise typer.Exit(130)
    if as_json and card is not None:
        emit(card)


def _settings(config: Path | None, preset: str) -> TrainingConfig:
    """The settings of a preset, of a file, or of the paper's Setup A."""
    from stellar_core.training.config import TrainingConfig

    if preset:
        from stellar_core.jobs.presets import preset as preset_job

        return preset_job(preset).training
    return TrainingConfig() if config is None else TrainingConfig.read(config)


def _survey_sets(
    store: str, select: list[str], settings: TrainingConfig, out: Path | None, callbacks: dict[str, Callable]
) -> SurveySets:
    """The stars of a survey store within the ranges; those for training are kept in the model's folder meanwhile."""
    from functools import partial

    from stellar_core.commands.jobs import read_range
    from stellar_core.jobs.spec import StarSource
    from stellar_core.jobs.stars import inside
    from stellar_core.paths import TRAINED_DIR
    from stellar_core.pipeline.survey_sets import survey_sets

    source = StarSource("catalogue", dict(map(read_range, select)), store)
    folder = (TRAINED_DIR / settings.name if out is None else out) / "stars"
    told = {name: callbacks[name] for name in ("say", "progress")}
    chosen = partial(inside, source.ranges)
    return survey_sets(Path(store), settings.data, folder, chosen, ranges=source.ranges, **told)


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
