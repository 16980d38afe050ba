"""Jobs in real processes: killed, cancelled, restarted, on a full disk, with damaged files, under a jumping clock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stellar_core.jobs.folder import Job
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.spec import JobConfig
from stellar_core.jobs.status import Status
from stellar_core.training.checkpoint import NEWEST, PREVIOUS
from tests.forks import preload
from tests.job_worker import LIBRARIES, NICE, ROOT, Launcher
from tests.small_run import config

#: Seconds to wait for anything, on a machine that others use too.
PATIENCE = 240.0
#: The run: 4 epochs of 10 steps.
STEPS = 40


def job_config(name: str = "small", **changes: object) -> JobConfig:
    model = {"name": "MLP-Only", "photometry_depth": 1, "photometry_width": 32}
    data = {"stars": 160, "calibration": 100, "test": 100, "seed": 0}
    return JobConfig(name, config(validation=0.2, data=data, model=model, **changes))


def wait(job: Job, *states: str, step: int = 0) -> Status:
    """Wait until the job is in one of the states and has trained ``step`` steps; fail in another final state."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = job.status()
        if status.state in states and (not step or (status.phase == "training" and status.done >= step)):
            return status
        if status.state in ("failed", "cancelled", "done") and status.state not in states:
            pytest.fail(f"{status.state}: {status.reason}\n" + "\n".join(job.log()))
        time.sleep(0.05)
    pytest.fail(f"still {job.status()}\n" + "\n".join(job.log()))


def result(job: Job) -> tuple[str, list, list]:
    """Everything that must be equal for equal jobs: weights, losses, accuracy on the monitoring stars."""
    history = [{key: value for key, value in record.items() if key != "seconds"} for record in job.history()]
    return job.card["sha256"], history, job.epochs()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Result of an uninterrupted run."""
    preload(*LIBRARIES)
    launcher = Launcher()
    queue = Queue(tmp_path_factory.mktemp("uninterrupted"), launcher)
    job = queue.submit(job_config())
    queue.start_next()
    status = wait(job, "done")
    launcher.end()
    assert status.attempts == 1 and status.seconds > 0 and status.peak_mb > 100
    assert [record["epoch"] for record in job.epochs()] == [1, 2, 3, 4] and not list(job.model.glob("checkpoint*"))
    return result(job)


@pytest.fixture
def launch():
    """Makes launchers, and kills what they have started."""
    made: list[Launcher] = []

    def make(**environment: object) -> Launcher:
        made.append(Launcher(**environment))
        return made[-1]

    yield make
    for launcher in made:
        launcher.end()


@pytest.mark.slow
def test_a_killed_worker_is_detected_and_resume_gives_the_same_result(tmp_path, launch, uninterrupted):
    queue = Queue(tmp_path, launch(PACE=0.1))
    job, waiting = queue.submit(job_config()), queue.submit(job_config("next"))
    assert queue.start_next().id == job.id and queue.start_next() is None
    wait(job, "running", step=15)
    group = Path(f"/proc/{queue.launch.processes[0].pid}/autogroup")
    assert not group.exists() or group.read_text().split()[-1] == NICE, (
        "niceness is relative within a session of its own"
    )
    queue.launch.processes[0].kill()
    queue.launch.processes[0].wait()
    status = job.status()
    assert status.state == "failed" and "killed" in status.reason and job.checkpoint
    queue.launch = launch()
    queue.resume(job)
    assert queue.start_next().id == job.id, "the older job goes first"
    assert wait(job, "done").attempts == 2
    assert result(job) == uninterrupted
    wait(waiting, "done")  # the worker has started it itself
    assert [point["step"] for point in job.curve()] == sorted({point["step"] for point in job.curve()})


@pytest.mark.slow
def test_the_job_outlives_the_server_that_started_it(tmp_path, launch, uninterrupted):
    Queue(tmp_path).submit(job_config())
    code = (
        "import time; from pathlib import Path\n"
        "from tests.job_worker import ProgramLauncher; from stellar_core.jobs.queue import Queue\n"
        f"Queue(Path({str(tmp_path)!r}), ProgramLauncher(PACE=0.1)).start_next()\n"
        "print('started', flush=True); time.sleep(600)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    assert server.stdout.readline() == b"started\n"
    job = Queue(tmp_path).find("1")
    wait(job, "running", step=5)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    restarted = Queue(tmp_path, launch())
    assert restarted.start_next() is None and job.status().state == "running"
    wait(job, "done")
    assert result(job) == uninterrupted


@pytest.mark.slow
def test_a_job_cancelled_while_training_ends_soon_and_resume_gives_the_same_result(tmp_path, launch, uninterrupted):
    queue = Queue(tmp_path, launch(PACE=0.2))
    job = queue.submit(job_config())
    queue.start_next()
    wait(job, "running", step=12)
    queue.cancel(job)
    asked = job.status()
    wait(job, "cancelled")
    steps = job.curve()[-1]["step"]
    assert steps <= asked.done + 6 < asked.total, "the request is noticed within a step or two"
    assert job.checkpoint and not job.alive
    queue.launch = launch()
    queue.resume(job)
    queue.start_next()
    wait(job, "done")
    assert result(job) == uninterrupted


@pytest.mark.slow
def test_a_job_cancelled_while_calibrating_ends_at_once(tmp_path, launch):
    queue = Queue(tmp_path, launch(FINISHING=300))
    job = queue.submit(job_config())
    queue.start_next()
    while job.status().phase != "calibrating":
        wait(job, "running")
    queue.cancel(job)
    wait(job, "cancelled")
    assert job.checkpoint and job.card is None


def test_a_job_cancelled_before_its_worker_started_stays_cancelled(tmp_path, launch):
    queue = Queue(tmp_path, launch(DELAY=2))
    job = queue.submit(job_config())
    queue.start_next()
    assert job.status().state == "starting"
    assert queue.cancel(job).state == "cancelled"
    assert queue.launch.processes[0].wait(PATIENCE) == 3
    assert job.status().state == "cancelled" and not job.model.exists()


@pytest.mark.slow
def test_only_one_of_two_workers_for_an_attempt_runs(tmp_path, launch, uninterrupted):
    queue = Queue(tmp_path, launch())
    job = queue.submit(job_config())
    queue.start_next()
    token = json.loads((job.folder / "status.json").read_text())["token"]
    queue.launch(job, token)
    wait(job, "done")
    assert sorted(process.wait(PATIENCE) for process in queue.launch.processes) == [0, 3]
    assert result(job) == uninterrupted


@pytest.mark.slow
def test_a_full_disk_is_reported_and_the_last_good_checkpoint_is_kept(tmp_path, launch, uninterrupted):
    queue = Queue(tmp_path, launch(FILE_LIMIT="22,12000"))
    job = queue.submit(job_config())
    queue.start_next()
    assert "disk is full" in wait(job, "failed").reason
    assert job.checkpoint and not list(job.folder.rglob("*.tmp"))
    queue.launch = launch()
    queue.resume(job)
    queue.start_next()
    wait(job, "done")
    assert result(job) == uninterrupted


def fill(disk, left: int) -> None:
    """Leave so many bytes free, also once a draft of the worker's that was there is gone."""
    with (disk / "ballast").open("ab", buffering=0) as file:
        for _ in range(10):
            try:
                file.write(bytes(max(0, shutil.disk_usage(disk).free - left)))
            except OSError:
                pass  # the worker was faster
            time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("blind", [True, False], ids=["as it fills", "before it is full"])
