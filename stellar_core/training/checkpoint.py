"""Checkpoints of a run that may be killed at any moment, even while writing one."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from stellar_core.files import atomic_path, remove_drafts
from stellar_core.run_folder import RunFolder

#: Names of the newest checkpoint of a run and of the one before.
NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
_DIGEST = hashlib.sha256().digest_size


def training_folder(folder: Path, description: Mapping[str, object]) -> RunFolder:
    """Return the folder of checkpoints as that of the run with this description."""
    return RunFolder(
        folder,
        description,
        remedy=f"Choose another folder, or remove {NEWEST} and {PREVIOUS} there to start again.",
        words={"run": "settings or stars"},
    )


class Checkpoints:
    """The newest checkpoint of a run and the one before it, in the run's folder.

    A file is a torch archive preceded by its SHA-256, written atomically. If the newest is damaged,
    the one before is used.

    Parameters
    ----------
    folder : Path
        Created if absent.
    run : str
        Identifies the run; a checkpoint of another run is refused.
    seconds : float
        Shortest time between checkpoints within an epoch.
    """

    def __init__(self, folder: Path, run: str, seconds: float) -> None:
        self.run, self.seconds, self.last = run, seconds, time.monotonic()
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.newest, self.previous = self.folder / NEWEST, self.folder / PREVIOUS
        remove_drafts(self.folder, age=60.0)

    @property
    def due(self) -> bool:
        """Whether the next checkpoint is due."""
        return time.monotonic() - self.last >= self.seconds

    def save(self, state: dict[str, object]) -> None:
        """Write ``state`` (tensors and plain values) as the newest checkpoint."""
        buffer = io.BytesIO()
        torch.save({"run": self.run, "state": state}, buffer)
        payload = buffer.getbuffer()
        with atomic_path(self.newest, sync=True) as draft:
            with draft.open("wb") as file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
            if self.newest.exists():
                os.replace(self.newest, self.previous)
        self.last = time.monotonic()

    def load(self, device: torch.device) -> dict[str, object] | None:
        """Return the state of the newest undamaged checkpoint, or None if there is none.

        Raises
        ------
        RunError
            If it belongs to another run.
        """
        for path in (self.newest, self.previous):
            found = _read(path, device)
            if found is None:
                path.unlink(missing_ok=True)
                continue
            training_folder(self.folder, {"run": self.run}).check(found)
            return found["state"]
        return None

    def clear(self) -> None:
        """Remove all checkpoints, unfinished ones included."""
        for path in (self.newest, self.previous):
            path.unlink(missing_ok=True)
        remove_drafts(self.folder)


def _read(path: Path, device: torch.device) -> dict[str, object] | None:
    """Read a file of `Checkpoints.save`, or return None if it is absent or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, payload = content[:_DIGEST], memoryview(content)[_DIGEST:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    return torch.load(io.BytesIO(payload), weights_only=True, map_location=device)
