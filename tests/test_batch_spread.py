"""Workers that die, and clusters that go away, are one sentence; what was done before them is given."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from stellar_core.batch.spread import spread
from stellar_core.errors import ArchiveError, ParameterError


def dies_at_five(item: int) -> int:
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def slow(item: int) -> int:
    time.sleep(0.2)
    return item


def lacks(item: int) -> int:
    raise ModuleNotFoundError("No module named 'stellar_core'")


def test_a_worker_that_is_killed_is_one_sentence():
    with pytest.raises(ArchiveError, match="A worker died.*goes on where this one ended"):
        list(spread(dies_at_five, iter(range(20)), workers=2))


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
        yield made


def test_a_chunk_that_kills_worker_after_worker_is_one_sentence(cluster):
    with pytest.raises(ArchiveError, match="lost its workers"):
        list(spread(dies_at_five, iter(range(20)), cluster=cluster.scheduler_address))
    assert sorted(spread(slow, iter(range(4)), cluster=cluster.scheduler_address)) == [0, 1, 2, 3], "the cluster has new ones"


def test_workers_without_the_package_are_one_sentence(cluster):
    with pytest.raises(ParameterError, match="lack what this needs: No module named"):
        list(spread(lacks, iter(range(3)), cluster=cluster.scheduler_address))


def test_a_cluster_that_goes_away_is_one_sentence():
    from distributed import LocalCluster

    made = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    found = spread(slow, iter(range(1000)), cluster=made.scheduler_address)
    assert next(found) in (0, 1)
    threading.Timer(0.3, made.close).start()
    with pytest.raises(ArchiveError, match="went away"):
        list(found)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://", "ftp://a:1", ""])
def test_no_cluster_there_is_one_sentence(address):
    with pytest.raises(ParameterError, match="cannot be reached"):
        list(spread(slow, iter(range(3)), cluster=address))
