"""The worker: one process that carries out one job at low priority and keeps its status file up to date."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from dataclasses import replace

from stellar_core.errors import RunError, StellarError
from stellar_core.files import locked, write_text
from stellar_core.jobs.folder import Job
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.resources import check_disk, check_memory, checkpoint_bytes, disk_needed, memory_needed
from stellar_core.jobs.status import Status, read_status
from stellar_core.memory import peak_memory
from stellar_core.priority import lower_priority

#: Niceness of a worker unless STELLAR_JOB_NICE is set.
NICE = 10
#: Seconds between checks for a request to cancel, between checks of the disk, and between checkpoints.
CANCEL_SECONDS, DISK_SECONDS, SAVE_SECONDS = 0.2, 2.0, 60.0
#: Largest number of points of the loss curve.
CURVE_POINTS = 400
#: Seconds to wait for the job's lock; other processes hold it only for a moment.
LOCK_SECONDS = 5.0
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Interrupted(BaseException):
    """Raised by a signal where nothing has to be saved; no Exception, so that no handler swallows it."""


class _Log:
    """Standard error, which is the job's log; a full disk does not end the job."""

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
        except OSError:
            pass

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except OSError:
            pass

    def isatty(self) -> bool:
        return False


def work(queue: Queue, job_id: str, token: str) -> int:
    """Carry out the job, then start the next one.

    Parameters
    ----------
    queue : Queue
    job_id, token : str
        Job and attempt; a worker of an attempt that has been superseded does nothing.

    Returns
    -------
    int
        Exit status: 0 done, 1 failed or cancelled, 3 superseded.
    """
    lower_priority(nice=int(os.environ.get("STELLAR_JOB_NICE", NICE)))
    job = queue.find(job_id)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(job.lock, timeout=LOCK_SECONDS))
        except RunError:
            return 3
        with queue.lock():
            status = read_status(job.folder / "status.json")
            if status is None or status.state != "starting" or status.token != token:
                return 3
            status = status.enter("running", phase="loading")
            job.write(status)
        ended = _Worker(job, status).run()
    queue.start_next()
    return 0 if ended.state == "done" else 1


