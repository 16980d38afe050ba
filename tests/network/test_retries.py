"""Retries: number of attempts and waits."""

from __future__ import annotations

import random

import pytest

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.network.retries import Retries, TransientError, UnreachableError


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def failing(*failures: Exception):
    """Work that raises each of ``failures`` once, then answers."""
    left = list(failures)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return work


def retries(time: Time, **settings) -> Retries:
    return Retries(clock=time, sleep=time.sleep, **{"jitter": random.Random(1).random, **settings})


def test_waits_double_with_jitter_from_the_upper_half():
    time = Time()
    patient = retries(time, attempts=6, first_wait=1.0, longest_wait=6.0)
    assert patient.call(failing(*[TransientError("busy")] * 5)) == "answer"
    for pause, full in zip(time.pauses, (1.0, 2.0, 4.0, 6.0, 6.0), strict=True):
        assert full / 2 <= pause <= full
    assert len(set(time.pauses)) == 5, "jitter"
    others = Time()
    retries(others, attempts=6, first_wait=1.0, jitter=random.Random(2).random).call(failing(TransientError("busy")))
    assert others.pauses[0] != time.pauses[0], "processes do not come back together"


def test_the_last_failure_is_raised_and_all_are_counted():
    time, seen = Time(), []
    with pytest.raises(TransientError, match="third"):
        retries(time, attempts=3).call(failing(*map(TransientError, ("first", "second", "third"))), seen.append)
    assert len(seen) == 3 and len(time.pauses) == 2


def test_permanent_errors_are_not_tried_again():
    time = Time()
    with pytest.raises(ArchiveError, match="refused"):
        retries(time).call(failing(ArchiveError("refused")))
    assert time.pauses == []


def test_without_a_network_there_are_fewer_attempts():
    time = Time()
    with pytest.raises(UnreachableError):
        retries(time, attempts=9, unreachable_attempts=2).call(failing(*[UnreachableError("no network")] * 9))
    assert len(time.pauses) == 1


def test_requested_waits_are_kept_within_the_patience():
    time = Time()
    assert retries(time).call(failing(TransientError("busy", wait=40.0))) == "answer"
    assert time.pauses == [40.0]
    time = Time()
    with pytest.raises(TransientError):
        retries(time, patience=30.0).call(failing(TransientError("busy", wait=40.0)))
    assert time.pauses == []


@pytest.mark.parametrize(
    "settings", [{"attempts": 0}, {"unreachable_attempts": 0}, {"first_wait": -1.0}, {"patience": -1.0}]
)
def test_invalid_settings_are_refused(settings):
    with pytest.raises(ParameterError):
        Retries(**settings)


def test_a_requested_wait_of_days_ends_the_attempts():
    time = Time()
    with pytest.raises(TransientError, match="later"):
        retries(time, attempts=6).call(failing(TransientError("later", wait=1e6)))
    assert time.pauses == []
