"""The command line: ``python -m stellar_core COMMAND``."""

from __future__ import annotations

import json
import sys

import typer

from stellar_core.errors import StellarError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ages, lifetimes and stages of stars from SDSS spectra.",
)


def emit(payload: object) -> None:
    """Write ``payload`` to standard output as JSON."""
    sys.stdout.write(json.dumps(payload, indent=2, allow_nan=False) + "\n")


def main() -> None:
    """Run the command line; user errors end with status 2 and one line."""
    try:
        app()
    except StellarError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