class _Worker:
    """One attempt at a job."""

    def __init__(self, job: Job, status: Status) -> None:
        self.job, self.status = job, status
        self.began, self.before = time.monotonic(), status.seconds
        self.cancelled, self.problem = False, ""
        # False while training, where a request to end waits for the batch and a checkpoint.
        self.interruptible = True
        self.over = False
        self.checkpoint_bytes = 0.0
        self.curve_step = -1

    def run(self) -> Status:
        """Work until done, failed or cancelled, and write the final status."""
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGUSR1, self._interrupt)
        threading.Thread(target=self._watch_requests, daemon=True).start()
        try:
            ended = self._carry_out()
        except _Interrupted:
            ended = self._stopped()
        except StellarError as error:
            ended = self.status.enter("failed", str(error))
        except OSError as error:
            ended = self.status.enter("failed", self._describe(error))
        except MemoryError:
            ended = self.status.enter("failed", "There is not enough memory for this many stars or this network.")
        except Exception as error:  # every other error is recorded in the folder too
            _Log().write(traceback.format_exc())
            ended = self.status.enter("failed", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        self.over = True
        ended = self._timed(ended)
        _Log().write(f"{ended.state}. {ended.reason}\n")
        try:
            self.job.write_last(ended)
        except OSError as error:
            _Log().write(f"The status cannot be written: {error}\n")
        return ended

    def _carry_out(self) -> Status:
        import torch

        from stellar_core.jobs.model_registry import describe
        from stellar_core.jobs.monitor import Monitor, monitoring_stars
        from stellar_core.jobs.resources import parameter_count
        from stellar_core.jobs.stars import stored_stars, training_stars
        from stellar_core.pipeline.train_model import train_model
        from stellar_core.training.console import Console

        config = self.job.config
        training = config.training
        torch.set_num_threads(config.threads)
        parameters = parameter_count(training.model)
        on_disk = training.data.stars if config.source.store else 0
        check_disk(self.job.folder, max(0.0, disk_needed(parameters, on_disk) - self.job.bytes))
        check_memory(memory_needed(training, parameters, on_disk=bool(on_disk)))
        self.checkpoint_bytes = checkpoint_bytes(parameters) + 1e6
        self.console = Console(_Log())
        given = config.source, training.data, self.job.folder, self._progress, self.console.say
        sets = stored_stars(*given)
        stars = training_stars(*given) if sets is None else None
        self._progress("choosing stars to monitor the training", 0, 1)
        self.monitor = Monitor(monitoring_stars(training.data, sets))
        self.monitored = "MOCK" if sets is None else "held-out"
        card = train_model(
            training,
            self.job.model,
            say=self.console.say,
            report=self._report,
            progress=self._progress,
            stop=self._stop_requested,
            stars=stars,
            sets=sets,
            after_epoch=self._after_epoch,
            save_seconds=SAVE_SECONDS,
        )
        if card is None:
            return self._stopped()
        self.interruptible = False  # a finished model is kept
        if sets is not None:
            sets.clear()
        describe(self.job)
        return self.status.enter("done", phase="", seconds_left=0.0, done=0, total=0)

    def _stopped(self) -> Status:
        if self.problem:
            return self.status.enter("failed", self.problem)
        return self.status.enter("cancelled", "Cancelled.")

    def _stop_requested(self) -> bool:
        return self.cancelled or bool(self.problem)

    def _progress(self, what: str, done: int, total: int) -> None:
        self.interruptible = True
        self._update(phase=what, done=done, total=total, seconds_left=None)

    def _report(self, state: dict[str, object]) -> None:
        self.console.report(state)
        self.interruptible = False
        step, total, epochs = state["step"], state["total"], state["epochs"]
        every = max(1, total // CURVE_POINTS)
        if step // every != self.curve_step:
            self.curve_step = step // every
            losses = {name: float(f"{value:.5g}") for name, value in state["losses"].items()}
            point = {"step": step, "epoch": round(epochs * step / total, 4), "losses": losses}
            with (self.job.folder / "curve.jsonl").open("a") as file:
                file.write(json.dumps(point) + "\n")
        shown = ("epoch", "epochs", "losses", "seconds_left")
        self._update(phase="training", done=step, total=total, **{name: state[name] for name in shown})

    def _after_epoch(self, epoch: int, network) -> None:
        figures, sample = self.monitor.measure(network)
        earlier = [record for record in self.job.epochs() if record["epoch"] < epoch]
        write_text(self.job.folder / "epochs.json", json.dumps([*earlier, {"epoch": epoch, **figures}]) + "\n")
        write_text(self.job.folder / "sample.json", json.dumps({"epoch": epoch, **sample}) + "\n")
        age, teff = figures["log_age"], figures["teff"]
        self.console.say(
            f"After epoch {epoch}, on {figures['n']} {self.monitored} stars: "
            f"Teff RMSE {teff['rmse']:.0f} K (baseline: mean, {teff['rmse_constant']:.0f}), "
            f"log age RMSE {age['rmse']:.3f} (baseline: mean, {age['rmse_constant']:.3f}), "
            f"stage macro F1 {figures['stage']['macro_f1']:.2f}"
        )

    def _update(self, **changes: object) -> None:
        self.status = self._timed(replace(self.status, **changes))
        self.job.write(self.status)

    def _timed(self, status: Status) -> Status:
        peak = max(status.peak_mb, round(peak_memory() / 1e6, 1))
        return replace(status, seconds=round(self.before + time.monotonic() - self.began, 2), peak_mb=peak)

    def _watch_requests(self) -> None:
        """Check for a request to cancel and for space on the disk until the work is over."""
        checked = 0.0
        while not self.over:
            if not self.cancelled and self.job.cancel_file.exists():
                self.cancelled = True
            if time.monotonic() - checked > DISK_SECONDS and not self.problem:
                checked = time.monotonic()
                free = shutil.disk_usage(self.job.folder).free
                if free < self.checkpoint_bytes:
                    self.problem = (
                        f"The disk is nearly full: {free / 1e6:.1f} MB left, and a checkpoint takes "
                        f"{self.checkpoint_bytes / 1e6:.1f} MB. Make room, then resume."
                    )
            if self._stop_requested() and self.interruptible:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            time.sleep(CANCEL_SECONDS)

    def _terminate(self, number: int, frame: object) -> None:
        self.problem = self.problem or "The system ended the worker. Resume continues from the last checkpoint."
        self._interrupt(number, frame)

    def _interrupt(self, number: int, frame: object) -> None:
        if self.interruptible and not self.over:
            self.over = True
            raise _Interrupted

    @staticmethod
    def _describe(error: OSError) -> str:
        if error.errno in _DISK_FULL:
            return "The disk is full. Make room, then resume: the last good checkpoint is kept."
        return f"{type(error).__name__}: {error}"
