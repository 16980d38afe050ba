"""The job queue: one job at a time, in the order of submission; any process may manage it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stellar_core import background
from stellar_core.errors import ParameterError, StorageError
from stellar_core.files import locked, write_text
from stellar_core.jobs.folder import Job
from stellar_core.jobs.spec import JobConfig
from stellar_core.jobs.status import Status, read_status
from stellar_core.paths import runs_folder

#: Threads of a worker: one fewer than the machine has, at least one.
THREADS = max(1, (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) - 1)
#: Seconds to wait for another process that is changing the queue.
PATIENCE = 20.0
_ID = re.compile(r"[0-9]{4,18}-[a-z0-9-]+")
_NUMBER = re.compile(r"[0-9]{1,18}")

Launch = Callable[[Job, str], object]


def launch(job: Job, token: str) -> subprocess.Popen:
    """Start a worker that outlives this process, with the job's log as output."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {"STELLAR_RUNS_DIR": str(job.folder.parent), "PYTHONUNBUFFERED": "1"}
    environment |= dict.fromkeys(threads, str(job.config.threads))
    return background.launch(["jobs", "work", job.id, token], job.folder / "log.txt", environment)


class Queue:
    """All jobs of a folder.

    Parameters
    ----------
    folder : Path, optional
        ``runs/`` of the project, or STELLAR_RUNS_DIR.
    launch : callable, optional
        Starts the worker of a job.
    """

    def __init__(self, folder: Path | None = None, launch: Launch = launch) -> None:
        self.folder = runs_folder() if folder is None else Path(folder)
        self.launch = launch

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock for changes of the queue.

        Raises
        ------
        RunError
            If another process holds it for longer than `PATIENCE`.
        StorageError
            If the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The folder of the jobs cannot be made: {error}.", value=str(self.folder)) from None
        with locked(self.folder / "queue.lock", "Another process is changing the queue.", PATIENCE):
            yield

    def jobs(self) -> list[Job]:
        """Return all jobs, the newest first."""
        found = (path for path in self.folder.glob("*-*") if _ID.fullmatch(path.name) and (path / "job.json").exists())
        return sorted((Job(path) for path in found), key=lambda job: job.number, reverse=True)

    def find(self, job_id: str) -> Job:
        """Return the job with this id or number, as given by a user.

        Raises
        ------
        ParameterError
            If there is none.
        """
        text = str(job_id).strip()
        for job in self.jobs():
            if text == job.id or (_NUMBER.fullmatch(text) and int(text) == job.number):
                return job
        raise ParameterError(
            f"There is no job {text[:60]!r}.", value=job_id, remedy="List all jobs: python -m stellar_core jobs list"
        )

    def submit(self, config: JobConfig, table: bytes | None = None) -> Job:
        """Add a job to the queue.

        Parameters
        ----------
        config : JobConfig
        table : bytes, optional
            The labelled table as CSV, for jobs whose stars come from one.

        Raises
        ------
        StorageError
            If the disk is full.
        """
        if (config.source.kind == "table") != (table is not None):
            raise ParameterError("A table is needed if, and only if, the stars come from a table.")
        slug = re.sub(r"[^a-z0-9]+", "-", config.name.lower()).strip("-")[:40] or "job"
        with self.lock():
            draft = self.folder / f".draft-{secrets.token_hex(4)}"
            try:
                draft.mkdir()
                job = Job(draft)
                job.save_config(config)
                if table is not None:
                    (draft / "table.csv").write_bytes(table)
                job.reserve_space()
                job.write(Status("queued"))
                number = self._next_number()
                os.replace(draft, self.folder / f"{number:04d}-{slug}")
            except OSError as error:
                shutil.rmtree(draft, ignore_errors=True)
                raise StorageError(f"The job cannot be written: {error}.", value=config.name) from None
        return Job(self.folder / f"{number:04d}-{slug}")

    def start_next(self) -> Job | None:
        """Record workers that have died and, if none is active, start the first waiting job.

        Returns
        -------
        Job or None
            The job started.
        """
        with self.lock():
            waiting, busy = [], False
            for job in self.jobs():
                status = self._current_status(job)
                busy |= status.active
                if status.state == "queued":
                    waiting.append((job, status))
            if busy or not waiting:
                return None
            for job, status in reversed(waiting):
                if self._start(job, status):
                    return job
        return None

    def cancel(self, job: Job) -> Status:
        """Cancel a job: at once if it has no worker yet, otherwise after the current batch at the latest.

        Raises
        ------
        ParameterError
            If it is not running or waiting.
        """
        with self.lock():
            status = self._current_status(job)
            if status.state not in ("queued", "starting", "running"):
                raise ParameterError(f"Job {job.id} is not running: it is {status.state}.", value=job.id)
            job.cancel_file.touch()
            if not job.alive:
                status = status.enter("cancelled", "Cancelled.", token="")
                job.write_last(status)
            return status

    def resume(self, job: Job) -> Status:
        """Put a cancelled or failed job back into the queue; it continues from its last checkpoint.

        Raises
        ------
        ParameterError
            If it is neither, or its configuration is damaged.
        """
        with self.lock():
            status = self._current_status(job)
            if status.state not in ("cancelled", "failed"):
                raise ParameterError(
                    f"Only a cancelled or failed job can be resumed; {job.id} is {status.state}.", value=job.id
                )
            job.config  # noqa: B018  (raises if it is damaged)
            job.cancel_file.unlink(missing_ok=True)
            try:
                job.reserve_space()
                status = status.enter("queued", token="")
                job.write(status)
            except OSError as error:
                raise StorageError(f"Job {job.id} cannot be resumed: {error}.", value=job.id) from None
            return status

    def retry(self, job: Job) -> Job:
        """Add a new job with the configuration of ``job``, starting from scratch."""
        config = job.config
        table = job.folder / "table.csv"
        name = config.name if config.name.endswith(" again") else f"{config.name[:54]} again"
        return self.submit(config.called(name), table.read_bytes() if table.exists() else None)

    def delete(self, job: Job) -> None:
        """Delete a job that is not running; models adopted from it are kept.

        Raises
        ------
        ParameterError
            If it is running.
        """
        with self.lock():
            if self._current_status(job).active:
                raise ParameterError(f"Job {job.id} is running.", value=job.id, remedy="Cancel it first.")
            removed = self.folder / f".deleted-{job.id}-{secrets.token_hex(4)}"
            os.replace(job.folder, removed)
        shutil.rmtree(removed, ignore_errors=True)

    def change(self, job: Job, **changes: str) -> Job:
        """Change ``name`` or ``note`` of a job; ParameterError if too long."""
        with self.lock():
            fresh = Job(job.folder)
            fresh.save_config(replace(fresh.config, **{key: value.strip() for key, value in changes.items()}))
        return Job(job.folder)

    def _current_status(self, job: Job) -> Status:
        """Return the job's status, and write it if a dead worker left another."""
        status = job.status()
        written = read_status(job.folder / "status.json")
        if not status.active and (written is None or written.state != status.state):
            try:
                job.write_last(status)
            except OSError:
                pass  # on a full disk the status is corrected at every look
        return status

    def _start(self, job: Job, status: Status) -> bool:
        """Launch the worker of a waiting job; false if it cannot be started, which marks the job failed."""
        token = secrets.token_hex(8)
        starting = status.enter(
            "starting", phase="starting", attempts=status.attempts + 1, token=token, seconds_left=None
        )
        try:
            job.write(starting)
            self.launch(job, token)
        except (OSError, ParameterError) as error:
            try:
                job.write_last(status.enter("failed", f"The worker could not be started: {error}"))
            except OSError:
                pass
            return False
        return True

    def _next_number(self) -> int:
        """A number that no job has had, deleted ones included."""
        counter = self.folder / "last-number"
        try:
            last = int(counter.read_text())
        except (OSError, ValueError):
            last = 0
        number = max([last, *(job.number for job in self.jobs())]) + 1
        write_text(counter, f"{number}\n")
        return number
