"""The circuit breaker opens after consecutive failures to connect."""

from __future__ import annotations

import pytest

from stellar_core.network.circuit_breaker import CircuitBreaker
from stellar_core.network.retries import TransientError, UnreachableError


def failing(error: Exception, calls: list[Exception]):
    def work() -> None:
        calls.append(error)
        raise error

    return work


def test_it_opens_after_consecutive_failures_to_connect():
    breaker, calls = CircuitBreaker(2), []
    for _ in range(5):
        with pytest.raises(UnreachableError, match="the server is away"):
            breaker.call(failing(UnreachableError("the server is away.", remedy=""), calls))
    assert len(calls) == 2
    with pytest.raises(UnreachableError):
        breaker.call(lambda: 1)


@pytest.mark.parametrize("reply", [lambda: 1, failing(TransientError("busy"), [])])
def test_a_reply_resets_the_count(reply):
    breaker, calls = CircuitBreaker(2), []
    for _ in range(5):
        with pytest.raises(UnreachableError):
            breaker.call(failing(UnreachableError("away"), calls))
        try:
            breaker.call(reply)
        except TransientError as error:
            assert not isinstance(error, UnreachableError)
    assert len(calls) == 5
