"""Lower the priority of background processes, so that the pages of the app stay quick."""

from __future__ import annotations

import os
from pathlib import Path

#: Niceness of background processes.
NICE = 5


def lower_priority(pid: int = 0, nice: int = NICE) -> None:
    """Set the niceness of a process to at least ``nice``.

    Where Linux schedules by session (autogroup), niceness counts within a session only. The session of a process that
    leads one is therefore lowered too.

    Parameters
    ----------
    pid : int
        Process identifier; 0 is this process.
    nice : int
        0 to 19.
    """
    try:
        if os.getpriority(os.PRIO_PROCESS, pid) < nice:
            os.setpriority(os.PRIO_PROCESS, pid, nice)
        if os.getsid(pid) == (pid or os.getpid()):
            Path(f"/proc/{pid or 'self'}/autogroup").write_text(f"{nice}\n")
    except OSError:
        pass  # the process has ended, or the system has no autogroups
