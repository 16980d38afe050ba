"""One function over many items: in this process, in processes beside it, or over a Dask cluster."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from stellar_core.errors import ArchiveError, ParameterError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: Items that wait for each worker, so that none is idle and none of the results pile up.
WAITING = 2
ON = "The same command goes on where this one ended."


def spread(
    work: Callable[[Item], Answer], items: Iterator[Item], workers: int = 1, cluster: str | None = None
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

    Raises
    ------
    ParameterError
        If ``workers`` is not positive or the cluster cannot be reached.
    ArchiveError
        If a worker dies, or the cluster goes away.
    """
    if workers < 1:
        raise ParameterError(f"The number of workers is 1 or more; got {workers}.", value=workers)
    if cluster is not None:
        yield from _over_cluster(work, items, cluster)
    elif workers == 1:
        yield from map(work, items)
    else:
        from joblib import Parallel, delayed

        pool = Parallel(workers, return_as="generator_unordered", batch_size=1, pre_dispatch=WAITING * workers)
        try:
            yield from pool(delayed(work)(item) for item in items)
        except BrokenProcessPool:
            raise ArchiveError("A worker died, perhaps for want of memory.", value=workers, remedy=ON) from None


def _over_cluster(work: Callable[[Item], Answer], items: Iterator[Item], address: str) -> Iterator[Answer]:
    from concurrent.futures import CancelledError

    from distributed import Client, as_completed
    from distributed.scheduler import KilledWorker

    client, failure = None, ""
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        failure = type(error).__name__
    if client is None:
        # The half-made client closes itself when it is collected; while another is being made that would lock up both.
        gc.collect()
        raise ParameterError(
            f"The Dask cluster at {address} cannot be reached ({failure}).",
            value=address,
            remedy="Start one with dask scheduler and dask worker --nthreads 1, or leave --cluster out.",
        )
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ParameterError(f"The Dask cluster at {address} has no workers.", value=address)
        jobs = as_completed(client.submit(work, item, pure=False) for item in islice(items, WAITING * threads))
        try:
            for job in jobs:
                yield job.result()
                for item in islice(items, 1):
                    jobs.add(client.submit(work, item, pure=False))
        except (KilledWorker, CancelledError, asyncio.CancelledError):
            raise ArchiveError(f"The Dask cluster at {address} lost its workers or went away.", value=address, remedy=ON) from None
        except ImportError as error:
            raise ParameterError(f"The workers at {address} lack what this needs: {error}.", value=address) from None
