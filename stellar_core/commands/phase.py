"""The command that repeats the paper's experiments: ``phase``."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.terminal import emit

commands = typer.Typer()


@commands.command()
def phase(
    number: Annotated[int, typer.Argument(help="The paper's phase: 1, 2 or 3.", metavar="{1,2,3}")],
    scale: Annotated[float, typer.Option(help="Fraction of the paper's number of stars.")] = 0.02,
    epochs: Annotated[int, typer.Option(help="Epochs over the imbalanced sample, at most.")] = 10,
    preset: Annotated[str, typer.Option(help="Training: ours or paper.")] = "ours",
    seeds: Annotated[int, typer.Option(help="Runs of each configuration.")] = 1,
    heads: Annotated[str, typer.Option(help="Output heads: unbounded as in the paper, bounded or both.")] = "unbounded",
    models: Annotated[str, typer.Option(help="Phase 1: numbers of the architectures.")] = "1,2,3,4,5,6,7,8",
    experiments: Annotated[str, typer.Option(help="Phase 1: letters of the experiments.")] = "A,B,C",
    batch: Annotated[int, typer.Option(help="Batch size.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Learning rate, for the preset ours.")] = 7e-4,
    test: Annotated[int, typer.Option(help="Number of MOCK test stars, at least.")] = 2000,
    store: Annotated[
        str, typer.Option(help="Store of a fetched survey, for its stars instead of MOCK ones; a tenth are test stars.")
    ] = "",
    pipeline: Annotated[
        str, typer.Option(help="Parameters that give the labels of MOCK stars: independent or spectroscopic errors.")
    ] = "spectroscopic",
    look_up: Annotated[str, typer.Option(help="Labels from the parameters: interpolated or nearest.")] = "interpolated",
    errors: Annotated[str, typer.Option(help="Errors K,DEX,DEX of the independent pipeline.")] = "75,0.2,0.1",
    seed: Annotated[int, typer.Option(help="Seed of the MOCK stars.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for the runs; runs/phaseN by default.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each run; results depend on this in the last digits.")] = 1,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to distribute the runs.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    minutes: Annotated[
        float, typer.Option(help="Stop after this time, to be continued by the same command; 0 for no limit.")
    ] = 0.0,
    publish: Annotated[bool, typer.Option(help="Also write the results into trained/experiments.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print settings, tables and findings as JSON.")] = False,
) -> None:
    """Repeat one of the paper's three phases; the same command continues an interrupted one. Status 130 if stopped."""
    from stellar_core.experiments.phase_run import run_phase
    from stellar_core.experiments.phases import PhaseConfig, parse_models
    from stellar_core.experiments.sweep import Deadline
    from stellar_core.experiments.tables import report
    from stellar_core.isochrones.label import parse_errors
    from stellar_core.training.console import stop_on_signal

    config = PhaseConfig(
        phase=number,
        scale=scale,
        epochs=epochs,
        preset=preset,
        seeds=seeds,
        heads=heads,
        models=parse_models(models),
        experiments=experiments.replace(",", "").replace(" ", "").upper(),
        batch=batch,
        learning_rate=learning_rate,
        test=test,
        store=store,
        pipeline=pipeline,
        look_up=look_up,
        data_seed=seed,
        spp_errors=parse_errors(errors),
        device=device,
    )
    folder = Path("runs") / f"phase{number}" if out is None else out
    deadline = Deadline(time.time() + 60.0 * minutes if minutes else math.inf)
    several = workers > 1 or cluster is not None
    say = lambda text: typer.echo(text, err=True)
    with contextlib.nullcontext() if several else stop_on_signal() as signalled:
        stop = deadline if several else lambda: deadline() or signalled()
        results = run_phase(config, folder, workers, cluster, threads, publish, say, stop)
    if results is None:
        raise typer.Exit(130)
    if as_json:
        emit({key: item for key, item in results.items() if key != "trials"})
    else:
        typer.echo(report(results))
