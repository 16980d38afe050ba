"""Lines of a text of unknown origin, limited in length."""

from __future__ import annotations

import io
from collections.abc import Iterator

from stellar_core.errors import ParameterError

#: Characters of the longest line read.
MAX_LINE = 2_000_000


def bounded_lines(text: io.TextIOBase, name: str) -> Iterator[str]:
    """Yield the lines of ``text`` with their ends; ParameterError for one longer than `MAX_LINE`."""
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise ParameterError(
                f"A line of {name} has more than {MAX_LINE:,} letters.", value=name, remedy="Give one star a line."
            )
        yield line
