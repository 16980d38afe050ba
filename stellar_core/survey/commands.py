"""The commands ``fetch ...``: public data from the command line, or as an errand of a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer(no_args_is_help=True, help="Download public data.")

Status = Annotated[Path | None, typer.Option("--status", help="File that says how far it is.", hidden=True)]


@commands.callback()
def sources() -> None:
    """Download public data; a broken download goes on where it stopped."""


@commands.command("mist")
def fetch_mist(
    out: Annotated[Path, typer.Option(help="Folder for the archives.")],
    feh: Annotated[
        list[float] | None, typer.Option(help="Initial [Fe/H]; may be repeated; all of MIST's by default.")
    ] = None,
    vvcrit: Annotated[float, typer.Option(help="Rotation, 0.0 or 0.4 of the critical.")] = 0.4,
    server: Annotated[list[str] | None, typer.Option(help="Base address; MIST's own by default.")] = None,
    status: Status = None,
) -> None:
    """Fetch MIST's archives of evolutionary tracks."""
    from stellar_core.background import reporting
    from stellar_core.isochrones.download import METALLICITIES, SERVERS, archive_name, fetch_archive

    wanted = feh or METALLICITIES
    with reporting(status) as note:
        for number, value in enumerate(wanted, 1):
            name = archive_name(value, vvcrit)

            def report(done: int, total: int | None, name: str = name, number: int = number) -> None:
                share = f"{done / 1e6:.0f} MB" if total is None else f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"
                sys.stderr.write(f"\r{name}: {share}")
                note(f"{name} ({number} of {len(wanted)})", done, total or done)

            path = fetch_archive(value, out, vvcrit, servers=server or SERVERS, progress=report)
            sys.stderr.write("\n")
            sys.stdout.write(f"{path}\n")


@commands.command("survey")
def fetch_survey(
    out: Annotated[Path, typer.Option(help="Folder of the acquisition; the same folder goes on with it.")],
    stars: Annotated[int | None, typer.Option(help="Only so many stars, of the lowest ids; all by default.")] = None,
    plates: Annotated[tuple[int, int], typer.Option(help="First and last plate.")] = (1, 16383),
    workers: Annotated[int, typer.Option(help="Downloads at a time.")] = 4,
    files_per_minute: Annotated[int, typer.Option(help="Requests for spectra per minute, at most.")] = 600,
    give_up: Annotated[bool, typer.Option("--give-up", help="Finish without the spectra that cannot be had.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was stored as JSON.")] = False,
    status: Status = None,
) -> None:
    """Fetch the paper's stars: catalogue, spectra, labels; an interrupted acquisition goes on."""
    from stellar_core.background import reporting
    from stellar_core.progress import ProgressLine
    from stellar_core.survey.acquisition import acquire
    from stellar_core.survey.plan import Plan

    line = ProgressLine(sys.stderr)
    with reporting(status, line) as note:
        plan = Plan(first_plate=plates[0], last_plate=plates[1], stars=stars)
        settings = {"workers": workers, "files_per_minute": files_per_minute, "give_up": give_up}
        found = acquire(out, plan, **settings, progress=note, say=lambda text: typer.echo(text, err=True))
    line.close()
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2, allow_nan=False) + "\n")
    else:
        why = "" if found["stored"] == found["rows"] else "; the manifest says why not the others"
        typer.echo(f"{found['stored']} of {found['rows']} {found['source']} stars in {found['store']}{why}.")
