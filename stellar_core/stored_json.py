"""Small JSON files that a program wrote and anything may have changed since: read with limits, damage is a ValueError."""

from __future__ import annotations

import json
from pathlib import Path

#: Bytes of a file, and lists and objects within one another.
MAX_BYTES, MAX_DEPTH = 50_000_000, 40


def read_json(path: Path, most: int = MAX_BYTES) -> object:
    """Read a JSON file.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that are read.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is larger, no JSON, or nests deeper than `MAX_DEPTH`.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} has more than {most:,} bytes")
    return parse_json(content)


def parse_json(content: str | bytes) -> object:
    """Read JSON from text; ValueError as `read_json`."""
    try:
        found = json.loads(content)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("the JSON is nested too deeply")
        inner = [
            value.values() if isinstance(value, dict) else value for value in level if isinstance(value, (dict, list))
        ]
        level = [value for values in inner for value in values if isinstance(value, (dict, list))]
    return found
