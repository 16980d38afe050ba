"""Items are mapped by processes or a Dask cluster; lost workers and clusters are one clear error."""

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
from stellar_core.parallel import parallel_map
from stellar_core.sdss.specobjid import decode


def dies_at_five(item: int) -> int:
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def slow(item: int) -> int:
    time.sleep(0.2)
    return item


def process_of(item: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def no_room(item: int) -> int:
    raise OSError(28, "No space left on device")


def lacks(item: int) -> int:
    raise ModuleNotFoundError("No module named 'stellar_core'")


def test_a_killed_worker_is_one_clear_error():
    with pytest.raises(RunError, match="A worker process died.*continues where this one ended"):
        list(parallel_map(dies_at_five, iter(range(20)), workers=2))


def local_cluster(workers: int):
    from distributed import LocalCluster

    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2) as ours:
        yield ours


@pytest.mark.slow
def test_an_item_that_kills_every_worker_is_one_clear_error(cluster):
    with pytest.raises(RunError, match="lost its workers"):
        list(parallel_map(dies_at_five, iter(range(20)), cluster=cluster.scheduler_address))
    assert sorted(parallel_map(slow, iter(range(4)), cluster=cluster.scheduler_address)) == [0, 1, 2, 3], (
        "the cluster has new ones"
    )


def test_workers_without_the_package_are_one_clear_error(cluster):
    with pytest.raises(ParameterError, match="cannot import a module: No module named"):
        list(parallel_map(lacks, iter(range(3)), cluster=cluster.scheduler_address))


def test_an_error_of_the_function_is_raised_unchanged(cluster):
    with pytest.raises(OSError, match="No space left"):
        list(parallel_map(no_room, iter(range(3)), cluster=cluster.scheduler_address))


def test_no_items_need_no_workers():
    with local_cluster(0) as ours:
        assert list(parallel_map(slow, iter(()), cluster=ours.scheduler_address)) == []


def test_a_cluster_without_workers_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("stellar_core.parallel.PATIENCE", 2)
    monkeypatch.setattr("stellar_core.parallel.REPORT_SECONDS", 1)
    reports = []
    with local_cluster(0) as ours, pytest.raises(ParameterError, match="has had no workers for 2 seconds"):
        list(
            parallel_map(
                slow, iter(range(3)), cluster=ours.scheduler_address, progress=lambda *report: reports.append(report)
            )
        )
    assert reports == [("seconds without a worker of the cluster", seconds, 2) for seconds in (1, 2)]


@pytest.mark.slow
def test_a_scheduler_that_closes_before_any_worker_comes_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("stellar_core.parallel.REPORT_SECONDS", 1)
    ours = local_cluster(0)
    threading.Timer(1.5, ours.close).start()
    with pytest.raises(RunError, match="closed the connection"):
        list(parallel_map(slow, iter(range(3)), cluster=ours.scheduler_address))


@pytest.mark.slow
def test_late_workers_are_waited_for_and_all_used():
    with local_cluster(0) as ours:
        timers = [threading.Timer(0.5, ours.scale, [1]), threading.Timer(1, ours.scale, [2])]
        for timer in timers:
            timer.start()
        found: set[int] = set()
        for process in parallel_map(process_of, iter(range(600)), cluster=ours.scheduler_address):
            found.add(process)
            if len(found) == 2:
                break
        assert len(found) == 2, "both workers had something to do"
        for timer in timers:
            timer.join()


@pytest.mark.slow
def test_an_adaptive_cluster_gets_work():
    with local_cluster(0) as ours:
        ours.adapt(minimum=0, maximum=2, interval="200ms")
        assert sorted(parallel_map(slow, iter(range(6)), cluster=ours.scheduler_address)) == list(range(6))


#: Environment of a cluster that was started without the package.
OTHER_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture()
def elsewhere(tmp_path):
    """Address of a scheduler and a worker started from the command line in a folder without the package."""
    options = {
        "cwd": tmp_path,
        "env": OTHER_ENVIRONMENT,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "dask", "scheduler", "--port", "0", "--dashboard-address", ":0"], **options
    )
    started = [scheduler]
    try:
        address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127\S+|tcp://\d\S+", line)))
        threading.Thread(target=scheduler.stderr.read, daemon=True).start()
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", "worker", address, "--nthreads", "1"],
                **{**options, "stderr": subprocess.DEVNULL},
            )
        )
        yield address
    finally:
        for process in started:
            process.terminate()
            process.wait()


IDS = [299568424331034624 + 1024 * k for k in range(4)]


def test_a_cluster_started_elsewhere_finds_the_package(elsewhere):
    assert sorted(parallel_map(decode, iter(IDS), cluster=elsewhere)) == sorted(map(decode, IDS))


def test_a_cluster_that_cannot_find_the_package_is_one_clear_error(elsewhere, monkeypatch):
    monkeypatch.setattr("stellar_core.parallel.FOLDER", "/no/such/folder")
    with pytest.raises(ParameterError, match="cannot import a module: No module named 'stellar_core'"):
        list(parallel_map(decode, iter(IDS), cluster=elsewhere))


@pytest.mark.slow
def test_an_adaptive_cluster_that_cannot_find_the_package_fails_soon(tmp_path, monkeypatch):
    code = (
        "import time; from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    made = LocalCluster(n_workers=0, dashboard_address=':0'); made.adapt(minimum=0, maximum=1)\n"
        "    print(made.scheduler_address, flush=True); time.sleep(600)"
    )
    script = tmp_path / "grows.py"
    script.write_text(code)
    owner = subprocess.Popen(
        [sys.executable, str(script)], cwd=tmp_path, env=OTHER_ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )
    try:
        address = owner.stdout.readline().strip()
        monkeypatch.setattr("stellar_core.parallel.FOLDER", "/no/such/folder")
        monkeypatch.setattr("stellar_core.parallel.REPORT_SECONDS", 1)
        monkeypatch.setattr("stellar_core.parallel.PATIENCE", 60)
        with pytest.raises(ParameterError, match="cannot import a module"):
            list(parallel_map(decode, iter(IDS), cluster=address))
    finally:
        owner.terminate()
        owner.wait()


def test_a_lost_cluster_is_one_clear_error():
    ours = local_cluster(1)
    found = parallel_map(slow, iter(range(1000)), cluster=ours.scheduler_address)
    assert next(found) in (0, 1)
    threading.Timer(0.3, ours.close).start()
    with pytest.raises(RunError, match="closed the connection"):
        list(found)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://", "ftp://a:1", ""])
def test_an_unreachable_cluster_is_one_clear_error(address):
    with pytest.raises(ParameterError, match="cannot be reached"):
        list(parallel_map(slow, iter(range(3)), cluster=address))
