"""The commands ``fetch mist`` and ``fetch survey``, which pages run in the background too, and ``fetch gaia``."""

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
    gaia: Annotated[
        bool, typer.Option("--gaia", help="Look the stars up in Gaia DR3; also for a survey fetched without.")
    ] = False,
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
        settings = {"workers": workers, "files_per_minute": files_per_minute, "give_up": give_up, "gaia": gaia}
        found = acquire(out, plan, **settings, progress=note, report=lambda text: typer.echo(text, err=True))
    line.close()
    if as_json:
        emit(found)
    else:
        why = "" if found["stored"] == found["rows"] else "; the manifest gives the reasons for the others"
        typer.echo(f"{found['stored']} of {found['rows']} {found['source']} stars in {found['store']}{why}.")
        if gaia:
            typer.echo(f"{found['gaia']['parallaxes']} of {found['rows']} stars have a parallax of Gaia DR3.")


@commands.command("gaia")
def fetch_gaia(
    stars: Annotated[
        list[str], typer.Argument(help="source_ids of Gaia DR3, or files of its archive (VOTable, JSON).")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fetch parallaxes and magnitudes of Gaia DR3, corrected for the zero point, or read them from a file."""
    from stellar_core.errors import StellarError
    from stellar_core.gaia import astrometries, find_source, open_archive, read_sources

    archive = open_archive().with_breaker(2)
    found: list[dict[str, object]] = []
    for star in stars:
        try:
            if Path(star).is_file():
                sources = read_sources(star)
                known = list(zip([str(source.source_id) for source in sources], astrometries(sources)))
            else:
                known = [(star, find_source(star, archive))]
            found += [
                {"input": star, **(astrometry.to_dict() if astrometry else {"source_id": number, "parallax_mas": None})}
                for number, astrometry in known
            ]
        except StellarError as error:
            found.append({"input": star, "error": str(error)})
            sys.stderr.write(f"error: {star[:100]}: {error}\n")
    if as_json:
        emit(found)
    else:
        for item in found:
            if "error" not in item:
                typer.echo(_line(item))
    if all("error" in item for item in found):
        raise typer.Exit(2)


def _line(item: dict[str, object]) -> str:
    if item["parallax_mas"] is None:
        return f"Gaia DR3 {item['source_id']}: no parallax"
    bands = ", ".join(f"{band} {value:.3f}" for band, (value, _) in item["magnitudes"].items())
    sentences = " ".join([*item["notes"], *item["caveats"]])
    measured = f"{item['parallax_mas']:.4f} ± {item['parallax_err_mas']:.4f} mas"
    return f"Gaia DR3 {item['source_id']}: parallax {measured}; {bands}. {sentences}".rstrip()
