"""Rate limits shared by threads and processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from stellar_core.errors import ParameterError
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import TransientError
from stellar_core.sdss.skyserver import QUERIES_PER_MINUTE
from tests.network.test_retries import Time


def turns(limit: RateLimit, clock: Time, count: int) -> list[float]:
    """When each of ``count`` turns came."""
    came = []
    for _ in range(count):
        limit.wait()
        came.append(clock.now)
    return came


def busiest(came: list[float], window: float) -> int:
    """Most turns within any window."""
    return max(sum(start <= turn < start + window for turn in came) for start in came)


@pytest.mark.parametrize("shared", [True, False])
def test_no_window_has_more_requests_than_allowed(tmp_path, shared):
    clock = Time()
    limit = RateLimit(tmp_path / "turns.json" if shared else None, QUERIES_PER_MINUTE, clock=clock, sleep=clock.sleep)
    came = turns(limit, clock, 4 * QUERIES_PER_MINUTE)
    assert busiest(came, 60.0) == QUERIES_PER_MINUTE < 60
    assert came[-1] == pytest.approx(180.0), "and no turn is wasted"


def test_two_users_of_one_file_share_the_limit(tmp_path):
    clock = Time()
    one, two = (RateLimit(tmp_path / "turns.json", 10, clock=clock, sleep=clock.sleep) for _ in range(2))
    came = [time for _ in range(15) for limit in (one, two) for time in turns(limit, clock, 1)]
    assert busiest(came, 60.0) == 10


def test_threads_share_the_limit(tmp_path):
    path, came, mutex = tmp_path / "turns.json", [], threading.Lock()

    def user() -> None:
        for _ in range(5):
            RateLimit(path, 10, 1.0).wait()
            with mutex:
                came.append(time.time())

    threads = [threading.Thread(target=user) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = json.loads(path.read_text())
    assert len(came) == 20 and max(came) - min(came) > 0.9
    assert busiest(taken, 0.999) <= 10


def test_processes_share_the_limit(tmp_path):
    path = tmp_path / "turns.json"
    code = (
        "import sys, pathlib; from stellar_core.network.rate_limit import RateLimit\n"
        "limit = RateLimit(pathlib.Path(sys.argv[1]), 1000, 600.0)\n"
        "for _ in range(20): limit.wait()"
    )
    users = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [user.wait() for user in users] == [0, 0, 0]
    assert len(json.loads(path.read_text())) == 60, "no turn of any process is lost"


def test_a_wait_beyond_the_patience_reserves_nothing(tmp_path):
    clock = Time()
    limit = RateLimit(tmp_path / "turns.json", 2, clock=clock, sleep=clock.sleep)
    turns(limit, clock, 2)
    with pytest.raises(TransientError, match="the next is possible in 60 s"):
        limit.wait(patience=30.0)
    assert clock.pauses == [] and len(json.loads((tmp_path / "turns.json").read_text())) == 2


@pytest.mark.parametrize("content", ["", "no json", "{}", '["a"]', "[1e18, 1e19]"])
def test_a_damaged_file_or_a_clock_set_back_does_not_stop_anyone(tmp_path, content):
    path, clock = tmp_path / "turns.json", Time()
    path.write_text(content)
    assert turns(RateLimit(path, 5, clock=clock, sleep=clock.sleep), clock, 5) == [0.0] * 5


def test_a_folder_that_cannot_be_written_leaves_the_limit_of_the_process(tmp_path):
    (tmp_path / "file").write_text("in the way")
    clock = Time()
    limit = RateLimit(tmp_path / "file" / "turns.json", 5, clock=clock, sleep=clock.sleep)
    assert turns(limit, clock, 6)[-1] == 60.0


def test_invalid_settings_are_refused():
    for settings in ({"requests": 0}, {"requests": 5, "window": 0.0}):
        with pytest.raises(ParameterError):
            RateLimit(None, **settings)


def test_limits_of_a_folder_that_cannot_be_written_share_their_requests(tmp_path):
    (tmp_path / "file").write_text("")
    clock = Time()
    came = [
        turns(
            RateLimit(tmp_path / "file" / "turns.json", QUERIES_PER_MINUTE, clock=clock, sleep=clock.sleep), clock, 1
        )[0]
        for _ in range(120)
    ]
    assert busiest(came, 60.0) == QUERIES_PER_MINUTE
