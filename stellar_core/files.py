"""Files on this machine: atomic writing, JSON read with limits, hashes, and locks between processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from stellar_core.errors import RunError

#: Ending of files that are still being written.
DRAFT = ".tmp"
_DRAFT = re.compile(rf"\..+\.\d+-\d+{re.escape(DRAFT)}")
#: Limits of a JSON file: bytes, and lists and objects within one another.
MAX_BYTES, MAX_DEPTH = 50_000_000, 40


@contextlib.contextmanager
def atomic_path(path: Path, sync: bool = False) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to ``path`` at the end, or remove it after an error.

    Parameters
    ----------
    path : Path
        An existing file is replaced. The folder must exist.
    sync : bool
        Wait until the disk has the file, so that it survives a loss of power.

    Raises
    ------
    OSError
        If the disk does not allow it. ``path`` is then as it was.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{DRAFT}")
    try:
        yield draft
        if sync:
            _sync(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if sync:
        with contextlib.suppress(OSError):  # some systems cannot sync a folder
            _sync(path.parent)


def write_bytes(path: Path, data: bytes, sync: bool = True) -> None:
    """Write ``data`` atomically; make the folder if absent. Arguments and errors as `atomic_path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, sync) as draft:
        draft.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` atomically as UTF-8 into an existing folder; errors as `atomic_path`."""
    with atomic_path(path) as draft:
        draft.write_text(text, encoding="utf-8")


def remove_drafts(folder: Path, age: float = 0.0) -> None:
    """Remove the temporary files that killed processes left in ``folder`` and below.

    Parameters
    ----------
    folder : Path
    age : float
        Keep files written to within this many seconds. Use 0 only where no other process writes to the folder.
    """
    newest = time.time() - age
    for draft in folder.rglob(f".*{DRAFT}"):
        with contextlib.suppress(OSError):  # its own process has just finished it, or it may not be removed
            if _DRAFT.fullmatch(draft.name) and (not age or draft.stat().st_mtime < newest):
                draft.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path, most: int = MAX_BYTES) -> object:
    """Read a JSON file that may have been damaged since it was written.

    Parameters
    ----------
    path : Path
    most : int
        Largest size that is read, bytes.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is larger, is no JSON, or nests deeper than `MAX_DEPTH`.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} has more than {most:,} bytes")
    return parse_json(content)


def parse_json(content: str | bytes) -> object:
    """Parse JSON; ValueError as `read_json`."""
    try:
        found = json.loads(content)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("the JSON is nested too deeply")
        inner = [
            value.values() if isinstance(value, dict) else value for value in level if isinstance(value, (dict, list))
        ]
        level = [value for values in inner for value in values if isinstance(value, (dict, list))]
    return found


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(path: Path, busy: str = "Another process is doing this already.", timeout: float = 0.0) -> Iterator[None]:
    """Hold a lock file; the system frees it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; its folder must exist.
    busy : str
        Message of the error.
    timeout : float
        Seconds to wait for the lock; -1 waits without limit.

    Raises
    ------
    RunError
        If another process holds the lock.
    OSError
        If the lock file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(busy, value=str(path), remedy="Wait for it, or try again later.") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Return whether another process, or another place in this one, holds the lock file; OSError as `locked`."""
    if not path.exists():
        return False
    try:
        with locked(path):
            return False
    except RunError:
        return True
