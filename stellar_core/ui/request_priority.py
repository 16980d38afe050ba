"""Order of computations when several visitors wait: headline results first, figures that accompany them later.

All visitors share the processor. Without an order, the figures of one visitor slow down the first numbers of
another. A single visitor notices nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Longest time that a deferred computation waits for urgent ones, s.
MAX_WAIT = 10.0


class RequestPriority:
    """Priorities among the threads of one server.

    Parameters
    ----------
    at_once : int
        Urgent computations that run at the same time.
    max_wait : float
        As `MAX_WAIT`.
    """

    def __init__(self, at_once: int, max_wait: float = MAX_WAIT) -> None:
        self._places = threading.Semaphore(at_once)
        self._max_wait = max_wait
        self._changed = threading.Condition()
        self._pending = 0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Compute a result that a visitor waits for."""
        with self._changed:
            self._pending += 1
        try:
            with self._places:
                yield
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait until no urgent computation is pending, for `MAX_WAIT` at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, self._max_wait)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Compute something that may wait for urgent computations."""
        self.wait()
        yield


#: Priorities of this server.
PRIORITY = RequestPriority(os.cpu_count() or 1)
