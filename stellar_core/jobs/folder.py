"""A job on disk: its folder, and what is known of it at this moment."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stellar_core.errors import StellarError
from stellar_core.files import parse_json, read_json, write_text
from stellar_core.jobs.spec import JobConfig
from stellar_core.jobs.status import START_SECONDS, Status, read_status, write_status

#: Bytes set aside in each folder, given back when a full disk would not take the last word.
RESERVE = 65_536
#: Bytes of the log that are read at most.
TAIL = 20_000


@dataclass(frozen=True)
class Job:
    """One job.

    The folder holds ``job.json`` (what it shall do), ``status.json``, ``log.txt``, ``curve.jsonl``, ``epochs.json``
    and ``sample.json`` (what the page draws), ``worker.lock``, and ``model/`` with checkpoints, then with the model.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    @property
    def id(self) -> str:
        """Its name on disk and in links."""
        return self.folder.name

    @property
    def number(self) -> int:
        """Its place among all jobs."""
        return int(self.id.partition("-")[0])

    @cached_property
    def config(self) -> JobConfig:
        """What it shall do; `StellarError` if that cannot be read."""
        return JobConfig.read(self.folder / "job.json")

    @property
    def name(self) -> str:
        """What people call it; its id where the configuration is damaged."""
        try:
            return self.config.name
        except StellarError:
            return self.id

    @property
    def model(self) -> Path:
        """Folder of checkpoints and of the finished model."""
        return self.folder / "model"

    @property
    def card(self) -> dict[str, object] | None:
        """The card of the finished model; None before, or where it is damaged."""
        return self._read("model/card.json", {}) or None

    @property
    def checkpoint(self) -> bool:
        """Whether there is something to go on from."""
        return any(self.model.glob("checkpoint*.pt"))

    @property
    def bytes(self) -> int:
        """Room it takes on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @property
    def alive(self) -> bool:
        """Whether a worker holds its lock: process ids are given anew, locks end with their process."""
        from filelock import FileLock, Timeout

        if not self.lock.exists():
            return False
        try:
            with FileLock(self.lock, timeout=0):
                return False
        except Timeout:
            return True

    @property
    def lock(self) -> Path:
        """File that its worker locks for life."""
        return self.folder / "worker.lock"

    @property
    def cancel_file(self) -> Path:
        """File whose presence asks the worker to end."""
        return self.folder / "cancel"

    def status(self) -> Status:
        """What is true now, whatever a worker that is gone has left written."""
        written = read_status(self.folder / "status.json")
        if written is not None and not written.active:
            return written
        if self.alive:
            return written or Status("running", phase="its status file was damaged and is about to be written anew")
        again = read_status(self.folder / "status.json")  # it may have ended between the two looks
        if again is None:
            return Status("failed", "Its status file is missing or damaged; resume goes on from the last checkpoint.")
        if not again.active:
            return again
        if self.cancel_file.exists():
            return again.enter("cancelled", "Cancelled.")
        if again.state == "running":
            return again.enter("failed", f"The worker was killed, or the machine went down{self._disk_word()}.")
        if again.age > START_SECONDS:
            return again.enter("failed", f"The worker did not start within {START_SECONDS:.0f} s{self._disk_word()}.")
        return again

    def _disk_word(self) -> str:
        free = shutil.disk_usage(self.folder).free
        return "" if free > 20e6 else f"; the disk has {free / 1e6:.0f} MB left"

    def write(self, status: Status) -> None:
        """Replace the status."""
        write_status(self.folder / "status.json", status)

    def write_last(self, status: Status) -> None:
        """Replace the status even on a full disk: what is half written, then the reserve, make room for it."""
        for path in (*self.folder.rglob("*.tmp"), self.folder / "reserve"):
            path.unlink(missing_ok=True)
        self.write(status)

    def set_aside(self) -> None:
        """Make the reserve for `write_last`."""
        with (self.folder / "reserve").open("wb") as file:
            file.write(os.urandom(RESERVE))

    def save_config(self, config: JobConfig) -> None:
        """Replace what it shall do."""
        write_text(self.folder / "job.json", json.dumps(config.to_dict(), indent=1) + "\n")

    def log(self, lines: int = 40) -> list[str]:
        """The last lines of its log."""
        try:
            with (self.folder / "log.txt").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - TAIL))
                return file.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return []

    def history(self) -> list[dict[str, object]]:
        """For each finished epoch the losses, as `stellar_core.training.loop.Trained.history`."""
        return self._records("model/history.json")

    def epochs(self) -> list[dict[str, object]]:
        """For each finished epoch the figures on the MOCK stars that are watched."""
        return self._records("epochs.json")

    def sample(self) -> dict[str, list]:
        """Last predictions of those stars beside what they are; empty before the first epoch's end."""
        return self._read("sample.json", {})

    def curve(self) -> list[dict[str, object]]:
        """Losses within the epochs: ``step``, ``epoch`` (a fraction), ``losses``; ascending steps."""
        points: list[dict[str, object]] = []
        try:
            lines = (self.folder / "curve.jsonl").read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            return points
        for line in lines:
            try:
                point = parse_json(line)
                step = int(point["step"])
            except (ValueError, KeyError, TypeError, OverflowError):
                continue  # a line cut short when the worker was killed
            while points and points[-1]["step"] >= step:  # what was done again after an interruption
                points.pop()
            points.append(point)
        return points

    def _records(self, name: str) -> list[dict[str, object]]:
        return [record for record in self._read(name, []) if isinstance(record, dict)]

    def _read(self, name: str, otherwise):
        try:
            found = read_json(self.folder / name)
        except (OSError, ValueError):
            return otherwise
        return found if isinstance(found, type(otherwise)) else otherwise
