"""The commands ``fetch mist`` and ``fetch survey``, run in a terminal or in the background by a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.terminal import emit

commands = typer.Typer(no_args_is_help=True, help="Download public data.")

Status = Annotated[Path | None, typer.Option("--status", help="File for the progress.", hidden=True)]


@commands.callback()
def about() -> None:
    """Download public data; the same command continues an interrupted download."""


@commands.command("mist")
def fetch_mist(
    out: Annotated[Path, typer.Option(help="Folder for the archives.")],
    feh: Annotated[list[float] | None, typer.Option(help="Initial [Fe/H]; may be repeated; default: all.")] = None,
    vvcrit: Annotated[float, typer.Option(help="Rotation as a fraction of the critical: 0.0 or 0.4.")] = 0.4,
    server: Annotated[list[str] | None, typer.Option(help="Base address; MIST's own by default.")] = None,
    status: Status = None,
) -> None:
    """Fetch MIST's archives of evolutionary tracks."""
    from stellar_core.background import reporting
    from stellar_core.isochrones.download import METALLICITIES, SERVERS, fetch_archive

    wanted = feh or METALLICITIES
    with reporting(status) as note:
        for number, value in enumerate(wanted, 1):

            def report(name: str, done: int, total: int, number: int = number) -> None:
                share = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{done / 1e6:.0f} MB"
                sys.stderr.write(f"\r{name}: {share}")
                note(f"{name} ({number} of {len(wanted)})", done, total or done)

            path = fetch_archive(value, out, vvcrit, servers=server or SERVERS, progress=report)
            sys.stderr.write("\n")
            sys.stdout.write(f"{path}\n")


@commands.command("survey")
def fetch_survey(
    out: Annotated[Path, typer.Option(help="Folder of the acquisition; the same folder continues it.")],
    stars: Annotated[int | None, typer.Option(help="Number of stars, of the lowest ids; default: all.")] = None,
    plates: Annotated[tuple[int, int], typer.Option(help="First and last plate.")] = (1, 16383),
    workers: Annotated[int, typer.Option(help="Simultaneous downloads.")] = 4,
    files_per_minute: Annotated[int, typer.Option(help="Largest number of requests for spectra per minute.")] = 600,
    give_up: Annotated[bool, typer.Option("--give-up", help="Finish without spectra that cannot be fetched.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    status: Status = None,
) -> None:
    """Fetch the paper's stars: catalogue, spectra and labels. The same command continues an interrupted acquisition."""
    from stellar_core.background import reporting
    from stellar_core.progress import ProgressLine
    from stellar_core.survey.acquisition import acquire
    from stellar_core.survey.plan import Plan

    line = ProgressLine(sys.stderr)
    with reporting(status, line) as note:
        plan = Plan(first_plate=plates[0], last_plate=plates[1], stars=stars)
        settings = {"workers": workers, "files_per_minute": files_per_minute, "give_up": give_up}
        found = acquire(out, plan, **settings, progress=note, report=lambda text: typer.echo(text, err=True))
    line.close()
    if as_json:
        emit(found)
    else:
        why = "" if found["stored"] == found["rows"] else "; the manifest gives the reasons for the others"
        typer.echo(f"{found['stored']} of {found['rows']} {found['source']} stars in {found['store']}{why}.")
