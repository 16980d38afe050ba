"""Speed and memory of the MOCK survey: ``python -m tests.benchmarks.bench_mock``.

Each line of the table is measured in processes of their own, so that the peak of memory is that
of the task with its imports: the catalogue of all 166,625 stars with its files, spectra in batches
in one process and in two at once, spectra one by one, and spec-lite files. Stars are taken from
all plates in random order. Times are those of the clock and of the processor; other processes
slow the former and hardly the latter. Every star of a batch is compared with the same
star made alone. ``--json`` gives the numbers, ``--stars`` a smaller catalogue.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from stellar_core.mock.catalogue_writer import rows_by_plate, write_release
from stellar_core.mock.plates import N_STARS
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import MockSurvey
from stellar_core.sdss.star_id import StarId

SPECTRA, SINGLE, FILES, COMPARED = 4000, 100, 200, 100
#: Goals: seconds and MB for the catalogue, spectra per second.
GOALS = {"catalogue": "60 s, 2000 MB", "spectra, 2 processes": "1000 per s"}


def sample(n: int, seed: int) -> list[StarId]:
    """``n`` stars of all plates in random order."""
    survey, rng = MockSurvey(), np.random.default_rng(seed)
    stars = [survey.star_ids(plate)[row] for plate, rows in rows_by_plate(n).items() for row in rows]
    return [stars[index] for index in rng.permutation(n)]


def catalogue(stars: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        return write_release(stars, folder, spectra=False)["stars"]


def spectra(stars: list[StarId]) -> int:
    return sum(1 for _ in MockSurvey().frames(stars))


def single(stars: list[StarId]) -> int:
    return sum(1 for star in stars if MockSurvey().frame(star))


def files(frames: list) -> int:
    with tempfile.TemporaryDirectory() as folder:
        for frame in frames:
            write_spec_lite(frame.spectrum, Path(folder) / f"spec-{frame.spectrum.name}.fits", frame.wdisp, frame.sky)
    return len(frames)


def identical(stars: list[StarId]) -> int:
    """Number of stars that are the same, bit for bit, in a batch and alone."""
    survey = MockSurvey()
    return sum(
        all(
            np.array_equal(getattr(frame.spectrum, name), getattr(alone.spectrum, name))
            for name in ("flux", "ivar", "model")
        )
        and np.array_equal(frame.wdisp, alone.wdisp)
        and np.array_equal(frame.sky, alone.sky)
        for frame, alone in zip(survey.frames(stars), map(survey.frame, stars))
    )


def measure(task: str, stars: int, seed: int) -> dict[str, float]:
    """One task in this process, after a first small one that loads what it needs."""
    if task == "identical":
        return {"count": identical(sample(COMPARED, seed)), "of": COMPARED}
    if task == "catalogue":
        call = lambda: catalogue(stars, seed)
    elif task == "files":
        frames = list(MockSurvey().frames(sample(FILES, seed)))
        files(frames[:2])
        call = lambda: files(frames)
    else:
        work = {"spectra": spectra, "single": single}[task]
        chosen = sample({"spectra": SPECTRA, "single": SINGLE}[task], seed)
        work(chosen[:40])
        call = lambda: work(chosen)
    wall, processor = time.perf_counter(), time.process_time()
    count = call()
    return {
        "count": count,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - processor,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
    }


def run(task: str, processes: int, stars: int) -> list[dict[str, float]]:
    """``task`` in as many processes at once, each with other stars and one thread."""
    commands = [
        [
            sys.executable,
            "-m",
            "tests.benchmarks.bench_mock",
            "--task",
            task,
            "--seed",
            str(seed),
            "--stars",
            str(stars),
        ]
        for seed in range(processes)
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for command in commands]
    answers = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit(f"{task} failed")
    return [json.loads(answer) for answer in answers]


def table(stars: int) -> list[dict[str, object]]:
    """All figures; those of several processes are added, memory too."""
    rows = []
    tasks = (
        ("catalogue", "catalogue", 1),
        ("spectra, 1 process", "spectra", 1),
        ("spectra, 2 processes", "spectra", 2),
        ("spectra one by one", "single", 1),
        ("spec-lite files", "files", 1),
    )
    for name, task, processes in tasks:
        found = run(task, processes, stars)
        rows.append(
            {
                "task": name,
                "count": sum(one["count"] for one in found),
                "wall_s": max(one["wall_s"] for one in found),
                "cpu_s": sum(one["cpu_s"] for one in found),
                "per_wall_s": sum(one["count"] / one["wall_s"] for one in found),
                "per_cpu_s": sum(one["count"] for one in found) / sum(one["cpu_s"] for one in found),
                "peak_mb": sum(one["peak_mb"] for one in found),
                "goal": GOALS.get(name, ""),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=N_STARS, help="rows of the catalogue")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        sys.stdout.write(json.dumps(measure(options.task, options.stars, options.seed)))
        return
    before = os.getloadavg()[0]
    rows, same = table(options.stars), run("identical", 1, options.stars)[0]
    if options.json:
        sys.stdout.write(json.dumps({"load": before, "rows": rows, "identical": same}, indent=1) + "\n")
        return
    heads = {
        "task": "task",
        "count": "stars",
        "wall_s": "wall s",
        "cpu_s": "cpu s",
        "per_wall_s": "per s",
        "per_cpu_s": "per cpu s",
        "peak_mb": "peak MB",
        "goal": "goal",
    }
    for row in [heads, *rows]:
        cells = [
            format(value, ",.1f") if isinstance(value, float) else str(value) for value in (row[key] for key in heads)
        ]
        sys.stdout.write(f"{cells[0]:<22}" + "".join(f"{cell:>12}" for cell in cells[1:-1]) + f"   {cells[-1]}\n")
    sys.stdout.write(
        f"\n{same['count']} of {same['of']} stars are the same, bit for bit, in batches and alone. "
        f"{os.cpu_count()} processors, load average before {before:.1f}.\n"
    )


if __name__ == "__main__":
    main()
