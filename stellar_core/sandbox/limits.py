"""Limits that a process sets itself before it touches what a visitor sent, enforced by the system from then on.

They can be lowered and never raised again by a process without privileges; one that runs as root gives root up first
where it needs no more files.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time

from stellar_core.priority import lower_priority

#: What Python and its libraries need of the environment; keys and tokens are not among it.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
#: One thread each for linear algebra.
_SET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
#: User and group without any rights, by their usual number on Linux and macOS alike.
_NOBODY = 65534


def environment() -> dict[str, str]:
    """Environment variables for a confined process: none of this process's secrets."""
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **_SET}


def confine(memory: int) -> None:
    """Let this process write no file and no core, yield to others, and take at most ``memory`` bytes of address space.

    macOS does not enforce the last.
    """
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)
    lower_priority()


def seal(seconds: float) -> None:
    """Let this process open nothing more: no file, no socket, no process; what is open already stays so.

    No descriptor can be made any more, and on Linux all calls are refused that reach beyond the process itself.

    Parameters
    ----------
    seconds : float
        Processor time, s, after which the system ends it.
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
    """Have the system end this process after that much processor time from now, s, however busy it is; 0: no more."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def address_space() -> int:
    """Bytes of address space that this process has; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def peak_memory() -> int:
    """Most memory that this process has held, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _lower(kind: int, value: int) -> None:
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):
        if sys.platform == "linux":  # macOS refuses some limits; nothing else holds there either
            raise
