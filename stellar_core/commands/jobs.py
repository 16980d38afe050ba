"""The commands ``jobs ...`` of the command line."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.terminal import emit

commands = typer.Typer(no_args_is_help=True, help="Training jobs: one runs at a time, the others wait in a queue.")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JobName = Annotated[str, typer.Argument(help="Id or number of the job.", metavar="JOB")]


@commands.callback()
def about() -> None:
    """Training jobs: one runs at a time, the others wait in a queue."""


def _queue():
    from stellar_core.jobs.queue import Queue

    queue = Queue()
    queue.start_next()
    return queue


def _show_job(job, as_json: bool, text: str) -> None:
    from stellar_core.jobs.comparison import summary

    emit(summary(job)) if as_json else typer.echo(text)


def line(found: dict[str, object]) -> str:
    """Format a job as a line."""
    done = (
        f" {found.get('phase', '')} {found.get('done', 0)}/{found.get('total', 0)}"
        if found["state"] == "running"
        else ""
    )
    score = ""
    if found.get("log_age_rmse") is not None:
        score = f"  {found['tested']} test: " + ", ".join(
            f"{name} {found[f'{name}_rmse']:.3g} (baseline: mean, {found[f'{name}_rmse_constant']:.3g})"
            for name in ("log_age", "teff")
        )
    why = f"  {found['reason']}" if found["reason"] else ""
    return f"{found['id']:<28} {found['state']:<10}{done}{score}{why}"


def submit(
    config: Path | None,
    preset: str,
    name: str,
    source: str,
    ranges: list[str],
    labels: str,
    table: Path | None,
    store: str,
    as_json: bool,
) -> None:
    """Add a training to the queue, and start it if no job is running: ``train --job``."""
    from stellar_core.datasets.labelled_table import read_star_table
    from stellar_core.errors import StorageError
    from stellar_core.jobs.presets import preset as preset_job
    from stellar_core.jobs.queue import THREADS
    from stellar_core.jobs.spec import JobConfig, StarSource
    from stellar_core.training.config import TrainingConfig

    queue = _queue()
    if preset:
        job_config = preset_job(preset)
    else:
        training = TrainingConfig() if config is None else TrainingConfig.read(config)
        job_config = JobConfig(training.name, training, threads=THREADS)
    content = None
    if table is not None:
        try:
            content = table.read_bytes()
        except OSError as error:
            raise StorageError(f"The table {table} cannot be read: {error}.") from None
        read_star_table(content)
    kind = "table" if table is not None else source
    labels = labels or (job_config.source.labels if kind == "mock" else "look-up")
    chosen = StarSource(kind, dict(map(read_range, ranges)), store, labels)
    job = queue.submit(replace(job_config, source=chosen, name=name or job_config.name), content)
    queue.start_next()
    _show_job(job, as_json, f"{job.id} is in the queue. Show its progress: python -m stellar_core jobs show {job.id}")


def read_range(text: str) -> tuple[str, tuple[float, float]]:
    """Read a range of a quantity, such as ``teff=5000,6500``; ParameterError if it is none."""
    from stellar_core.errors import ParameterError

    name, _, limits = text.partition("=")
    try:
        low, high = map(float, limits.split(","))
    except ValueError:
        raise ParameterError(
            f"A range is written NAME=LOW,HIGH, as in teff=5000,6500; got {text!r}.", value=text
        ) from None
    return name.strip(), (low, high)


@commands.command("list")
def list_jobs(as_json: AsJson = False) -> None:
    """List all jobs, the newest first."""
    from stellar_core.jobs.comparison import compare

    found = compare(_queue().jobs())
    if as_json:
        emit(found)
        return
    for item in found:
        typer.echo(line(item))


@commands.command()
def show(
    job: JobName, lines: Annotated[int, typer.Option(help="Lines of the log.")] = 10, as_json: AsJson = False
) -> None:
    """Show the progress, the epochs and the end of the log of a job."""
    from stellar_core.jobs.comparison import summary

    found = _queue().find(job)
    log = found.log(lines)
    if as_json:
        emit(
            {
                **summary(found),
                "status": asdict(found.status()),
                "epochs_done": found.epochs(),
                "losses": found.history(),
                "log": log,
            }
        )
        return
    typer.echo("\n".join([line(summary(found)), *log]))


@commands.command()
def cancel(job: JobName, as_json: AsJson = False) -> None:
    """Cancel a job; resume continues it."""
    queue = _queue()
    found = queue.find(job)
    status = queue.cancel(found)
    queue.start_next()
    _show_job(
        found,
        as_json,
        f"{found.id}: {'cancelled' if status.state == 'cancelled' else 'will stop after the current batch'}.",
    )


@commands.command()
def resume(job: JobName, as_json: AsJson = False) -> None:
    """Put a cancelled or failed job back into the queue; it continues from its last checkpoint."""
    queue = _queue()
    found = queue.find(job)
    queue.resume(found)
    queue.start_next()
    _show_job(found, as_json, f"{found.id} is in the queue again.")


@commands.command()
def retry(job: JobName, as_json: AsJson = False) -> None:
    """Add a new job with the same configuration, starting from scratch."""
    queue = _queue()
    again = queue.retry(queue.find(job))
    queue.start_next()
    _show_job(again, as_json, f"{again.id} is in the queue.")


@commands.command()
def delete(job: JobName) -> None:
    """Delete a job that is not running; models adopted from it are kept."""
    queue = _queue()
    queue.delete(queue.find(job))


@commands.command()
def rename(job: JobName, name: Annotated[str, typer.Argument(help="Its new name.")], as_json: AsJson = False) -> None:
    """Rename a job; its id does not change."""
    queue = _queue()
    _show_job(queue.change(queue.find(job), name=name), as_json, "Renamed.")


@commands.command()
def note(job: JobName, text: Annotated[str, typer.Argument(help="The note.")], as_json: AsJson = False) -> None:
    """Replace the note of a job."""
    queue = _queue()
    _show_job(queue.change(queue.find(job), note=text), as_json, "Noted.")


@commands.command()
def adopt(
    job: JobName,
    name: Annotated[str, typer.Option(help="Name of the model; the job's by default.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add the model of a finished job to the app; existing models are never replaced."""
    from stellar_core.jobs.model_registry import adopt as adopt_job

    model = adopt_job(_queue().find(job), name)
    if as_json:
        emit({"model": model})
    else:
        typer.echo(f"Model {model} is available: python -m stellar_core predict STAR --model {model}")


@commands.command()
def estimate(
    config: Annotated[Path | None, typer.Argument(help="JSON configuration; the shipped model's by default.")] = None,
    store: Annotated[
        bool, typer.Option("--store", help="For stars of a survey store, which stay on the disk.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Estimate the memory and disk space of a training."""
    from stellar_core.jobs.resources import disk_needed, memory_needed, parameter_count
    from stellar_core.training.config import TrainingConfig

    training = TrainingConfig() if config is None else TrainingConfig.read(config)
    parameters = parameter_count(training.model)
    memory = memory_needed(training, parameters, on_disk=store)
    disk = float(disk_needed(parameters, training.data.stars if store else 0))
    if as_json:
        emit({"memory": memory, "disk": disk, "parameters": parameters})
    else:
        typer.echo(f"{memory / 1e9:.1f} GB of memory, {disk / 1e6:.0f} MB of disk, {parameters:,} weights")


@commands.command(hidden=True)
def work(job: JobName, token: Annotated[str, typer.Argument(help="Identifies the attempt.")]) -> None:
    """Carry out a job; started by the queue."""
    from stellar_core.jobs.queue import Queue
    from stellar_core.jobs.worker import work as carry_out

    raise typer.Exit(carry_out(Queue(), job, token))
