"""Answers that visitors wait for go before what stands beside them."""

import threading

import pytest

from stellar_core.ui.request_priority import Turns


def test_what_stands_beside_waits_for_every_answer():
    turns, order, begun = Turns(at_once=1), [], threading.Event()

    def beside():
        begun.wait()
        with turns.later():
            order.append("beside")

    thread = threading.Thread(target=beside)
    thread.start()
    with turns.first():
        begun.set()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "beside"]


def test_so_many_answers_at_once_and_no_more():
    turns, inside, most, lock = Turns(at_once=2), 0, 0, threading.Lock()
    together = threading.Barrier(2, timeout=10)

    def answer():
        nonlocal inside, most
        with turns.first():
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait()
            with lock:
                inside -= 1

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_patience_ends_and_an_error_frees_the_place():
    turns = Turns(at_once=1, patience=0.01)
    with turns.first(), turns.later():
        pass  # the answer is still under way
    with pytest.raises(ValueError), turns.first():
        raise ValueError
    with turns.first():
        pass
    turns.give_way()
