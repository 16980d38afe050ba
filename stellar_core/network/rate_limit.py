"""A limit on requests per minute, shared by all threads and processes of a machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from stellar_core.errors import ParameterError, RunError
from stellar_core.files import locked, write_bytes
from stellar_core.network.retries import TransientError

#: Seconds to wait for another process to release the file.
LOCK_TIMEOUT = 10.0
#: Requests recorded more than this many windows ahead were written before the clock was set back, and are ignored.
FARTHEST = 10

#: Request times of this process by file, where the file's folder cannot be used.
_IN_MEMORY: dict[Path, list[float]] = {}
_IN_MEMORY_MUTEX = threading.Lock()


class RateLimit:
    """At most so many requests in any window of time, in the order in which they ask.

    The times of the last window's requests are in a file with a lock file beside it. Where the folder cannot be
    written, the limit holds within this process.

    Parameters
    ----------
    path : Path or None
        The file; None for a limit within this process.
    requests : int
        Allowed in each window.
    window : float
        Seconds.
    clock, sleep : callable
        Seconds since the epoch, the same for all processes; a pause of so many seconds.

    Raises
    ------
    ParameterError
        If ``requests`` or ``window`` is not positive.
    """

    def __init__(
        self,
        path: Path | None,
        requests: int,
        window: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if requests < 1 or not window > 0:
            raise ParameterError(f"A rate limit needs positive numbers; got {requests} requests in {window} s.")
        self.path, self.requests, self.window = path, requests, window
        self._clock, self._sleep = clock, sleep
        self._own: list[float] = []
        self._mutex = threading.Lock()

    def wait(self, patience: float = float("inf")) -> float:
        """Reserve the next request and sleep until its time.

        Parameters
        ----------
        patience : float
            Longest time to wait, seconds; nothing is reserved if it would be longer.

        Returns
        -------
        float
            Seconds waited.

        Raises
        ------
        TransientError
            If the next request may be sent only after ``patience``.
        """
        pause = self._reserve(patience)
        if pause > 0:
            self._sleep(pause)
        return pause

    def _reserve(self, patience: float) -> float:
        with self._mutex:
            if self.path is None:
                pause, self._own = self._next(self._own, patience)
                return pause
            pause = self._reserve_in_file(patience)
            if pause is not None:
                return pause
            with _IN_MEMORY_MUTEX:
                pause, _IN_MEMORY[self.path] = self._next(_IN_MEMORY.get(self.path, []), patience)
                return pause

    def _reserve_in_file(self, patience: float) -> float | None:
        """Return the seconds to the time reserved; None where the folder cannot be used."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path.with_name(f"{self.path.name}.lock"), timeout=LOCK_TIMEOUT):
                pause, taken = self._next(self._read(), patience)
                write_bytes(self.path, json.dumps(taken).encode(), sync=False)
                return pause
        except TransientError:
            raise
        except (OSError, RunError):
            return None

    def _read(self) -> list[float]:
        try:
            taken = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return []
        return (
            [float(moment) for moment in taken if isinstance(moment, (int, float))] if isinstance(taken, list) else []
        )

    def _next(self, taken: list[float], patience: float) -> tuple[float, list[float]]:
        """Return the seconds to the next request, and the times of the window with it."""
        now = self._clock()
        recent = sorted(moment for moment in taken if now - self.window < moment < now + FARTHEST * self.window)
        turn = now if len(recent) < self.requests else max(now, recent[-self.requests] + self.window)
        if turn - now > patience:
            raise TransientError(
                f"This machine has sent the {self.requests} requests allowed per {self.window:g} s; "
                f"the next is possible in {turn - now:.0f} s."
            )
        return turn - now, [*recent, turn]
