"""One function over many items: in this process, in processes beside it, or over a Dask cluster."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from stellar_core.errors import ParameterError, RunError, StellarError
from stellar_core.progress import Progress

if TYPE_CHECKING:
    from distributed import Client, as_completed

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Items that wait for each worker, so that none is idle and none of the results pile up.
WAITING = 2
#: Seconds until a cluster's first worker must be there: workers wait in queues, and start again after they were killed.
PATIENCE = 600
#: Seconds after which it is said that there is none.
TELLING = 5
ON = "The same command goes on where this one ended."
#: Folder that holds this package: a cluster that sees it imports the package from there.
ROOT = str(Path(__file__).resolve().parents[1])


def spread(
    work: Callable[[Item], Answer],
    items: Iterator[Item],
    workers: int = 1,
    cluster: str | None = None,
    progress: Progress = lambda *args: None,
) -> Iterator[Answer]:
    """``work`` of every item, in the order in which they are done; items are made when a worker is free.

    Parameters
    ----------
    work : callable
        Can be sent to another process.
    items : iterator
    workers : int
        Processes; 1 is this one.
    cluster : str, optional
        Address of a Dask scheduler, such as tcp://host:8786; takes the place of ``workers``.
        Its workers may come and go: a cluster that grows with its work has a first item to grow by.
    progress : callable, optional
        Called with words, seconds and seconds while a cluster has no workers yet.

    Raises
    ------
    ParameterError
        If ``workers`` is not positive, the cluster cannot be reached or no worker comes to it.
    RunError
        If a worker dies, or the cluster goes away.
    """
    if workers < 1:
        raise ParameterError(f"The number of workers is 1 or more; got {workers}.", value=workers)
    if cluster is not None:
        yield from _over_cluster(work, items, cluster, progress)
    elif workers == 1:
        yield from map(work, items)
    else:
        # joblib's processes do not import the main module again, which under Streamlit is the app's own script.
        from joblib import Parallel, delayed

        pool = Parallel(workers, return_as="generator_unordered", batch_size=1, pre_dispatch=WAITING * workers)
        try:
            yield from pool(delayed(work)(item) for item in items)
        except BrokenProcessPool:
            raise RunError("A worker died, perhaps for want of memory.", value=workers, remedy=ON) from None


def _over_cluster(
    work: Callable[[Item], Answer], items: Iterator[Item], address: str, progress: Progress
) -> Iterator[Answer]:
    from concurrent.futures import CancelledError

    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    gone = RunError(f"The Dask cluster at {address} lost its workers or went away.", value=address, remedy=ON)
    with _client(address) as client:
        jobs = as_completed()

        def send() -> None:
            try:
                threads = sum(client.nthreads().values())
            except OSError:
                raise gone from None
            for item in islice(items, max(0, WAITING * max(1, threads) - jobs.count())):
                jobs.add(client.submit(work, item, pure=False))

        try:
            try:
                _show_the_package(client)
                send()
                if jobs.count():
                    _wait_for_a_worker(client, address, jobs, progress)
            except StellarError:
                raise
            except OSError:  # of the connection: no item was asked for its result yet
                raise gone from None
            send()
            for job in jobs:
                yield job.result()
                send()
        except (KilledWorker, CancelledError, asyncio.CancelledError):
            raise gone from None
        except (ImportError, RuntimeError) as error:  # of a worker; of the scheduler, as the cause of Dask's own
            missing = error if isinstance(error, ImportError) else error.__cause__
            if not isinstance(missing, ImportError):
                raise
            raise ParameterError(
                f"The scheduler or the workers at {address} lack what this needs: {missing}.",
                value=address,
                remedy=f"Start both in this environment, and where {ROOT} is no folder, with PYTHONPATH naming the one that holds stellar_core.",
            ) from None


def _client(address: str) -> Client:
    from distributed import Client

    failure = ""
    try:
        return Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        failure = type(error).__name__
    # The half-made client closes itself when it is collected; while another is being made that would lock up both.
    gc.collect()
    raise ParameterError(
        f"The Dask cluster at {address} cannot be reached ({failure}).",
        value=address,
        remedy="Give it as tcp://HOST:8786; dask scheduler and dask worker --nthreads 1 start one. Or leave --cluster out.",
    )


def _show_the_package(client: Client) -> None:
    """Tell the scheduler, and all workers that are there or come, where the package lies.

    What is sent must not need the package itself, so it is written as functions within a function: those travel by value.
    """
    from distributed import WorkerPlugin

    def show(folder: str = ROOT) -> None:
        import os
        import sys

        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.append(folder)

    class Place(WorkerPlugin):
        name = f"place of {__package__}"

        def setup(self, worker: object) -> None:
            show()

    client.run_on_scheduler(show)
    client.register_plugin(Place())


def _wait_for_a_worker(client: Client, address: str, jobs: as_completed, progress: Progress) -> None:
    for waited in range(0, PATIENCE, TELLING):
        try:
            return client.wait_for_workers(1, timeout=TELLING)
        except TimeoutError:
            if jobs.has_ready():
                return  # nothing can be ready without a worker but a failure of the scheduler's own
            progress("seconds without a worker of the cluster", waited + TELLING, PATIENCE)
    raise ParameterError(
        f"The Dask cluster at {address} has had no workers for {PATIENCE} seconds.",
        value=address,
        remedy=f"Start dask worker {address} --nthreads 1 first.",
    )
