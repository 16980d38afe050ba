"""The command line: ``python -m stellar_core COMMAND``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.errors import StellarError
from stellar_core.jobs.commands import commands as jobs
from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.survey.commands import commands as fetch

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ages, lifetimes and stages of stars from SDSS spectra.",
)


def emit(payload: object) -> None:
    """Write ``payload`` to standard output as JSON."""
    sys.stdout.write(json.dumps(payload, indent=2, allow_nan=False) + "\n")


@app.callback()
def commands() -> None:
    """Ages, lifetimes and stages of stars from SDSS spectra."""


@app.command()
def mock(
    stars: Annotated[int, typer.Option(help="Number of stars, spread evenly over the survey; 140 kB each.")],
    out: Annotated[Path, typer.Option(help="Folder for the catalogue, the truth and the spectra.")],
    seed: Annotated[int | None, typer.Option(help="Seed of the survey; the app's own by default.")] = None,
    cuts: Annotated[bool, typer.Option("--cuts", help="Keep the stars that pass the paper's quality cuts.")] = False,
    spectra: Annotated[bool, typer.Option(help="Write the FITS files too.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write MOCK stars: a catalogue with SDSS's tables, their truth apart, and spec-lite FITS files."""
    from stellar_core.mock.catalogue_writer import write_release
    from stellar_core.mock.survey import SEED
    from stellar_core.progress import ProgressLine
    from stellar_core.sdss.quality_cuts import QualityCuts

    line = ProgressLine(sys.stderr)
    chosen = QualityCuts() if cuts else None
    written = write_release(stars, out, SEED if seed is None else seed, spectra=spectra, cuts=chosen, progress=line)
    line.close()
    if as_json:
        emit(written)
    else:
        typer.echo(
            f"MOCK survey, seed {written['seed']}: {written['stars']} stars from {written['plates']} plates in {out}"
        )


@app.command()
def catalogue(
    out: Annotated[Path | None, typer.Option(help="Parquet file; the app's own by default.")] = None,
    stars: Annotated[int, typer.Option(help="MOCK stars, spread evenly over the survey.")] = 166_625,
    store: Annotated[Path | None, typer.Option(help="A store of fetch survey, in the place of MOCK stars.")] = None,
    status: Annotated[Path | None, typer.Option(help="File that says how far it is.", hidden=True)] = None,
) -> None:
    """Make a catalogue that the app shows: pipeline parameters and the isochrones' posterior."""
    from stellar_core.background import watched
    from stellar_core.catalogue.making import default_path, make_catalogue
    from stellar_core.progress import ProgressLine

    line = ProgressLine(sys.stderr)
    with watched(status, line) as note:
        made = make_catalogue(out or default_path(), stars, note, store)
    line.close()
    typer.echo(f"{'MOCK catalogue' if store is None else 'Catalogue'} in {made}")


def show(payload: dict[str, object]) -> None:
    """Write the top level of ``payload`` to standard output, a line for each value."""
    width = max(map(len, payload))
    for name, value in payload.items():
        for item in value if isinstance(value, list) else [value]:
            sys.stdout.write(f"{name:<{width}}  {item}\n")


