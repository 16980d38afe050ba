"""A training run watched from a terminal: one line that tells how far it is, and Ctrl-C that loses nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from stellar_core.progress import ProgressLine

#: Seconds between lines where the output is no terminal.
QUIET_SECONDS = 30.0


def duration(seconds: float) -> str:
    """``seconds`` as a person would say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def line(state: dict[str, object]) -> str:
    """One line from what `stellar_core.training.loop.train` reports."""
    losses = " ".join(f"{name} {value:.4f}" for name, value in state["losses"].items() if name != "total")
    parts = [
        f"epoch {state['epoch']}/{state['epochs']}",
        f"step {state['step']}/{state['total']}",
        losses,
        *([f"validation {state['validation']['total']:.4f}"] if state["validation"] else []),
        f"rate {state['learning_rate']:.1e}",
        f"{duration(state['seconds_left'])} left",
    ]
    return "  ".join(parts)


class Console:
    """Writes lines of text, and progress over the line before where there is a terminal.

    Attributes
    ----------
    count : ProgressLine
        Tells how many of how many things are done, before and after the training itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.terminal, self.count = stream, stream.isatty(), ProgressLine(stream)
        self.open = False
        self.last = -QUIET_SECONDS

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self.close()
        self.stream.write(text + "\n")
        self.stream.flush()

    def progress(self, state: dict[str, object]) -> None:
        """Write how far a run is."""
        self.count.close()
        if self.terminal:
            self.stream.write("\r" + line(state) + "\x1b[K")
            self.open = True
        elif time.monotonic() - self.last >= QUIET_SECONDS or state["step"] == state["total"]:
            self.last = time.monotonic()
            self.stream.write(line(state) + "\n")
        self.stream.flush()

    def close(self) -> None:
        """End a line of progress."""
        self.count.close()
        if self.open:
            self.stream.write("\n")
        self.open = False


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Give a callable that turns true at the first Ctrl-C or SIGTERM; a second Ctrl-C interrupts at once."""
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
