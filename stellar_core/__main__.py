"""The command line: ``python -m stellar_core COMMAND``."""

from __future__ import annotations

import sys

import typer

from stellar_core.commands import build, evaluate, fetch, jobs, many_stars, phase, star, train
from stellar_core.errors import StellarError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def about() -> None:
    """Ages, lifetimes and stages of stars from SDSS spectra."""


for group in (star, many_stars, train, evaluate, phase, build):
    app.add_typer(group.commands)
app.add_typer(fetch.commands, name="fetch")
app.add_typer(jobs.commands, name="jobs")


def main() -> None:
    """Run the command line; an error that a user can cause ends with status 2 and one line."""
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
