"""Progress of a training run on a terminal, and a clean stop by Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from stellar_core.progress import ProgressLine

#: Seconds between lines where the output is not a terminal.
QUIET_SECONDS = 30.0


def duration(seconds: float) -> str:
    """Format ``seconds`` as s, min or h and min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def line(state: dict[str, object]) -> str:
    """Format a report of `stellar_core.training.loop.train` as one line."""
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
    """Writes lines of text and progress; on a terminal progress replaces the line before.

    Attributes
    ----------
    progress : ProgressLine
        Progress of everything but the training itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.terminal, self.progress = stream, stream.isatty(), ProgressLine(stream)
        self.open = False
        self.last = -QUIET_SECONDS

    def say(self, text: str) -> None:
        """Write a line."""
        self.close()
        self.stream.write(text + "\n")
        self.stream.flush()

    def report(self, state: dict[str, object]) -> None:
        """Write a report of the training."""
        self.progress.close()
        if self.terminal:
            self.stream.write("\r" + line(state) + "\x1b[K")
            self.open = True
        elif time.monotonic() - self.last >= QUIET_SECONDS or state["step"] == state["total"]:
            self.last = time.monotonic()
            self.stream.write(line(state) + "\n")
        self.stream.flush()

    def close(self) -> None:
        """End the line of progress."""
        self.progress.close()
        if self.open:
            self.stream.write("\n")
        self.open = False


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Give a callable that returns true after the first Ctrl-C or SIGTERM; a second Ctrl-C interrupts at once."""
    requested = False

    def request(number: int, frame: object) -> None:
        nonlocal requested
        requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
