"""The folder of a job: configuration, status, log, curves, model."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stellar_core.background import last_lines
from stellar_core.errors import StellarError
from stellar_core.files import is_locked, parse_json, read_json, write_text
from stellar_core.jobs.spec import JobConfig
from stellar_core.jobs.status import START_SECONDS, Status, read_status, write_status

#: Bytes reserved in each folder, released to write the final status on a full disk.
RESERVE = 65_536


@dataclass(frozen=True)
class Job:
    """One job.

    The folder holds ``job.json`` (the configuration), ``status.json``, ``log.txt``, ``curve.jsonl``, ``epochs.json``
    and ``sample.json`` (for the figures of the page), ``worker.lock``, and ``model/`` with checkpoints, later the
    model.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    @property
    def id(self) -> str:
        """Name of the folder, also used in links."""
        return self.folder.name

    @property
    def number(self) -> int:
        """Number of the job."""
        return int(self.id.partition("-")[0])

    @cached_property
    def config(self) -> JobConfig:
        """Configuration; `StellarError` if it cannot be read."""
        return JobConfig.read(self.folder / "job.json")

    @property
    def name(self) -> str:
        """Name shown to the user; the id if the configuration is damaged."""
        try:
            return self.config.name
        except StellarError:
            return self.id

    @property
    def model(self) -> Path:
        """Folder of the checkpoints and the finished model."""
        return self.folder / "model"

    @property
    def card(self) -> dict[str, object] | None:
        """Card of the finished model; None before that, or if it is damaged."""
        return self._read("model/card.json", {}) or None

    @property
    def checkpoint(self) -> bool:
        """Whether there is a checkpoint to continue from."""
        return any(self.model.glob("checkpoint*.pt"))

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @property
    def alive(self) -> bool:
        """Whether a worker holds the lock, which the system frees when the process ends."""
        return is_locked(self.lock)

    @property
    def lock(self) -> Path:
        """File locked by the worker as long as it lives."""
        return self.folder / "worker.lock"

    @property
    def cancel_file(self) -> Path:
        """File whose presence requests the worker to stop."""
        return self.folder / "cancel"

    def status(self) -> Status:
        """Return the current status, corrected if the worker has died since it was written."""
        written = read_status(self.folder / "status.json")
        if written is not None and not written.active:
            return written
        if self.alive:
            return written or Status("running", phase="status file damaged; it will be rewritten")
        again = read_status(self.folder / "status.json")  # the worker may have ended in between
        if again is None:
            return Status("failed", "The status file is missing or damaged. Resume continues from the last checkpoint.")
        if not again.active:
            return again
        if self.cancel_file.exists():
            return again.enter("cancelled", "Cancelled.")
        if again.state == "running":
            return again.enter("failed", f"The worker was killed, or the machine was switched off{self._disk_note()}.")
        if again.age > START_SECONDS:
            return again.enter("failed", f"The worker did not start within {START_SECONDS:.0f} s{self._disk_note()}.")
        return again

    def _disk_note(self) -> str:
        free = shutil.disk_usage(self.folder).free
        return "" if free > 20e6 else f"; the disk has {free / 1e6:.0f} MB left"

    def write(self, status: Status) -> None:
        """Write the status."""
        write_status(self.folder / "status.json", status)

    def write_last(self, status: Status) -> None:
        """Write the final status even on a full disk, after removing drafts and the reserve."""
        for path in (*self.folder.rglob("*.tmp"), self.folder / "reserve"):
            path.unlink(missing_ok=True)
        self.write(status)

    def reserve_space(self) -> None:
        """Reserve space for `write_last`."""
        with (self.folder / "reserve").open("wb") as file:
            file.write(os.urandom(RESERVE))

    def save_config(self, config: JobConfig) -> None:
        """Write the configuration."""
        write_text(self.folder / "job.json", json.dumps(config.to_dict(), indent=1) + "\n")

    def log(self, lines: int = 40) -> list[str]:
        """Return the last lines of the log."""
        return last_lines(self.folder / "log.txt", lines)

    def history(self) -> list[dict[str, object]]:
        """Return the losses of each finished epoch, as `stellar_core.training.loop.Trained.history`."""
        return self._records("model/history.json")

    def epochs(self) -> list[dict[str, object]]:
        """Return the accuracy on the monitoring stars after each finished epoch."""
        return self._records("epochs.json")

    def sample(self) -> dict[str, list]:
        """Return the last predictions of those stars and the truth; empty before the end of the first epoch."""
        return self._read("sample.json", {})

    def curve(self) -> list[dict[str, object]]:
        """Return the losses within the epochs: ``step``, ``epoch`` (a fraction), ``losses``; ascending steps."""
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
                continue  # truncated when the worker was killed
            while points and points[-1]["step"] >= step:  # repeated after an interruption
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
