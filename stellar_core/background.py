"""A long command in a process of its own: it goes on when the page that asked for it is closed.

The process holds a lock beside its status file for as long as it lives: whoever wants to know whether it does tries the
lock, which no crash leaves behind. What it is doing stands in the status file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stellar_core.errors import ParameterError, StellarError
from stellar_core.files import write_text
from stellar_core.priority import lower_priority

#: Seconds that a process may take until it holds its lock, and between two notes of the same doing.
GRACE, PACE = 30.0, 0.25
_ROOT = Path(__file__).resolve().parents[1]
#: Called with what is being done, how much of it is done and of how much.
Note = Callable[[str, int, int], None]


@dataclass(frozen=True)
class State:
    """How far an errand is.

    Attributes
    ----------
    running : bool
        Whether its process lives, or was started a moment ago.
    what : str
        What is being done, or why it failed.
    share : float
        0 to 1, of what is being done.
    failed : bool
    """

    running: bool
    what: str = ""
    share: float = 0.0
    failed: bool = False


def start(status: Path, arguments: Sequence[str]) -> None:
    """Start ``python -m stellar_core ARGUMENTS --status STATUS``, unless it is at work; returns at once.

    Parameters
    ----------
    status : Path
        The status file, one for each errand.
    arguments : sequence of str
        A command that takes ``--status`` and does its work within `watched`.
    """
    if state(status).running:
        return
    status.parent.mkdir(parents=True, exist_ok=True)
    write_text(status, json.dumps({"what": "starting", "begun": time.time()}))
    command = [sys.executable, "-m", "stellar_core", *arguments, "--status", str(status)]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    lower_priority(process.pid)


@contextmanager
def watched(status: Path | None, beside: Note = lambda what, done, total: None) -> Iterator[Note]:
    """Within the process: hold the lock, and give a function that notes the progress.

    Parameters
    ----------
    status : Path or None
        Without a status file there is neither lock nor note.
    beside : callable, optional
        Told the progress too, such as a line on a terminal.

    Raises
    ------
    ParameterError
        If another process is at the same errand.
    """
    from filelock import FileLock, Timeout

    if status is None:
        yield beside
        return
    status.parent.mkdir(parents=True, exist_ok=True)
    last = {"what": "", "at": 0.0}

    def note(what: str, done: int, total: int) -> None:
        beside(what, done, total)
        now = time.monotonic()
        if what == last["what"] and now - last["at"] < PACE and done < total:
            return
        last.update(what=what, at=now)
        write_text(status, json.dumps({"what": what, "share": done / max(total, 1), "pid": os.getpid()}))

    try:
        with FileLock(_lock(status), timeout=0):
            note("starting", 0, 1)
            yield note
            status.unlink(missing_ok=True)
    except Timeout:
        raise ParameterError("Another process is doing this already.", remedy="Wait for it.") from None
    except (StellarError, OSError) as error:
        write_text(status, json.dumps({"what": str(error), "failed": True}))
        raise


def state(status: Path) -> State:
    """How far the errand is; a process that died shows as not running, with its last words."""
    told = _told(status)
    begun = told.get("begun")
    fresh = isinstance(begun, float) and 0.0 <= time.time() - begun < GRACE
    running = _is_locked(status) or fresh
    share = told.get("share", 0.0)
    return State(
        running,
        str(told.get("what", "")),
        float(share) if isinstance(share, (int, float)) else 0.0,
        bool(told.get("failed")),
    )


def stop(status: Path) -> None:
    """End the process, if it lives; what it has finished stays."""
    pid = _told(status).get("pid")
    if isinstance(pid, int) and _is_locked(status):
        os.kill(pid, signal.SIGTERM)
    status.unlink(missing_ok=True)


def _told(status: Path) -> dict[str, object]:
    try:
        told = json.loads(status.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _lock(status: Path) -> Path:
    return status.with_name(f"{status.name}.lock")


def _is_locked(status: Path) -> bool:
    from filelock import FileLock, Timeout

    if not _lock(status).exists():
        return False
    try:
        with FileLock(_lock(status), timeout=0):
            return False
    except Timeout:
        return True
