"""A limit on queries per minute that all threads and processes of a machine keep together."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.network.retries import TransientError
from stellar_core.files import write_bytes

#: SkyServer answers at most 60 queries per minute from one address; a few are left to the user's browser.
SKYSERVER_PER_MINUTE = 50
#: Seconds to wait for another process to let go of the token file.
LOCK_TIMEOUT = 10.0
#: Turns farther ahead than this many windows come from a clock that was set back, and are forgotten.
FARTHEST = 10

#: Turns of this process by file, where the file's folder cannot be used.
_HERE: dict[Path, list[float]] = {}
_HERE_MUTEX = threading.Lock()


class RateLimit:
    """At most so many turns in any window of time, in the order in which they were asked for.

    The turns of the last window stand in a token file, guarded by a lock file beside it. Where the
    folder cannot be written, the limit holds within this process.

    Parameters
    ----------
    path : Path or None
        The token file; None for a limit within this process.
    turns : int
        Allowed in each window.
    window : float
        Seconds.
    clock, sleep : callable
        Seconds since the epoch, the same for all processes; a pause of so many seconds.

    Raises
    ------
    ParameterError
        If ``turns`` or ``window`` is not positive.
    """

    def __init__(
        self,
        path: Path | None,
        turns: int = SKYSERVER_PER_MINUTE,
        window: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if turns < 1 or not window > 0:
            raise ParameterError(f"A rate limit needs turns and a window above 0; got {turns} in {window} s.")
        self.path, self.turns, self.window = path, turns, window
        self._clock, self._sleep = clock, sleep
        self._own: list[float] = []
        self._mutex = threading.Lock()

    def wait(self, patience: float = float("inf")) -> float:
        """Take the next turn and sleep until it comes.

        Parameters
        ----------
        patience : float
            Longest time to wait, seconds; no turn is taken if it would be longer.

        Returns
        -------
        float
            Seconds waited.

        Raises
        ------
        TransientError
            If the next turn comes later than ``patience``.
        """
        pause = self._take(patience)
        if pause > 0:
            self._sleep(pause)
        return pause

    def _take(self, patience: float) -> float:
        with self._mutex:
            if self.path is not None:
                pause = self._take_from_file(patience)
                if pause is not None:
                    return pause
            if self.path is None:
                pause, self._own = self._next(self._own, patience)
                return pause
            with _HERE_MUTEX:
                pause, _HERE[self.path] = self._next(_HERE.get(self.path, []), patience)
                return pause

    def _take_from_file(self, patience: float) -> float | None:
        """Seconds to the turn taken; None where the folder cannot be used."""
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_TIMEOUT):
                pause, taken = self._next(self._read(), patience)
                write_bytes(self.path, json.dumps(taken).encode(), sync=False)
                return pause
        except TransientError:
            raise
        except (OSError, Timeout):
            return None

    def _read(self) -> list[float]:
        try:
            taken = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return []
        return [float(turn) for turn in taken if isinstance(turn, (int, float))] if isinstance(taken, list) else []

    def _next(self, taken: list[float], patience: float) -> tuple[float, list[float]]:
        """Seconds to the next turn, and the turns of the window with it."""
        now = self._clock()
        recent = sorted(turn for turn in taken if now - self.window < turn < now + FARTHEST * self.window)
        turn = now if len(recent) < self.turns else max(now, recent[-self.turns] + self.window)
        if turn - now > patience:
            raise TransientError(
                f"The {self.turns} queries per {self.window:g} s that this machine may send are used up for another "
                f"{turn - now:.0f} s."
            )
        return turn - now, [*recent, turn]
