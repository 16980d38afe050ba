"""A result as a file: JSON for programs, one row of CSV for tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stellar_core.csv_cells import harmless

if TYPE_CHECKING:
    from stellar_core.inference.result import Result


def flatten(mapping: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested mappings as one level, keys joined by an underscore, lists by semicolons."""
    row: dict[str, object] = {}
    for key, value in mapping.items():
        name = f"{prefix}{key}".replace(" ", "_")
        if isinstance(value, Mapping):
            row.update(flatten(value, f"{name}_"))
        elif isinstance(value, (list, tuple)):
            row[name] = "; ".join(str(one) for one in value)
        else:
            row[name] = value
    return row


def to_json(result: Result, **more: Mapping[str, object]) -> str:
    """The object that ``predict --json`` prints for this star, with ``more`` under their own keys."""
    return json.dumps({**result.to_dict(), **more}, indent=2, allow_nan=False) + "\n"


def to_csv(result: Result, **more: Mapping[str, object]) -> str:
    """A header and one row; log age and log lifetime in log10(yr), Teff in K."""
    row = flatten({**result.to_dict(), **more})
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(row), lineterminator="\n")
    writer.writeheader()
    writer.writerow({name: harmless(cell) for name, cell in row.items()})
    return text.getvalue()
