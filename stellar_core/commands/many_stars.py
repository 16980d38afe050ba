"""The commands that make a table of many stars: ``mock``, ``batch``, ``catalogue`` and ``clusters``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.terminal import emit

commands = typer.Typer()


@commands.command()
def mock(
    stars: Annotated[int, typer.Option(help="Number of stars, drawn evenly from the survey; 140 kB each.")],
    out: Annotated[Path, typer.Option(help="Output folder.")],
    seed: Annotated[int | None, typer.Option(help="Seed of the survey; that of the app by default.")] = None,
    cuts: Annotated[bool, typer.Option("--cuts", help="Keep only stars that pass the paper's quality cuts.")] = False,
    spectra: Annotated[bool, typer.Option(help="Write the FITS files as well.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write MOCK stars: a catalogue in SDSS's format, spec-lite FITS files, and the true parameters in a file apart."""
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


@commands.command()
def batch(
    out: Annotated[
        Path,
        typer.Option(help="Output table: .parquet, .fits, .vot, .csv, .ecsv or .json. The same command resumes it."),
    ],
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Spectrum files, folders or identifiers; or one store of `fetch survey`.")
    ] = None,
    listed: Annotated[
        str,
        typer.Option(
            "--list",
            help="Text file with one input a line, or a table (CSV, ECSV, FITS, VOTable, Parquet) with specObjID, "
            "or plate, MJD and fiberID, or RA and Dec.",
        ),
    ] = "",
    mock: Annotated[int, typer.Option(help="Use this many MOCK stars instead.")] = 0,
    photometry: Annotated[
        bool, typer.Option("--photometry", help="Query SDSS for the ugriz and SSPP values of files too.")
    ] = False,
    gaia: Annotated[
        bool, typer.Option("--gaia", help="Look every star up in Gaia DR3 and use its parallax; adds columns.")
    ] = False,
    model: Annotated[str, typer.Option(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    samples: Annotated[int, typer.Option(help="Number of MC dropout passes, for models that use them.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of dropout passes and posterior draws.")] = 0,
    chunk: Annotated[int, typer.Option(help="Rows between two saves, a multiple of 32.")] = 512,
    workers: Annotated[int, typer.Option(help="Processes, with one thread each.")] = 1,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, instead of --workers.")] = None,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Record what cannot be fetched now as an error, and finish.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Results for many stars as one table, a row for each input; an interrupted batch resumes."""
    from stellar_core.batch.inputs import Request
    from stellar_core.batch.job import Batch, run_batch
    from stellar_core.progress import ProgressLine

    line = ProgressLine(sys.stderr)
    request = Request(tuple(inputs or ()), listed, mock, photometry=photometry)
    plan = Batch.of(request, model, samples, seed, chunk, gaia=gaia)
    found = run_batch(plan, out, workers=workers, cluster=cluster, give_up=give_up, progress=line)
    line.close()
    if as_json:
        emit(found)
    else:
        kind = "inputs, some or all of them MOCK stars," if found["mock"] else "inputs"
        counts = " and ".join(
            f"{found[name]} {word}{'s' * (found[name] != 1)}"
            for name, word in (("answered", "result"), ("errors", "error"))
        )
        typer.echo(f"{counts} for {found['rows']} {kind} in {found['out']}")
    if not found["answered"]:
        raise typer.Exit(2)


@commands.command()
def catalogue(
    out: Annotated[Path | None, typer.Option(help="Output Parquet file; the app's catalogue by default.")] = None,
    stars: Annotated[int, typer.Option(help="Number of MOCK stars, drawn evenly from the survey.")] = 166_625,
    store: Annotated[
        Path | None, typer.Option(help="Use the stars of this store of `fetch survey` instead of MOCK stars.")
    ] = None,
    gaia: Annotated[
        bool,
        typer.Option("--gaia", help="Use parallaxes and magnitudes of Gaia; slow, but an interrupted run resumes."),
    ] = False,
    status: Annotated[Path | None, typer.Option(help="Status file.", hidden=True)] = None,
) -> None:
    """Make the catalogue that the app shows: SSPP parameters and isochrone posteriors."""
    from stellar_core.background import reporting
    from stellar_core.catalogue.builder import default_path, make_catalogue
    from stellar_core.progress import ProgressLine

    line = ProgressLine(sys.stderr)
    with reporting(status, line) as note:
        made = make_catalogue(out or default_path(), stars, note, store, gaia)
    line.close()
    typer.echo(f"{'MOCK catalogue' if store is None else 'Catalogue'} in {made}")


@commands.command()
def clusters(
    out: Annotated[Path, typer.Option(help="Output folder; the same folder resumes.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as M67 and M13; all clusters of the table by default.")
    ] = None,
    table: Annotated[Path | None, typer.Option(help="CSV table of clusters; the SEGUE clusters by default.")] = None,
    model: Annotated[str, typer.Option(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    workers: Annotated[int, typer.Option(help="Processes, with one thread each.")] = 1,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Finish without the spectra that cannot be fetched now.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare our ages of SEGUE's open and globular clusters with the literature; needs SDSS."""
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