@app.command(context_settings={"ignore_unknown_options": True})
def identify(
    text: Annotated[list[str], typer.Argument(help="specObjID, plate-MJD-fiber, plate and fiber, file name or URL.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say which SDSS spectrum TEXT names."""
    from stellar_core.lookup import identify as identify_star

    found = identify_star(" ".join(text))
    if as_json:
        emit(found)
    else:
        show(found)


@app.command()
def label(
    teff: Annotated[float | None, typer.Option(help="Effective temperature, K.")] = None,
    logg: Annotated[float | None, typer.Option(help="log g, dex(cm/s2).")] = None,
    feh: Annotated[float | None, typer.Option(help="Surface [Fe/H], dex.")] = None,
    errors: Annotated[str, typer.Option(help="Standard deviations K,DEX,DEX.")] = "75,0.2,0.1",
    table: Annotated[Path | None, typer.Option(help="CSV or Parquet table of stars instead of one star.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the labelled table goes, .parquet or .csv.")] = None,
    imf: Annotated[str, typer.Option(help="Prior of mass: kroupa or chabrier.")] = "kroupa",
    age_prior: Annotated[str, typer.Option(help="Prior of age: uniform or log-uniform.")] = "uniform",
    feh_prior: Annotated[str, typer.Option(help="Prior of [Fe/H]: flat or 'disc and halo'.")] = "flat",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Age, mass, lifetime and stage from Teff, log g and [Fe/H]: exact posterior and nearest point."""
    from stellar_core.isochrones.label import label_file, label_star, parse_errors, sentences
    from stellar_core.isochrones.priors import Priors

    priors = Priors(imf=imf, age=age_prior, feh=feh_prior)
    if table is not None:
        written = label_file(table, out, priors)
        emit(written) if as_json else show(written)
        return
    found = label_star(teff, logg, feh, parse_errors(errors), priors)
    emit(found) if as_json else show(sentences(found))


@app.command()
def train(
    config: Annotated[Path | None, typer.Argument(help="JSON configuration; the shipped model's by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the model; trained/NAME by default.")] = None,
    as_job: Annotated[bool, typer.Option("--job", help="Put it into the queue of jobs instead, and return.")] = False,
    preset: Annotated[str, typer.Option(help="Job: demo, setup-a, setup-b, setup-c or fine-tune.")] = "",
    name: Annotated[str, typer.Option(help="Job: what it is called.")] = "",
    source: Annotated[str, typer.Option(help="Job: training stars, mock or catalogue.")] = "mock",
    select: Annotated[
        list[str] | None, typer.Option(help="Job: range, as teff=5000,6500; teff, logg, feh or snr.")
    ] = None,
    labels: Annotated[
        str,
        typer.Option(help="Job: what MOCK stars teach, look-up (the paper's labels) or truth; the preset's without."),
    ] = "",
    table: Annotated[Path | None, typer.Option(help="Job: labelled CSV table with star, teff, logg and feh.")] = None,
    store: Annotated[str, typer.Option(help="Job: survey store for --source catalogue; the MOCK survey without.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card, or the job, as JSON.")] = False,
) -> None:
    """Train a network on MOCK stars, calibrate and test it; an interrupted run goes on. Status 130 if stopped."""
    if as_job:
        from stellar_core.jobs.commands import submit

        submit(config, preset, name, source, select or [], labels, table, store, as_json)
        return
    from stellar_core.pipeline.train_model import run
    from stellar_core.training.config import TrainingConfig
    from stellar_core.training.console import Console, stop_on_signal

    console = Console(sys.stderr)
    settings = TrainingConfig() if config is None else TrainingConfig.read(config)
    with stop_on_signal() as stop:
        card = run(settings, out, console.say, console.progress, stop, console.count)
        if card is None and stop():
            raise typer.Exit(130)
    if as_json and card is not None:
        emit(card)


app.add_typer(jobs, name="jobs")


@app.command()
def phase(
    number: Annotated[int, typer.Argument(help="The paper's phase: 1, 2 or 3.", metavar="{1,2,3}")],
    scale: Annotated[float, typer.Option(help="Stars as a part of the paper's; 1.0 is its size.")] = 0.02,
    epochs: Annotated[int, typer.Option(help="Passes over the imbalanced stars, at most.")] = 10,
    preset: Annotated[str, typer.Option(help="Training: ours or paper.")] = "ours",
    seeds: Annotated[int, typer.Option(help="Trainings of each kind.")] = 1,
    heads: Annotated[str, typer.Option(help="bounded, unbounded or both; the preset's by default.")] = "",
    models: Annotated[str, typer.Option(help="Phase 1: which of the eight models.")] = "1,2,3,4,5,6,7,8",
    batch: Annotated[int, typer.Option(help="Stars per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Of the preset ours.")] = 7e-4,
    test: Annotated[int, typer.Option(help="Test stars at least.")] = 2000,
    errors: Annotated[str, typer.Option(help="Errors K,DEX,DEX of the pipeline that labels come from.")] = "75,0.2,0.1",
    seed: Annotated[int, typer.Option(help="Seed of the stars.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the runs; runs/phaseN by default.")] = None,
    workers: Annotated[int, typer.Option(help="Processes beside each other.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each run; results depend on it in the last digits.")] = 1,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler that runs are spread by.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    publish: Annotated[bool, typer.Option(help="Also write trained/experiments/phaseN.json.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print settings, tables and findings as JSON.")] = False,
) -> None:
    """Run one of the paper's three phases on MOCK stars; what is finished is not run again."""
    from stellar_core.experiments.phase_run import run_phase
    from stellar_core.experiments.phases import PhaseConfig, parse_models
    from stellar_core.experiments.tables import report
    from stellar_core.isochrones.label import parse_errors

    config = PhaseConfig(
        phase=number,
        scale=scale,
        epochs=epochs,
        preset=preset,
        seeds=seeds,
        heads=heads,
        models=parse_models(models),
        batch=batch,
        learning_rate=learning_rate,
        test=test,
        data_seed=seed,
        spp_errors=parse_errors(errors),
        device=device,
    )
    folder = Path("runs") / f"phase{number}" if out is None else out
    results = run_phase(config, folder, workers, cluster, threads, publish, say=lambda text: typer.echo(text, err=True))
    if as_json:
        emit({key: item for key, item in results.items() if key != "trials"})
    else:
        typer.echo(report(results))


@app.command(context_settings={"ignore_unknown_options": True})
def predict(
    inputs: Annotated[list[str], typer.Argument(help="Spectrum files or SDSS identifiers.")],
    model: Annotated[str, typer.Option(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    samples: Annotated[int, typer.Option(help="Passes of MC dropout.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the passes.")] = 0,
    isochrones: Annotated[bool, typer.Option(help="Add the isochrones' own posterior to each result.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of results as JSON.")] = False,
) -> None:
    """Age, lifetime and stage of each star; ends with status 2 if none gave a result."""
    from stellar_core.inference.base import Estimator
    from stellar_core.inference.predict import predict as predict_all
    from stellar_core.inference.predict import sentence

    found = []
    for item in predict_all(inputs, Estimator.load(model), samples, seed, isochrones):
        found.append(item)
        if not as_json and "error" not in item:
            sys.stdout.write(sentence(item) + "\n")
        elif "error" in item:
            sys.stderr.write(f"error: {item['input'][:100]}: {item['error']}\n")
    if as_json:
        emit(found)
    if all("error" in item for item in found):
        raise typer.Exit(2)


@app.command()
def batch(
    out: Annotated[
        Path, typer.Option(help="The table: .parquet, .fits, .vot, .csv or .ecsv. The same command goes on with it.")
    ],
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Spectrum files, folders, identifiers; or one store of fetch survey.")
    ] = None,
    listed: Annotated[
        str,
        typer.Option(
            "--list",
            help="File with an input a line, or a table (CSV, ECSV, FITS, VOTable, Parquet) with specObjID, or plate, MJD and fiberID, or RA and Dec.",
        ),
    ] = "",
    mock: Annotated[int, typer.Option(help="So many MOCK stars instead.")] = 0,
    photometry: Annotated[
        bool, typer.Option("--photometry", help="Ask SDSS's catalogue about files too, for ugriz and SSPP.")
    ] = False,
    model: Annotated[str, typer.Option(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    samples: Annotated[int, typer.Option(help="Passes of MC dropout, of models that need them.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of passes and draws.")] = 0,
    chunk: Annotated[int, typer.Option(help="Rows answered between two savings, a multiple of 32.")] = 512,
    workers: Annotated[int, typer.Option(help="Processes beside each other, of one thread each.")] = 1,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler in the place of workers.")] = None,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Note what cannot be had now as errors, and finish.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Answers for many stars as one table, a row for each input; an interrupted batch goes on."""
    from stellar_core.batch.inputs import Request
    from stellar_core.batch.job import Batch, run_batch
    from stellar_core.progress import ProgressLine

    line = ProgressLine(sys.stderr)
    request = Request(tuple(inputs or ()), listed, mock, photometry=photometry)
    plan = Batch.of(request, model, samples, seed, chunk)
    found = run_batch(plan, out, workers=workers, cluster=cluster, give_up=give_up, progress=line)
    line.close()
    if as_json:
        emit(found)
    else:
        kind = "inputs, some or all of them MOCK stars," if found["mock"] else "inputs"
        counts = " and ".join(
            f"{found[name]} {word}{'s' * (found[name] != 1)}"
            for name, word in (("answered", "answer"), ("errors", "error"))
        )
        typer.echo(f"{counts} for {found['rows']} {kind} in {found['out']}")
    if not found["answered"]:
        raise typer.Exit(2)


@app.command()
def clusters(
    out: Annotated[Path, typer.Option(help="Folder; the same folder goes on.")],
    names: Annotated[list[str] | None, typer.Argument(help="Such as M67 and M13; all of the table by default.")] = None,
    table: Annotated[Path | None, typer.Option(help="CSV table of clusters; SEGUE's own by default.")] = None,
    model: Annotated[str, typer.Option(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    workers: Annotated[int, typer.Option(help="Processes beside each other, of one thread each.")] = 1,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Finish without the spectra that cannot be had now.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Our ages of SEGUE's open and globular clusters beside those of the literature; needs SDSS."""
    from stellar_core.clusters.comparison import compare_clusters, report
    from stellar_core.clusters.literature import TABLE, read_clusters
    from stellar_core.progress import ProgressLine

    line = ProgressLine(sys.stderr)
    chosen = read_clusters(table or TABLE, names or ())
    found = compare_clusters(chosen, out, model, workers=workers, give_up=give_up, progress=line)
    line.close()
    if as_json:
        emit(found)
    else:
        typer.echo(report(found))


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    stars: Annotated[int, typer.Option(help="MOCK test stars.")] = 300,
    report: Annotated[Path | None, typer.Option(help="Write the model's stored test as one HTML page instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Accuracy and coverage on MOCK test stars, beside the constant predictor and the exact posterior."""
    if report is not None:
        from stellar_core.evaluation.html_report import write_report
        from stellar_core.evaluation.stored_predictions import read_test

        write_report(read_test(model), report)
        emit({"report": str(report)}) if as_json else typer.echo(f"The report is in {report}.")
        return
    from stellar_core.evaluation.mock_evaluation import evaluate as evaluate_model
    from stellar_core.inference.base import Estimator

    found = evaluate_model(Estimator.load(model), stars)
    if as_json:
        emit(found)
    else:
        show({name: value for name, value in found.items() if name not in ("details", "exact_posterior")})


@app.command()
def calibrate(
    model: Annotated[str, typer.Argument(help="Name of a model in trained/.")],
    stars: Annotated[
        int | None, typer.Option(help="MOCK stars for the calibration, and as many for the test.", min=100)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the result; the model's own by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the model's card as JSON.")] = False,
) -> None:
    """Fit error bars and domain gate of a trained network anew and test them; its weights stay. Status 130 if stopped."""
    from stellar_core.pipeline.train_model import recalibrate
    from stellar_core.training.console import Console, stop_on_signal

    console = Console(sys.stderr)
    with stop_on_signal() as stop:
        card = recalibrate(model, stars, out, console.say, stop, console.count)
    if card is None:
        raise typer.Exit(130)
    if as_json:
        emit(card)


app.add_typer(fetch, name="fetch")


def main() -> None:
    """Run the command line; user errors end with status 2 and one line."""
    try:
        app()
    except StellarError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    except OSError as error:  # a folder that is a file, a disk that is full or may not be written
        if not error.filename:
            raise
        sys.stderr.write(f"error: {error.filename}: {error.strerror}.\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
