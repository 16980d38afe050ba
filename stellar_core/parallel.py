"""Apply a function to many items: in this process, in several processes, or on a Dask cluster."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from stellar_core.errors import ParameterError, RunError, StellarError
from stellar_core.paths import REPOSITORY
from stellar_core.progress import Progress

if TYPE_CHECKING:
    from distributed import Client, as_completed

Item = TypeVar("Item")
Output = TypeVar("Output")

#: Number of items queued for each worker: no worker is idle, and results do not pile up.
QUEUED = 2
#: Longest wait for the first worker of a cluster, and time between reports that there is none, s.
PATIENCE, REPORT_SECONDS = 600, 5
RESUME = "The same command continues where this one ended."
#: Folder that holds this package; the workers of a cluster that see it import the package from there.
FOLDER = str(REPOSITORY)


def parallel_map(
    function: Callable[[Item], Output],
    items: Iterator[Item],
    workers: int = 1,
    cluster: str | None = None,
    progress: Progress = lambda *args: None,
) -> Iterator[Output]:
    """Yield ``function(item)`` for every item, in order of completion; items are taken when a worker is free.

    Parameters
    ----------
    function : callable
        Must be picklable.
    items : iterator
    workers : int
        Number of processes; 1 works in this one.
    cluster : str, optional
        Address of a Dask scheduler, such as tcp://host:8786, used instead of ``workers``. Its workers may come and
        go, and an adaptive cluster may start without any.
    progress : callable, optional
        Called with a description, the seconds waited and the limit while a cluster has no workers.

    Raises
    ------
    ParameterError
        If ``workers`` is not positive, or the cluster cannot be reached, gets no worker or cannot import the package.
    RunError
        If a worker dies or the connection to the cluster is lost.
    """
    if workers < 1:
        raise ParameterError(f"The number of workers must be 1 or more; got {workers}.", value=workers)
    if cluster is not None:
        yield from _on_cluster(function, items, cluster, progress)
    elif workers == 1:
        yield from map(function, items)
    else:
        # joblib's processes do not import the main module again, which under Streamlit is the app itself.
        from joblib import Parallel, delayed

        pool = Parallel(workers, return_as="generator_unordered", batch_size=1, pre_dispatch=QUEUED * workers)
        try:
            yield from pool(delayed(function)(item) for item in items)
        except BrokenProcessPool:
            message = "A worker process died, perhaps for lack of memory."
            raise RunError(message, value=workers, remedy=RESUME) from None


def _on_cluster(
    function: Callable[[Item], Output], items: Iterator[Item], address: str, progress: Progress
) -> Iterator[Output]:
    from concurrent.futures import CancelledError

    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    lost = f"The Dask cluster at {address} lost its workers or closed the connection."
    gone = RunError(lost, value=address, remedy=RESUME)
    with _client(address) as client:
        jobs = as_completed()

        def send() -> None:
            try:
                threads = sum(client.nthreads().values())
            except OSError:
                raise gone from None
            for item in islice(items, max(0, QUEUED * max(1, threads) - jobs.count())):
                jobs.add(client.submit(function, item, pure=False))

        try:
            try:
                _add_package_path(client)
                send()
                if jobs.count():
                    _wait_for_a_worker(client, address, jobs, progress)
            except StellarError:
                raise
            except OSError:  # of the connection; an OSError of an item is raised by its result below
                raise gone from None
            send()
            for job in jobs:
                yield job.result()
                send()
        except (KilledWorker, CancelledError, asyncio.CancelledError):
            raise gone from None
        except (ImportError, RuntimeError) as error:  # a RuntimeError of Dask has the scheduler's as its cause
            missing = error if isinstance(error, ImportError) else error.__cause__
            if not isinstance(missing, ImportError):
                raise
            raise ParameterError(
                f"The scheduler or the workers at {address} cannot import a module: {missing}.",
                value=address,
                remedy="Start both in this environment; where the package is not in "
                f"{FOLDER}, set PYTHONPATH to its folder.",
            ) from None


def _client(address: str) -> Client:
    from distributed import Client

    failure = ""
    try:
        return Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        failure = type(error).__name__
    # The unfinished client closes itself when it is collected; doing so while another is made would deadlock.
    gc.collect()
    raise ParameterError(
        f"The Dask cluster at {address} cannot be reached ({failure}).",
        value=address,
        remedy="Give tcp://HOST:8786; start one by `dask scheduler` and `dask worker --nthreads 1`; or omit --cluster.",
    )


def _add_package_path(client: Client) -> None:
    """Add the package's folder to the path of the scheduler and of all present and future workers.

    The functions sent must not need the package itself: functions within a function are pickled by value.
    """
    from distributed import WorkerPlugin

    def add(folder: str = FOLDER) -> None:
        import os
        import sys

        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.append(folder)

    class PackagePath(WorkerPlugin):
        name = f"path of {__package__}"

        def setup(self, worker: object) -> None:
            add()

    client.run_on_scheduler(add)
    client.register_plugin(PackagePath())


def _wait_for_a_worker(client: Client, address: str, jobs: as_completed, progress: Progress) -> None:
    for waited in range(0, PATIENCE, REPORT_SECONDS):
        try:
            return client.wait_for_workers(1, timeout=REPORT_SECONDS)
        except TimeoutError:
            if jobs.has_ready():
                return  # without a worker, only a failure of the scheduler itself can be ready
            progress("seconds without a worker of the cluster", waited + REPORT_SECONDS, PATIENCE)
    raise ParameterError(
        f"The Dask cluster at {address} has had no workers for {PATIENCE} seconds.",
        value=address,
        remedy=f"Start dask worker {address} --nthreads 1 first.",
    )