def test_a_small_disk(tmp_path, launch, uninterrupted, blind):
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True
        ).returncode
    ):
        pytest.skip("mounting a small disk needs a right that this user lacks")
    try:
        queue = Queue(disk, launch(PACE=0.2, **({"BLIND": 1} if blind else {})))
        job = queue.submit(job_config())
        queue.start_next()
        wait(job, "running", step=12)
        fill(disk, 4096 if blind else 600_000)
        reason = wait(job, "failed").reason
        assert "disk is full" in reason if blind else "disk is nearly full" in reason or "disk is full" in reason
        (disk / "ballast").unlink()
        queue.launch = launch()
        queue.resume(job)
        queue.start_next()
        wait(job, "done")
        assert result(job) == uninterrupted
    finally:
        for process in queue.launch.processes:
            process.wait(PATIENCE)
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_resume_after_damage_of_status_and_checkpoint(tmp_path, launch, uninterrupted):
    queue = Queue(tmp_path, launch(PACE=0.1))
    job = queue.submit(job_config())
    queue.start_next()
    wait(job, "running", step=22)
    (job.folder / "status.json").write_text('{"state": "run')
    assert job.status().state == "running", "its lock is held"
    queue.launch.processes[0].kill()
    queue.launch.processes[0].wait()
    (job.folder / "status.json").write_bytes(b"\x00\xff")
    status = job.status()
    assert status.state == "failed" and "damaged" in status.reason
    newest = job.model / NEWEST
    newest.write_bytes(newest.read_bytes()[:-100] + bytes(100))
    assert (job.model / PREVIOUS).exists()
    queue.launch = launch()
    queue.start_next()
    queue.resume(job)
    queue.start_next()
    wait(job, "done")
    assert result(job) == uninterrupted


@pytest.mark.slow
def test_a_jumping_clock_has_no_effect(tmp_path, launch, uninterrupted, monkeypatch):
    queue = Queue(tmp_path, launch(CLOCK=100, PACE=0.02))
    job = queue.submit(job_config())
    monkeypatch.setattr(time, "time", lambda: 86_400.0 * 365 * 80)
    queue.start_next()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    seconds = wait(job, "done").seconds
    assert 0 < seconds < PATIENCE and result(job) == uninterrupted
