"""The only retry loop: which errors are worth another attempt, and the wait before it."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from stellar_core.errors import ArchiveError, ParameterError

Result = TypeVar("Result")

#: Longest wait that a server may request, seconds; a request for more ends the attempts.
LONGEST_REQUESTED_WAIT = 600.0


class TransientError(ArchiveError):
    """A failure that another attempt may overcome.

    Parameters
    ----------
    wait : float
        Seconds that the server asks to wait before the next attempt; 0 where it does not.
    """

    def __init__(
        self, message: str, *, value: object = None, remedy: str = "Try again later.", wait: float = 0.0
    ) -> None:
        super().__init__(message, value=value, remedy=remedy)
        self.wait = wait


class UnreachableError(TransientError):
    """No connection: the network or the whole server is away."""


@dataclass(frozen=True)
class Retries:
    """Exponential backoff with jitter.

    Attributes
    ----------
    attempts : int
        Attempts in all.
    unreachable_attempts : int
        Attempts in all where no connection can be made: without a network the user should know soon.
    first_wait, longest_wait : float
        Seconds before the second attempt, doubled before each further one, up to the longest.
        Each wait is drawn uniformly from the upper half of that.
    patience : float
        Seconds after which no further attempt begins.
    clock, sleep, jitter : callable
        Monotonic seconds; a pause of so many seconds; numbers from 0 to 1.

    Raises
    ------
    ParameterError
        If a number is out of range.
    """

    attempts: int = 4
    unreachable_attempts: int = 2
    first_wait: float = 0.5
    longest_wait: float = 60.0
    patience: float = math.inf
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random().random, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (
            min(self.attempts, self.unreachable_attempts) < 1
            or min(self.first_wait, self.longest_wait, self.patience) < 0
        ):
            raise ParameterError(f"Retries need at least one attempt and waits that are not negative; got {self}.")

    def call(
        self, work: Callable[[], Result], on_failure: Callable[[TransientError], None] = lambda error: None
    ) -> Result:
        """Return the result of ``work``, called again after each `TransientError`.

        Parameters
        ----------
        work : callable
        on_failure : callable, optional
            Called with every failure, the last one included.

        Raises
        ------
        ArchiveError
            The last failure, or the first that is not transient.
        """
        start, tried = self.clock(), 0
        while True:
            tried += 1
            try:
                return work()
            except TransientError as error:
                on_failure(error)
                allowed = self.unreachable_attempts if isinstance(error, UnreachableError) else self.attempts
                pause = max(self.wait_after(tried), error.wait)
                too_late = self.clock() - start + pause > self.patience
                if tried >= allowed or error.wait > LONGEST_REQUESTED_WAIT or too_late:
                    raise
                self.sleep(pause)

    def wait_after(self, tried: int) -> float:
        """Return the seconds to wait after ``tried`` failures."""
        full = min(self.longest_wait, self.first_wait * 2.0 ** min(tried - 1, 60))
        return full * (0.5 + 0.5 * self.jitter())
