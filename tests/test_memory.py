"""Memory of this process and of the machine."""

from __future__ import annotations

from stellar_core.memory import memory_available, peak_memory, reset_peak_memory

SIZE = 80_000_000


def test_the_peak_includes_memory_that_has_been_freed():
    before = peak_memory()
    reset_peak_memory()
    assert 1e6 < peak_memory() <= before
    bytearray(SIZE)
    grown = peak_memory()
    reset_peak_memory()
    assert peak_memory() <= grown and grown >= SIZE


def test_the_machine_has_memory():
    available = memory_available()
    assert available is None or available > 1e6
