"""Results on a terminal: as JSON, or a line for each value."""

from __future__ import annotations

import json
import sys


def emit(payload: object) -> None:
    """Write ``payload`` to standard output as JSON."""
    sys.stdout.write(json.dumps(payload, indent=2, allow_nan=False) + "\n")


def show(payload: dict[str, object]) -> None:
    """Write the top level of ``payload`` to standard output, a line for each value."""
    width = max(map(len, payload))
    for name, value in payload.items():
        for item in value if isinstance(value, list) else [value]:
            sys.stdout.write(f"{name:<{width}}  {item}\n")
