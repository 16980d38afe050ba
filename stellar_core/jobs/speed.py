"""How fast this machine works for a network, measured once and kept; and how long a job will take by it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from stellar_core.files import write_text
from stellar_core.jobs.queue import ROOT, THREADS
from stellar_core.jobs.resources import disk_needed, memory_needed
from stellar_core.jobs.spec import JobConfig
from stellar_core.jobs.status import START_SECONDS
from stellar_core.training.config import TrainingConfig

#: Seconds a measurement is taken for current where a run is sized by it.
CURRENT = 1200.0
#: Part of the test stars whose exact posterior is computed, of how many at most; stars that are watched.
POSTERIOR_PART, POSTERIOR_STARS, WATCHED_STARS = 0.2, 400, 200
#: Stars of the MOCK survey in a test at most: as they are; and damaged, no more than this part of the test stars, in how many ways.
SURVEY_STARS, DAMAGED_STARS, DAMAGED_PART, WAYS = 400, 150, 0.25, 13


@dataclass(frozen=True)
class Speed:
    """What was measured, at a worker's priority and with its threads.

    Attributes
    ----------
    load : float
        Seconds until the programs and tables are loaded.
    star : float
        Seconds to make one MOCK star.
    learn : float
        Seconds to learn from one star.
    answer : float
        Seconds to answer for one star without dropout.
    calibrate : float
        Seconds to calibrate on one star, all views together.
    passes : float
        Seconds to test on one star in one view, the gate's part included.
    views : float
        Views that a star is tested in, on average.
    posterior : float
        Seconds for one exact posterior.
    parameters : int
        Of the network.
    network_bytes : float
        Memory that learning took beyond the program's.
    when : float
        Time of the measurement, s since 1970.
    """

    load: float
    star: float
    learn: float
    answer: float
    calibrate: float
    passes: float
    views: float
    posterior: float
    parameters: int
    network_bytes: float
    when: float

    @property
    def current(self) -> bool:
        """Whether it is young enough to size a run by; one from the future is not."""
        return 0 <= time.time() - self.when < CURRENT


@dataclass(frozen=True)
class Estimate:
    """What a job will take.

    Attributes
    ----------
    making, training, finishing : float
        Seconds to make stars, to train, and to calibrate and test.
    memory, disk : float
        Bytes.
    """

    making: float
    training: float
    finishing: float
    memory: float
    disk: float

    @property
    def seconds(self) -> float:
        """All together."""
        return self.making + self.training + self.finishing


def estimate(config: JobConfig, speed: Speed) -> Estimate:
    """What a job will take; an upper bound where balancing or early stopping leave stars or epochs out."""
    training, data = config.training, config.training.data
    validation = training.validation * data.stars
    survey = min(SURVEY_STARS, data.test) + WAYS * min(DAMAGED_STARS, DAMAGED_PART * data.test)
    learned = (data.stars - validation) * speed.learn + (validation + WATCHED_STARS) * speed.answer
    return Estimate(
        making=speed.load + speed.star * (data.stars + WATCHED_STARS),
        training=training.epochs * learned,
        finishing=data.calibration * (speed.calibrate + speed.star)
        + data.test * (speed.views * speed.passes + speed.star)
        + survey * (speed.passes + speed.star)
        + min(POSTERIOR_STARS, POSTERIOR_PART * data.test) * speed.posterior,
        memory=memory_needed(training, speed.parameters, speed.network_bytes),
        disk=float(disk_needed(speed.parameters)),
    )


def key(training: TrainingConfig, threads: int = THREADS) -> str:
    """What a speed depends on: the network, the size of a step, the threads."""
    what = {
        "model": training.model.to_dict(),
        "batch": training.batch,
        "precision": training.precision,
        "threads": threads,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


class Speeds:
    """The speeds measured on this machine, kept under ``runs/speeds``.

    Parameters
    ----------
    runs : Path
        Folder of the jobs.
    """

    def __init__(self, runs: Path) -> None:
        self.folder = Path(runs) / "speeds"

    def known(self, training: TrainingConfig) -> Speed | None:
        """What was measured for a network like this; None if nothing was."""
        try:
            return Speed(**json.loads((self.folder / f"{key(training)}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, training: TrainingConfig, speed: Speed) -> None:
        """Write a measurement down."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / f"{key(training)}.json", json.dumps(asdict(speed)) + "\n")

    def ask(self, training: TrainingConfig) -> None:
        """Have it measured by a process of its own, unless one is at it or was started a moment ago."""
        self.folder.mkdir(parents=True, exist_ok=True)
        asked = self._asked(training)
        if self.busy or _young(asked):
            return
        write_text(asked, "")
        request = self.folder / "wanted.json"
        write_text(request, json.dumps(training.to_dict()))
        with (self.folder / "log.txt").open("wb") as log:
            command = [
                sys.executable,
                "-m",
                "stellar_core",
                "jobs",
                "measure",
                str(request),
                "--runs",
                str(self.folder.parent),
            ]
            subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def busy(self) -> bool:
        """Whether a measurement is under way."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "measuring.lock", timeout=0):
                return False
        except Timeout:
            return True

    def trouble(self, training: TrainingConfig) -> str:
        """Why a measurement that was asked for gave nothing; empty as long as it may yet."""
        asked = self._asked(training)
        if not asked.exists():
            return ""
        return asked.read_text().strip() or ("" if self.busy or _young(asked) else "Its process ended without a word.")

    def forget(self, training: TrainingConfig) -> None:
        """Let it be measured once more."""
        self._asked(training).unlink(missing_ok=True)

    def measured(self, training: TrainingConfig) -> Speed:
        """Measure now, in this process, and keep it, or why it failed."""
        from filelock import FileLock

        from stellar_core.jobs.measurement import measure

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "measuring.lock"):
            try:
                speed = measure(training, THREADS)
            except Exception as error:
                write_text(self._asked(training), f"{type(error).__name__}: {' '.join(str(error).split())[:300]}\n")
                raise
            self.keep(training, speed)
            self.forget(training)
        return speed

    def _asked(self, training: TrainingConfig) -> Path:
        """File that is there from the asking to the answer; in it why there is none."""
        return self.folder / f"{key(training)}.asked"


def _young(path: Path) -> bool:
    """Whether a file was written within the time that a process may take to begin."""
    try:
        return 0 <= time.time() - path.stat().st_mtime < START_SECONDS
    except OSError:
        return False
