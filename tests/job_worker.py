"""The real worker of a job on invented stars; run as ``python -m tests.job_worker JOB TOKEN``. It takes seconds.

Only the making of stars and the end of a run (calibration and test) are replaced; lock, status, checkpoints,
signals and training are the program's own. Faults are set by environment variables: PACE, minimum seconds of a step;
DELAY, seconds before the start; FINISHING, seconds of the calibration; FILE_LIMIT, "STEP,BYTES", largest file from
that step on; CLOCK, hours by which the wall clock jumps at every look; BLIND, no check of the disk.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

from tests.forks import ROOT, Fork

#: Libraries that take most of the time of a worker's start.
LIBRARIES = ("torch._dynamo", "sklearn", "pandas", "astropy.table", "stellar_core.training.loop")
#: Niceness of these workers.
NICE = os.environ.get("STELLAR_JOB_NICE", "1")


class Launcher:
    """Starts `main` for a job with the faults ``environment``; keeps the processes.

    Attributes
    ----------
    processes : list of Fork
    """

    def __init__(self, **environment: object) -> None:
        self.environment = {name: str(value) for name, value in environment.items()}
        self.processes: list[Fork | subprocess.Popen] = []

    def __call__(self, job, token: str) -> Fork | subprocess.Popen:
        runs = {"STELLAR_RUNS_DIR": str(job.folder.parent), "STELLAR_JOB_NICE": NICE, "OMP_NUM_THREADS": "1"}
        self.processes.append(self._start(job, token, {**os.environ, **runs, **self.environment}))
        return self.processes[-1]

    def _start(self, job, token: str, environment: dict[str, str]) -> Fork | subprocess.Popen:
        return Fork(forked, job.id, token, str(job.folder / "log.txt"), changes=environment)

    def end(self) -> None:
        """Kill what is left."""
        for process in self.processes:
            process.kill()
            process.wait()


class ProgramLauncher(Launcher):
    """Starts each worker as a program of its own, as the queue does by default."""

    def _start(self, job, token: str, environment: dict[str, str]) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.job_worker", job.id, token]
        with (job.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment, start_new_session=True)


def forked(job_id: str, token: str, log: str) -> None:
    """Run `main` with the job's log as output."""
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    raise SystemExit(main(job_id, token))


def main(job_id: str, token: str) -> int:
    """As `stellar_core.jobs.worker.work`, with what the environment asks for."""
    time.sleep(float(os.environ.get("DELAY", 0)))
    from stellar_core.jobs import worker
    from stellar_core.jobs.queue import Queue

    carry_out = worker._Worker._carry_out

    def prepared(self):
        replace_the_slow()
        return carry_out(self)

    worker._Worker._carry_out = prepared
    worker.SAVE_SECONDS = 0.2
    worker.DISK_SECONDS = 1e9 if os.environ.get("BLIND") else 0.3
    return worker.work(Queue(launch=ProgramLauncher()), job_id, token)


def replace_the_slow() -> None:
    """Install invented stars, a short end and the faults; loads torch, so only once the job's lock is held."""
    from stellar_core.jobs import monitor
    from stellar_core.models.checkpoints import save_network
    from stellar_core.pipeline import train_model as pipeline
    from stellar_core.training.learner import Learner
    from tests.small_run import stars

    hours = float(os.environ.get("CLOCK", 0))
    if hours:
        real, looks = time.time, iter(range(10**9))
        time.time = lambda: real() + 3600.0 * hours * (-1) ** next(looks)
    pace, limit = float(os.environ.get("PACE", 0)), os.environ.get("FILE_LIMIT")
    step = Learner.step

    def slow(self, number, batch):
        since = time.monotonic()
        if limit and number == int(limit.partition(",")[0]):
            most = int(limit.partition(",")[2])
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        losses = step(self, number, batch)
        time.sleep(max(0.0, pace - (time.monotonic() - since)))
        return losses

    def make(n, data, split, progress=None):
        (progress or (lambda what, done, total: None))("making MOCK training stars", n, n)
        return stars(200, data.seed)

    def finish(config, network, used, folder, say, stop, progress, sets=None):
        progress("calibrating", 0, 0)
        time.sleep(float(os.environ.get("FINISHING", 0)))
        card = {
            "name": config.name,
            "what": "A test, trained on MOCK numbers",
            "training_stars": used,
            "config": config.to_dict(),
        }
        return save_network(folder, network, {}, card)

    Learner.step = slow
    pipeline.make_stars, pipeline.finish = make, finish
    monitor.monitoring_stars = lambda data, sets=None: stars(60, 99)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
