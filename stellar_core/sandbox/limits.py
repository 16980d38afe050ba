"""Limits that a confined process sets itself before it reads any input; the system enforces them.

A process without privileges can lower such limits but never raise them. One that runs as root gives up root when it
seals itself.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time

#: Number of the user and group without rights, on Linux and macOS.
_NOBODY = 65534


def confine(memory: int) -> None:
    """Limit this process to ``memory`` bytes of address space, no file writes and no core dumps.

    macOS does not enforce the limit on memory.
    """
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)


def seal(seconds: float) -> None:
    """Keep this process from opening any file, socket or process; what is already open stays open.

    No descriptor can be created, and on Linux every system call that reaches beyond the process is refused.

    Parameters
    ----------
    seconds : float
        Processor time after which the system ends the process, s.
    """
    from stellar_core.sandbox.system_calls import refuse_system_calls

    _lower(resource.RLIMIT_CPU, int(time.process_time() + seconds) + 1)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    _lower(resource.RLIMIT_NPROC, 0)
    _lower(resource.RLIMIT_NOFILE, 0)
    refuse_system_calls()


def end_after(seconds: float) -> None:
    """Let the system end this process after ``seconds`` more of processor time; 0 removes the limit."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def address_space() -> int:
    """Return the address space of this process in bytes; 0 where the system does not report it."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def peak_memory() -> int:
    """Return the peak memory of this process in bytes; works in a sealed process, since it opens no file."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _lower(kind: int, value: int) -> None:
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):
        if sys.platform == "linux":  # macOS does not support some limits
            raise
