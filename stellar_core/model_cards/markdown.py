"""Pieces of Markdown that the model cards are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table, with the first column to the left and all others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)]


def section(title: str, *lines: str) -> list[str]:
    """Lines of a section: blank line, heading, blank line, ``lines``."""
    return ["", f"## {title}", "", *lines]


def number(value: float, digits: int = 3) -> str:
    """``value`` with ``digits`` decimals, thousands separated; no negative zero."""
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def signed(value: float, digits: int) -> str:
    """`number` with its sign."""
    return ("+" if round(value, digits) >= 0 else "") + number(value, digits)


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100.0 * share:.{digits}f} %"


def command(*lines: str) -> list[str]:
    """A block of commands."""
    return ["```bash", *lines, "```"]
