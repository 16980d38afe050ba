"""Making the catalogue in a process of its own: it goes on when the page that asked for it is closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stellar_core.cards import write_text
from stellar_core.catalogue.making import make_catalogue
from stellar_core.errors import StellarError

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class State:
    """How far it is.

    Attributes
    ----------
    running : bool
        Whether a process holds the lock.
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


def _files(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + ".lock"), path.with_name(path.name + ".status.json")


def start(path: Path, stars: int) -> None:
    """Start the process, unless one is at work; returns at once."""
    if state(path).running:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _files(path)[1].unlink(missing_ok=True)
    command = [sys.executable, "-m", "stellar_core", "catalogue", "--out", str(path), "--stars", str(stars)]
    threads = {"OMP_NUM_THREADS": "1"}
    subprocess.Popen(
        command, cwd=_ROOT, env={**os.environ, **threads}, start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def work(path: Path, stars: int) -> Path:
    """Make the catalogue with a status file beside it; the process that does so lowers its own priority.

    Raises
    ------
    ParameterError
        If another process is at it, or there are not that many stars.
    """
    from filelock import FileLock, Timeout

    from stellar_core.errors import ParameterError

    path.parent.mkdir(parents=True, exist_ok=True)
    lock, status = _files(path)

    def note(what: str, done: int, total: int) -> None:
        write_text(status, json.dumps({"what": what, "share": done / total}))

    try:
        with FileLock(lock, timeout=0):
            os.nice(5)
            made = make_catalogue(path, stars, note)
            status.unlink(missing_ok=True)
            return made
    except Timeout:
        raise ParameterError("The catalogue is being made already.", remedy="Wait for it.") from None
    except (StellarError, OSError) as error:
        write_text(status, json.dumps({"what": str(error), "failed": True}))
        raise


def state(path: Path) -> State:
    """How far the making of ``path`` is; a process that died shows as not running, with its last words."""
    from filelock import FileLock, Timeout

    lock, status = _files(path)
    running = False
    if lock.exists():
        try:
            with FileLock(lock, timeout=0):
                pass
        except Timeout:
            running = True
    try:
        told = json.loads(status.read_text())
    except (OSError, ValueError):
        told = {}
    return State(running, str(told.get("what", "")), float(told.get("share", 0.0)), bool(told.get("failed", False)))
