"""The worker: one process that carries out one job, at low priority, and says all the time how far it is."""

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
from dataclasses import replace

from stellar_core.errors import StellarError
from stellar_core.files import write_text
from stellar_core.jobs.folder import Job
from stellar_core.jobs.measurement import peak_bytes
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.status import Status, read_status
from stellar_core.priority import lower_priority

#: Niceness of a worker unless STELLAR_JOB_NICE says otherwise: anything else goes first.
NICE = 10
#: Seconds between looks for a wish to cancel, between looks at the disk, and between checkpoints.
CANCEL_SECONDS, DISK_SECONDS, SAVE_SECONDS = 0.2, 2.0, 60.0
#: Points of the curve that are kept, at most.
CURVE_POINTS = 400
#: Seconds to wait for the job's lock: longer than anybody looks at it.
LOCK_SECONDS = 5.0
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Ended(BaseException):
    """Asked to end where nothing has to be saved; no error, so nothing may swallow it."""


class _Log:
    """Standard error, which is the job's log; a disk that takes no more lines is no reason to end."""

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
        The job and the attempt; where another attempt has been made since, nothing is done.

    Returns
    -------
    int
        Exit status: 0 done, 1 failed or cancelled, 3 not wanted any more.
    """
    from filelock import FileLock, Timeout

    lower_priority(nice=int(os.environ.get("STELLAR_JOB_NICE", NICE)))
    job = queue.find(job_id)
    lock = FileLock(job.lock)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        return 3
    try:
        with queue.lock():
            status = read_status(job.folder / "status.json")
            if status is None or status.state != "starting" or status.token != token:
                return 3
            status = status.enter("running", phase="loading")
            job.write(status)
        ended = _Worker(job, status).through()
    finally:
        lock.release()
    queue.start_next()
    return 0 if ended.state == "done" else 1


class _Worker:
    """One attempt at a job."""

    def __init__(self, job: Job, status: Status) -> None:
        self.job, self.status = job, status
        self.began, self.before = time.monotonic(), status.seconds
        self.cancelled, self.problem = False, ""
        self.polite = False  # while training a wish to end waits for the batch and a checkpoint
        self.over = False
        self.room = 0.0  # bytes that a checkpoint needs
        self.curve_step = -1

    def through(self) -> Status:
        """Work until done, failed or cancelled, and leave that written."""
        signal.signal(signal.SIGTERM, self._told_to_end)
        signal.signal(signal.SIGUSR1, self._interrupt)
        threading.Thread(target=self._look_around, daemon=True).start()
        try:
            ended = self._carry_out()
        except _Ended:
            ended = self._asked_to_end()
        except StellarError as error:
            ended = self.status.enter("failed", str(error))
        except OSError as error:
            ended = self.status.enter("failed", self._about(error))
        except MemoryError:
            ended = self.status.enter("failed", "There is not enough memory for so many stars or so large a network.")
        except Exception as error:  # whatever it is, the folder shall say so
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
        from stellar_core.jobs.model_registry import describe
        from stellar_core.jobs.resources import check_disk, check_memory, checkpoint_bytes, disk_needed, memory_needed

        config = self.job.config
        training = config.training
        import torch

        from stellar_core.models.zoo import build

        torch.set_num_threads(config.threads)
        network = build(training.model, torch.Generator().manual_seed(0))
        parameters = sum(weights.numel() for weights in network.parameters())
        taken = self.job.bytes
        check_disk(self.job.folder, max(0.0, disk_needed(parameters) - taken))
        check_memory(memory_needed(training, parameters))
        self.room = checkpoint_bytes(parameters) + 1e6

        from stellar_core.jobs.monitor import Watched, watched_stars
        from stellar_core.jobs.stars import training_stars
        from stellar_core.pipeline.train_model import run
        from stellar_core.training.console import Console

        self.console = Console(_Log())
        learn_from = training_stars(config.source, training.data, self.job.folder, self._count, self.console.say)
        self._count("MOCK stars to watch", 0, 1)
        self.watched = Watched(watched_stars(training.data))
        card = run(
            training,
            self.job.model,
            self._say,
            self._progress,
            self._stop,
            self._count,
            learn_from=learn_from,
            watch=self._watch,
            save_seconds=SAVE_SECONDS,
        )
        if card is None:
            return self._asked_to_end()
        self.polite = True  # what is finished is not given up
        describe(self.job)
        return self.status.enter("done", phase="", seconds_left=0.0, done=0, total=0)

    def _asked_to_end(self) -> Status:
        if self.problem:
            return self.status.enter("failed", self.problem)
        return self.status.enter("cancelled", "Cancelled.")

    def _stop(self) -> bool:
        return self.cancelled or bool(self.problem)

    def _say(self, text: str) -> None:
        self.console.say(text)
        if text.startswith(("Calibrating", "Testing")):
            self.polite = False
            self._tell(phase=text.rstrip(".").lower(), done=0, total=0, seconds_left=0.0)

    def _count(self, what: str, done: int, total: int) -> None:
        self.polite = False
        self._tell(phase=f"making {what}" if "stars" in what else f"reading {what}", done=done, total=total)

    def _progress(self, state: dict[str, object]) -> None:
        self.console.progress(state)
        self.polite = True
        step, total, epochs = state["step"], state["total"], state["epochs"]
        every = max(1, total // CURVE_POINTS)
        if step // every != self.curve_step:
            self.curve_step = step // every
            losses = {name: float(f"{value:.5g}") for name, value in state["losses"].items()}
            point = {"step": step, "epoch": round(epochs * step / total, 4), "losses": losses}
            with (self.job.folder / "curve.jsonl").open("a") as file:
                file.write(json.dumps(point) + "\n")
        told = ("epoch", "epochs", "losses", "seconds_left")
        self._tell(phase="training", done=step, total=total, **{name: state[name] for name in told})

    def _watch(self, epoch: int, network) -> None:
        figures, sample = self.watched(network)
        known = [record for record in self.job.epochs() if record["epoch"] < epoch]
        write_text(self.job.folder / "epochs.json", json.dumps([*known, {"epoch": epoch, **figures}]) + "\n")
        write_text(self.job.folder / "sample.json", json.dumps({"epoch": epoch, **sample}) + "\n")
        age, teff = figures["log_age"], figures["teff"]
        self.console.say(
            f"After epoch {epoch}, on {figures['n']} MOCK stars: Teff RMSE {teff['rmse']:.0f} K (always the mean "
            f"{teff['rmse_constant']:.0f}), log age RMSE {age['rmse']:.3f} (always the mean {age['rmse_constant']:.3f}), "
            f"stage macro F1 {figures['stage']['macro_f1']:.2f}"
        )

    def _tell(self, **changes: object) -> None:
        self.status = self._timed(replace(self.status, **changes))
        self.job.write(self.status)

    def _timed(self, status: Status) -> Status:
        peak = max(status.peak_mb, round(peak_bytes() / 1e6, 1))
        return replace(status, seconds=round(self.before + time.monotonic() - self.began, 2), peak_mb=peak)

    def _look_around(self) -> None:
        """Look for a wish to cancel and at the room on the disk, as long as there is work."""
        looked = 0.0
        while not self.over:
            if not self.cancelled and self.job.cancel_file.exists():
                self.cancelled = True
            if time.monotonic() - looked > DISK_SECONDS and not self.problem:
                looked = time.monotonic()
                free = shutil.disk_usage(self.job.folder).free
                if free < self.room:
                    self.problem = (
                        f"The disk is nearly full: {free / 1e6:.1f} MB left, and a checkpoint takes {self.room / 1e6:.1f} MB. "
                        "Make room, then resume."
                    )
            if self._stop() and not self.polite:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            time.sleep(CANCEL_SECONDS)

    def _told_to_end(self, number: int, frame: object) -> None:
        self.problem = (
            self.problem or "The worker was told to end by the system. Resume goes on from the last checkpoint."
        )
        self._interrupt(number, frame)

    def _interrupt(self, number: int, frame: object) -> None:
        if not self.polite and not self.over:
            self.over = True
            raise _Ended

    @staticmethod
    def _about(error: OSError) -> str:
        if error.errno in _DISK_FULL:
            return "The disk is full. Make room, then resume: the last good checkpoint is kept."
        return f"{type(error).__name__}: {error}"
