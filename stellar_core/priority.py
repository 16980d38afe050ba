"""The priority of processes that work beside the app: whoever waits for a page goes first."""

from __future__ import annotations

import os
from pathlib import Path

#: Niceness of everything that works beside the app.
NICE = 5


def lower_priority(pid: int = 0, nice: int = NICE) -> None:
    """Give a process at least the niceness ``nice``.

    Where Linux groups processes by session (autogroup), niceness holds within a group alone, so the group of a process
    that leads a session is lowered too.

    Parameters
    ----------
    pid : int
        The process; 0 is this one.
    nice : int
    """
    try:
        if os.getpriority(os.PRIO_PROCESS, pid) < nice:
            os.setpriority(os.PRIO_PROCESS, pid, nice)
        if os.getsid(pid) == (pid or os.getpid()):
            Path(f"/proc/{pid or 'self'}/autogroup").write_text(f"{nice}\n")
    except OSError:
        pass  # the process has ended, or the system has no groups
