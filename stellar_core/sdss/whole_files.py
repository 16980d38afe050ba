"""Files that are there whole or not at all, whatever interrupts their writing."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from pathlib import Path

#: Ending of what is still being written; `remove_drafts` clears what a killed process left.
DRAFT = ".tmp"
_DRAFT = re.compile(rf"\..+\.\d+-\d+{re.escape(DRAFT)}")


def write_whole(path: Path, data: bytes, sync: bool = True) -> None:
    """Write ``data`` to a temporary file, bring it to the disk and rename it to ``path``.

    Parameters
    ----------
    path : Path
        Its folder is made if absent; a file that is there is replaced.
    data : bytes
    sync : bool
        False leaves it to the system when the disk gets it: enough for what no one needs after a loss of power.

    Raises
    ------
    OSError
        If the disk does not allow it; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{DRAFT}")
    try:
        with draft.open("wb") as out:
            out.write(data)
            out.flush()
            if sync:
                os.fsync(out.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if sync:
        _sync_folder(path.parent)


def remove_drafts(folder: Path, age: float = 0.0) -> None:
    """Remove what was being written in ``folder`` when its process was killed.

    Parameters
    ----------
    folder : Path
    age : float
        Seconds since a draft was last written to; 0 is for the folder's one user only.
    """
    newest = time.time() - age
    for draft in folder.rglob(f".*{DRAFT}"):
        with contextlib.suppress(OSError):  # its own process has just finished it, or it is not ours to remove
            if _DRAFT.fullmatch(draft.name) and (not age or draft.stat().st_mtime < newest):
                draft.unlink()


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)
