"""Memory of this process and of the machine."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

#: Linux: memory of this process, and the file and value that reset its peak (man 5 proc).
_STATUS, _RESET, _RESET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs"), "5"


def peak_memory() -> float:
    """Return the peak resident memory of this process in bytes, mapped files included."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM"):
                return 1024.0 * float(line.split()[1])
    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reset_peak_memory() -> None:
    """Reset the peak of `peak_memory` where the system can."""
    with contextlib.suppress(OSError):
        _RESET.write_text(_RESET_PEAK)


def memory_available() -> float | None:
    """Return the bytes available without swapping; None where the system does not report it."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
    except OSError:
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return None
