"""Progress of long commands: the callback, and a line on a terminal that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

#: Called with what is counted, how many are done and their total: ``progress(what, done, total)``.
Progress = Callable[[str, int, int], None]


class ProgressLine:
    """Show the progress and its rate; nothing if all is done within a second.

    On a terminal the line is overwritten five times a second. Elsewhere, as in a log, a new line is written every ten
    seconds.

    Parameters
    ----------
    stream : text file
        Such as standard error.
    clock : callable
        Returns the time, s.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._terminal = stream.isatty()
        self._what = ""
        self._start = self._next = 0.0
        self._open = False

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done; another ``what`` starts another line."""
        now = self._clock()
        if what != self._what:
            self.close()
            self._what, self._start, self._next = what, now, now + 1.0
        ended = done >= total and self._next > self._start + 1.0
        if now < self._next and not ended:
            return
        self._next = now + (0.2 if self._terminal else 10.0)
        spent = max(now - self._start, 1e-3)
        left = "" if done >= total else f", {spent / max(done, 1) * (total - done):.0f} s left"
        rate = done / spent
        pace = "" if what.startswith("seconds") else f" ({rate:,.{0 if rate >= 10 else 1}f} per s{left})"
        line = f"{what}: {done:,} of {total:,}{pace}"
        self._stream.write(f"\r{line}\x1b[K" if self._terminal else f"{line}\n")
        self._stream.flush()
        self._open = self._terminal

    def close(self) -> None:
        """End the line on the terminal."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
        self._open = False
