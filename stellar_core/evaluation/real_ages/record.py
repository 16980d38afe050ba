"""Stored figures of the benchmark on the shipped tables, as the app shows them; nothing here fits a star."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stellar_core.errors import StorageError
from stellar_core.files import read_json, write_text
from stellar_core.model_store import card_text

RECORD = Path(__file__).with_name("measured.json")
#: The two sets of errors, and their titles.
ERRORS = {"published": "Errors as published", "sdss": "Degraded to errors of SDSS"}
#: The sample that holds every star with a seismic age once.
ONCE = "each_star_once"


def write_record(found: Mapping[str, object], path: Path = RECORD) -> None:
    """Store the result of `benchmark.measure`, without its running time."""
    write_text(path, card_text({name: value for name, value in found.items() if name != "seconds"}))


def read_record(path: Path = RECORD) -> dict[str, object]:
    """Read the stored figures.

    Raises
    ------
    StorageError
        If they cannot be read.
    """
    try:
        found = read_json(path)
        if not isinstance(found, dict) or not {"samples", "stars", "binaries", "parallaxes"} <= set(found):
            raise ValueError("entries are missing")
    except (OSError, ValueError):
        raise StorageError(
            f"The stored figures {path.name} of real stars cannot be read.",
            value=str(path),
            remedy="Run `python -m stellar_core evaluate --suite real-ages --record`.",
        ) from None
    return found
