"""Batch of MOCK stars compared with the bare model: speed, memory, two kills, two Dask workers.

``python -m tests.benchmarks.bench_batch --stars 5000``; ``--stars 200000 --workers 2`` takes two idle cores three
quarters of an hour. Exits with status 1 unless the batch that was killed twice and the one on two Dask workers equal
the uninterrupted one to the byte. Speed is given by the clock and by processor time; with other processes on the
machine only the latter can be compared. The bare loop makes the same stars and calls the model on them.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is loaded: threads that wait for each other would be counted as work

from stellar_core.batch.inputs import MockInputs
from stellar_core.batch.worker import GROUP
from stellar_core.mock.survey import SEED


def main() -> int:
    """Print the figures; return 0 if all tables are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=5000)
    parser.add_argument("--bare", type=int, default=960, help="Stars of the bare loop.")
    parser.add_argument("--chunk", type=int, default=512)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--model", default="isochrone")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_loop(options.model, options.stars, options.bare // GROUP * GROUP)
        begun = Run(Path(folder, "begun.parquet"), argparse.Namespace(**{**vars(options), "stars": GROUP}))
        begun.finish()
        whole = Run(Path(folder, "whole.parquet"), options)
        whole.finish()
        broken = Run(Path(folder, "broken.parquet"), options)
        kills = [broken.kill_at(rng.uniform(*span)) for span in ((0.1, 0.4), (0.5, 0.9))]
        broken.finish()
        with cluster() as address:
            shared = Run(Path(folder, "shared.parquet"), options, ("--cluster", address))
            shared.finish()
        tables = {run.out.read_bytes() for run in (whole, broken, shared)}
    rate, cpu = whole.stars / whole.seconds, (whole.cpu - begun.cpu) / (whole.stars - GROUP)
    lines = {
        "stars, rows of a chunk, workers": f"{options.stars}, {options.chunk}, {options.workers}",
        "bare loop, ms of processor per star": f"{1e3 * bare.model:.1f} model, {1e3 * bare.making:.1f} making the star",
        "batch, ms of processor per star": f"{1e3 * cpu:.1f} "
        f"({cpu / (bare.model + bare.making):.2f} of the bare loop), and {begun.cpu:.1f} s to start",
        "batch, stars per second by the clock": f"{rate:.1f} (start-up included)",
        "memory, MB": f"{whole.memory(0.25, 0.5):.0f} in the second quarter, {whole.memory(0.75, 1.0):.0f} in the last",
        "killed after chunks": kills,
        "two Dask workers, seconds": f"{shared.seconds:.0f} (one process: {whole.seconds:.0f})",
        "all tables identical to the byte": len(tables) == 1,
    }
    for name, value in lines.items():
        sys.stdout.write(f"{name:<40} {value}\n")
    return 0 if len(tables) == 1 else 1


@dataclass(frozen=True)
class Bare:
    """Processor seconds per star of the model itself and of making the star."""

    model: float
    making: float


def bare_loop(name: str, stars: int, count: int) -> Bare:
    """The model on ``count`` of ``stars`` MOCK stars in this process, with one thread, after a group to warm up."""
    import torch

    from stellar_core.inference.estimator import Estimator

    torch.set_num_threads(1)
    estimator = Estimator.load(name)
    inputs = MockInputs(stars, SEED)
    model = making = 0.0
    for group in range(count // GROUP + 1):
        start = time.process_time()
        spectra = [entry.spectrum for entry in inputs.chunk(range(group * GROUP, (group + 1) * GROUP)).read()]
        middle = time.process_time()
        for _ in estimator.estimate_many(spectra):
            pass
        if group:
            model, making = model + time.process_time() - middle, making + middle - start
    return Bare(model / count, making / count)


@dataclass
class Run:
    """The command as a process of its own, started as often as needed."""

    out: Path
    options: argparse.Namespace
    more: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu: float = 0.0
    sizes: list[float] = field(default_factory=list)

    @property
    def stars(self) -> int:
        return self.options.stars

    def finish(self) -> None:
        """Run to the end."""
        start, before = time.perf_counter(), os.times()
        process = self._begin()
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(process.pid, stop))
        watcher.start()
        status = process.wait()
        stop.set()
        watcher.join()
        after = os.times()
        self.seconds = time.perf_counter() - start
        self.cpu = after.children_user + after.children_system - before.children_user - before.children_system
        if status:
            raise SystemExit(f"the batch ended with status {status}")

    def kill_at(self, share: float) -> int:
        """Run until about ``share`` of the chunks are done, kill the process, and return the number of chunks."""
        process = self._begin()
        parts = self.out.with_name(f"{self.out.name}.parts")
        while process.poll() is None and len(list(parts.glob("chunk-*"))) < share * self.stars / self.options.chunk:
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return len(list(parts.glob("chunk-*")))

    def _begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "stellar_core", "batch", "--mock", str(self.stars), "--out", str(self.out)]
        command += ["--model", self.options.model, "--workers", str(self.options.workers)]
        command += ["--chunk", str(self.options.chunk), *self.more]
        return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _watch(self, group: int, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            self.sizes.append(memory(group))

    def memory(self, start: float, stop: float) -> float:
        """Largest memory in a part of the run, MB."""
        part = self.sizes[int(start * len(self.sizes)) : max(int(stop * len(self.sizes)), 1)]
        return max(part or self.sizes)


def memory(group: int) -> float:
    """Resident memory of all processes of a process group, MB; Linux."""
    total = 0
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdecimal() and os.getpgid(int(place.name)) == group:
                total += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    return total / 1e6


def cluster():
    """Yield the address of a Dask cluster of two single-thread workers, without Dask's profiler, whose memory grows."""
    from contextlib import contextmanager

    import dask
    from distributed import LocalCluster

    @contextmanager
    def begun():
        with dask.config.set({"distributed.worker.profile.enabled": False}):
            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local:
                yield local.scheduler_address

    return begun()


if __name__ == "__main__":
    sys.exit(main())
