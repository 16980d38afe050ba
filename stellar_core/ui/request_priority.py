"""Who comes first when several visitors ask at once: answers that are waited for, before what stands beside them.

All visitors share the processor. Without an order each answer is slowed by all others' figures, and everybody
waits for everything; with it, the numbers of all come first. A visitor alone notices nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that what stands beside an answer waits for others' answers, at most.
PATIENCE = 10.0


class Turns:
    """An order for the threads of one server.

    Parameters
    ----------
    at_once : int
        Answers that are computed at the same time.
    patience : float
        As `PATIENCE`.
    """

    def __init__(self, at_once: int, patience: float = PATIENCE) -> None:
        self._places = threading.Semaphore(at_once)
        self._patience = patience
        self._changed = threading.Condition()
        self._asked = 0

    @contextmanager
    def first(self) -> Iterator[None]:
        """Compute an answer that somebody waits for."""
        with self._changed:
            self._asked += 1
        try:
            with self._places:
                yield
        finally:
            with self._changed:
                self._asked -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until nobody waits for an answer, or patience ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asked, self._patience)

    @contextmanager
    def later(self) -> Iterator[None]:
        """Compute what stands beside an answer."""
        self.give_way()
        yield


#: That of this server.
TURNS = Turns(os.cpu_count() or 1)
