"""Stop asking a server that cannot be reached, so that many look-ups do not each wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from stellar_core.network.retries import TransientError, UnreachableError

Result = TypeVar("Result")


class CircuitBreaker:
    """Fails at once, for good, after a server was unreachable several times in a row.

    Any reply from the server, even an error, resets the count. Threads may share one breaker.

    Parameters
    ----------
    failures : int
        Consecutive calls without a connection after which the circuit is open.
    """

    def __init__(self, failures: int) -> None:
        self._limit, self._failures, self._message = failures, 0, ""
        self._mutex = threading.Lock()

    def call(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``.

        Raises
        ------
        UnreachableError
            At once, with the message of the last failure, where the circuit is open.
        """
        if self._failures >= self._limit:
            raise UnreachableError(self._message, remedy="")
        try:
            result = work()
        except UnreachableError as error:
            with self._mutex:
                self._failures, self._message = self._failures + 1, str(error)
            raise
        except TransientError:
            self._reset()
            raise
        self._reset()
        return result

    def _reset(self) -> None:
        with self._mutex:
            if self._failures < self._limit:
                self._failures = 0
