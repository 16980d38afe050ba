"""Urgent computations go before deferred ones."""

import threading

import pytest

from stellar_core.ui.request_priority import RequestPriority


def test_deferred_work_waits_for_urgent_work():
    priority, order, begun = RequestPriority(at_once=1), [], threading.Event()

    def deferred():
        begun.wait()
        with priority.deferred():
            order.append("deferred")

    thread = threading.Thread(target=deferred)
    thread.start()
    with priority.urgent():
        begun.set()
        thread.join(0.05)
        order.append("urgent")
    thread.join()
    assert order == ["urgent", "deferred"]


def test_the_number_of_urgent_computations_at_once_is_limited():
    priority, inside, most, lock = RequestPriority(at_once=2), 0, 0, threading.Lock()
    together = threading.Barrier(2, timeout=10)

    def compute():
        nonlocal inside, most
        with priority.urgent():
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait()
            with lock:
                inside -= 1

    threads = [threading.Thread(target=compute) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_waiting_is_limited_and_an_error_frees_the_place():
    priority = RequestPriority(at_once=1, max_wait=0.01)
    with priority.urgent(), priority.deferred():
        pass  # the urgent computation has not ended
    with pytest.raises(ValueError), priority.urgent():
        raise ValueError
    with priority.urgent():
        pass
    priority.wait()
