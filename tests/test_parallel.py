"""Workers that die, and clusters that go away, are one sentence; what was done before them is given."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from stellar_core.errors import ParameterError, RunError
from stellar_core.parallel import spread
from stellar_core.sdss.specobjid import decode


def dies_at_five(item: int) -> int:
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def slow(item: int) -> int:
    time.sleep(0.2)
    return item


def which(item: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def no_room(item: int) -> int:
    raise OSError(28, "No space left on device")


def lacks(item: int) -> int:
    raise ModuleNotFoundError("No module named 'stellar_core'")


def test_a_worker_that_is_killed_is_one_sentence():
    with pytest.raises(RunError, match="A worker died.*goes on where this one ended"):
        list(spread(dies_at_five, iter(range(20)), workers=2))


def made(workers: int):
    from distributed import LocalCluster

    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")


@pytest.fixture(scope="module")
def cluster():
    with made(2) as ours:
        yield ours


def test_a_chunk_that_kills_worker_after_worker_is_one_sentence(cluster):
    with pytest.raises(RunError, match="lost its workers"):
        list(spread(dies_at_five, iter(range(20)), cluster=cluster.scheduler_address))
    assert sorted(spread(slow, iter(range(4)), cluster=cluster.scheduler_address)) == [0, 1, 2, 3], (
        "the cluster has new ones"
    )


def test_workers_without_the_package_are_one_sentence(cluster):
    with pytest.raises(ParameterError, match="lack what this needs: No module named"):
        list(spread(lacks, iter(range(3)), cluster=cluster.scheduler_address))


def test_what_a_worker_raises_is_not_taken_for_the_cluster_s_end(cluster):
    with pytest.raises(OSError, match="No space left"):
        list(spread(no_room, iter(range(3)), cluster=cluster.scheduler_address))


def test_nothing_to_do_needs_no_workers():
    with made(0) as ours:
        assert list(spread(slow, iter(()), cluster=ours.scheduler_address)) == []


def test_workers_that_never_come_are_one_sentence(monkeypatch):
    monkeypatch.setattr("stellar_core.parallel.PATIENCE", 2)
    monkeypatch.setattr("stellar_core.parallel.TELLING", 1)
    said = []
    with made(0) as ours, pytest.raises(ParameterError, match="has had no workers for 2 seconds"):
        list(spread(slow, iter(range(3)), cluster=ours.scheduler_address, progress=lambda *told: said.append(told)))
    assert said == [("seconds without a worker of the cluster", seconds, 2) for seconds in (1, 2)]


def test_a_scheduler_that_goes_away_while_workers_are_awaited_is_one_sentence(monkeypatch):
    monkeypatch.setattr("stellar_core.parallel.TELLING", 1)
    ours = made(0)
    threading.Timer(1.5, ours.close).start()
    with pytest.raises(RunError, match="went away"):
        list(spread(slow, iter(range(3)), cluster=ours.scheduler_address))


@pytest.mark.slow
def test_workers_that_come_late_are_waited_for_and_all_used():
    with made(0) as ours:
        timers = [threading.Timer(0.5, ours.scale, [1]), threading.Timer(1, ours.scale, [2])]
        for timer in timers:
            timer.start()
        found: set[int] = set()
        for process in spread(which, iter(range(600)), cluster=ours.scheduler_address):
            found.add(process)
            if len(found) == 2:
                break
        assert len(found) == 2, "both workers had something to do"
        for timer in timers:
            timer.join()


@pytest.mark.slow
def test_a_cluster_that_grows_with_its_work_is_given_work():
    with made(0) as ours:
        ours.adapt(minimum=0, maximum=2, interval="200ms")
        assert sorted(spread(slow, iter(range(6)), cluster=ours.scheduler_address)) == list(range(6))


#: Environment of a cluster that was started without a thought of the package.
STRANGE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture()
def elsewhere(tmp_path):
    """Address of a scheduler and a worker started from the command line in a folder without the package."""
    told = {"cwd": tmp_path, "env": STRANGE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "dask", "scheduler", "--port", "0", "--dashboard-address", ":0"], **told
    )
    started = [scheduler]
    try:
        address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127\S+|tcp://\d\S+", line)))
        threading.Thread(target=scheduler.stderr.read, daemon=True).start()
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", "worker", address, "--nthreads", "1"],
                **{**told, "stderr": subprocess.DEVNULL},
            )
        )
        yield address
    finally:
        for process in started:
            process.terminate()
            process.wait()


IDS = [299568424331034624 + 1024 * k for k in range(4)]


def test_a_cluster_that_does_not_know_the_package_is_shown_it(elsewhere):
    assert sorted(spread(decode, iter(IDS), cluster=elsewhere)) == sorted(map(decode, IDS))


def test_a_cluster_that_cannot_see_the_package_is_one_sentence(elsewhere, monkeypatch):
    monkeypatch.setattr("stellar_core.parallel.ROOT", "/no/such/folder")
    with pytest.raises(ParameterError, match="lack what this needs: No module named 'stellar_core'"):
        list(spread(decode, iter(IDS), cluster=elsewhere))


@pytest.mark.slow
def test_a_growing_cluster_that_cannot_see_the_package_is_told_soon(tmp_path, monkeypatch):
    code = (
        "import time; from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    made = LocalCluster(n_workers=0, dashboard_address=':0'); made.adapt(minimum=0, maximum=1)\n"
        "    print(made.scheduler_address, flush=True); time.sleep(600)"
    )
    script = tmp_path / "grows.py"
    script.write_text(code)
    owner = subprocess.Popen(
        [sys.executable, str(script)], cwd=tmp_path, env=STRANGE, stdout=subprocess.PIPE, text=True
    )
    try:
        address = owner.stdout.readline().strip()
        monkeypatch.setattr("stellar_core.parallel.ROOT", "/no/such/folder")
        monkeypatch.setattr("stellar_core.parallel.TELLING", 1)
        monkeypatch.setattr("stellar_core.parallel.PATIENCE", 60)
        with pytest.raises(ParameterError, match="lack what this needs"):
            list(spread(decode, iter(IDS), cluster=address))
    finally:
        owner.terminate()
        owner.wait()


def test_a_cluster_that_goes_away_is_one_sentence():
    ours = made(1)
    found = spread(slow, iter(range(1000)), cluster=ours.scheduler_address)
    assert next(found) in (0, 1)
    threading.Timer(0.3, ours.close).start()
    with pytest.raises(RunError, match="went away"):
        list(found)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://", "ftp://a:1", ""])
def test_no_cluster_there_is_one_sentence(address):
    with pytest.raises(ParameterError, match="cannot be reached"):
        list(spread(slow, iter(range(3)), cluster=address))
