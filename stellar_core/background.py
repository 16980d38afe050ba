"""Background processes: commands that continue when the page that started them is closed.

A process holds a lock beside its status file while it lives, which the system frees however the process ends. Its
progress is in the status file, its standard error in a log beside it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stellar_core.files import is_locked, locked, read_json, write_text
from stellar_core.paths import REPOSITORY
from stellar_core.priority import lower_priority
from stellar_core.progress import Progress

#: Longest time from the start of a process until it holds its lock, and shortest between two writes of its progress, s.
GRACE, PACE = 30.0, 0.25
#: Number of bytes at the end of a log that are read, and of characters of a reason that are shown.
TAIL, REASON = 20_000, 300


@dataclass(frozen=True)
class State:
    """State of a background process.

    Attributes
    ----------
    running : bool
        True if the process lives, or was started a moment ago.
    message : str
        What is being done, or why it failed; empty before the first start and after success.
    share : float
        Finished share of what is being done, 0 to 1.
    failed : bool
    elapsed : float
        Time since it began to report, s; 0 where unknown.
    """

    running: bool
    message: str = ""
    share: float = 0.0
    failed: bool = False
    elapsed: float = field(default=0.0, compare=False)


def launch(
    arguments: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    ended: Callable[[int], None] = lambda status: None,
) -> subprocess.Popen[bytes]:
    """Start ``python -m stellar_core ARGUMENTS`` in a session of its own.

    Parameters
    ----------
    arguments : sequence of str
    log : Path
        Output and errors are appended to this file.
    environment : mapping of str to str
        Additions to the environment of this process.
    ended : callable, optional
        Called with the exit status in a thread of this process, if this process still lives then.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "stellar_core", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    threading.Thread(target=lambda: ended(process.wait()), daemon=True).start()
    return process


def last_lines(log: Path, lines: int) -> list[str]:
    """Return the last lines of a log; none where it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def start(status: Path, arguments: Sequence[str]) -> None:
    """Start ``python -m stellar_core ARGUMENTS --status STATUS`` unless it is running, and return at once.

    Parameters
    ----------
    status : Path
        Status file, one for each command.
    arguments : sequence of str
        A command that takes ``--status`` and works within `reporting`.
    """
    if state(status).running:
        return
    status.parent.mkdir(parents=True, exist_ok=True)
    _log(status).unlink(missing_ok=True)
    write_text(status, json.dumps({"what": "starting", "begun": time.time()}))

    def ended(code: int) -> None:
        if code and status.exists() and not _read(status).get("failed"):
            _write_failure(status, _reason(status, code))

    process = launch([*arguments, "--status", str(status)], _log(status), {"OMP_NUM_THREADS": "1"}, ended)
    lower_priority(process.pid)


@contextmanager
def reporting(status: Path | None, line: Progress = lambda what, done, total: None) -> Iterator[Progress]:
    """Hold the lock of this background process and give the function that reports its progress.

    Parameters
    ----------
    status : Path or None
        Status file; without one there is no lock, and progress goes to ``line`` alone.
    line : callable, optional
        Also called with the progress, such as a line on a terminal.

    Raises
    ------
    RunError
        If another process is doing the same.
    """
    if status is None:
        yield line
        return
    status.parent.mkdir(parents=True, exist_ok=True)
    last, since = {"what": "", "at": 0.0}, time.time()

    def report(what: str, done: int, total: int) -> None:
        line(what, done, total)
        now = time.monotonic()
        if what == last["what"] and now - last["at"] < PACE and done < total:
            return
        last.update(what=what, at=now)
        found = {"what": what, "share": done / max(total, 1), "since": since, "pid": os.getpid()}
        write_text(status, json.dumps(found))

    with locked(_lock(status)):
        try:
            report("starting", 0, 1)
            yield report
        except Exception as error:
            _write_failure(status, " ".join(str(error).split()) or type(error).__name__)
            raise
        status.unlink(missing_ok=True)


def state(status: Path) -> State:
    """Return the state of a background process; one that died without a message has failed, with the reason known."""
    found = _read(status)
    begun, share = found.get("begun"), found.get("share", 0.0)
    message, failed = str(found.get("what", "")), bool(found.get("failed"))
    starting = isinstance(begun, float) and 0.0 <= time.time() - begun < GRACE
    running = is_locked(_lock(status)) or starting
    if found and not running and not failed:
        found = _read(status)  # it may have ended between the two looks
        if not found:
            return State(False)
        message, failed = str(found.get("what", "")) if found.get("failed") else _reason(status), True
    since = found.get("since")
    elapsed = max(time.time() - since, 0.0) if isinstance(since, float) else 0.0
    return State(running, message, float(share) if isinstance(share, (int, float)) else 0.0, failed, elapsed)


def stop(status: Path) -> None:
    """End the process, if it lives; finished work is kept."""
    pid = _read(status).get("pid")
    status.unlink(missing_ok=True)
    if isinstance(pid, int) and is_locked(_lock(status)):
        os.kill(pid, signal.SIGTERM)
        status.unlink(missing_ok=True)


def _reason(status: Path, code: int = 0) -> str:
    """Return why a process ended that wrote no failure, from its exit status or its log."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        memory = ", perhaps for lack of memory" if -code == signal.SIGKILL else ""
        return f"The process was ended by the signal {name}{memory}."
    begun = "pid" in _read(status)  # it reported progress, so the log's last line is no error
    words = [] if begun and not code else [line.strip() for line in last_lines(_log(status), 20) if line.strip()]
    return words[-1][:REASON] if words else "The process was killed, or the machine went down."


def _write_failure(status: Path, reason: str) -> None:
    write_text(status, json.dumps({"what": reason, "failed": True}))


def _read(status: Path) -> dict[str, object]:
    try:
        found = read_json(status)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lock(status: Path) -> Path:
    return status.with_name(f"{status.name}.lock")


def _log(status: Path) -> Path:
    return status.with_name(f"{status.name}.log")
