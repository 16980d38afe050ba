"""Time from an upload to its numbers, read in the server's own process and in the sandbox, alternately.

``python -m tests.benchmarks.bench_uploads --times 15``. Exits with status 1 if the sandbox adds more than 0.1 s, by the
medians, to a spectrum or to a member of an archive.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

from stellar_core import sandbox
from stellar_core.batch.uploads import inputs_from_file
from stellar_core.batch.worker import ChunkTask, EstimateSettings, estimate_chunk
from stellar_core.inference.estimator import Estimator
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import MockSurvey
from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.sdss.readers import read_spectrum

#: Time that the sandbox may add, s.
MOST = 0.1


def main() -> int:
    """Print a line for each kind of file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    began = time.perf_counter()
    sandbox.warm()
    while not sandbox.parsers().processes():
        time.sleep(0.01)
    sandbox.read_pasted("266-51602-31")
    sys.stdout.write(
        f"first result of a cold sandbox after {time.perf_counter() - began:.1f} s, "
        "in the background of the first page\n"
    )
    survey = MockSurvey()
    stars = survey.star_ids(16000)[:20]
    with tempfile.TemporaryDirectory() as folder:
        files = {
            f"{star.name}.fits": write_spec_lite(survey.spectrum(star), Path(folder, "a.fits")).read_bytes()
            for star in stars
        }
    fits = files[f"{stars[0].name}.fits"]
    seen = read_spectrum(fits)
    rows = (f"{w:.3f},{f:.5g},{i:.5g}" for w, f, i in zip(seen.wavelength, seen.flux, seen.ivar))
    csv = ("wavelength,flux,ivar\n" + "\n".join(rows)).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    network = Estimator.load(DEFAULT_MODEL)
    network.warm()
    settings = EstimateSettings(DEFAULT_MODEL, str(network.card["sha256"]), 50, 0)

    def one(read: Callable) -> Callable[[bytes, str], Callable[[], object]]:
        return lambda data, name: lambda: network.estimate(read(data, name), samples=50, seed=0)

    def many(read: Callable) -> Callable[[bytes, str], Callable[[], object]]:
        return lambda data, name: (
            lambda: estimate_chunk(network, ChunkTask(0, 0, read(name, data).chunk(range(20)), settings))
        )

    cases = {
        "lite FITS, read": (lambda: read_spectrum(fits, "a.fits"), lambda: sandbox.read_spectrum(fits, "a.fits"), 1),
        "lite FITS, to numbers": (one(read_spectrum)(fits, "a.fits"), one(sandbox.read_spectrum)(fits, "a.fits"), 1),
        "CSV, read": (lambda: read_spectrum(csv, "a.csv"), lambda: sandbox.read_spectrum(csv, "a.csv"), 1),
        "CSV, to numbers": (one(read_spectrum)(csv, "a.csv"), one(sandbox.read_spectrum)(csv, "a.csv"), 1),
        "zip of 20, to numbers": (
            many(inputs_from_file)(packed.getvalue(), "a.zip"),
            many(sandbox.read_inputs)(packed.getvalue(), "a.zip"),
            20,
        ),
    }
    slow = False
    sys.stdout.write(f"{'':24} {'in process':>11} {'sandbox':>11} {'more':>9} {'ratio':>6}\n")
    for name, (inside, outside, members) in cases.items():
        spent: tuple[list[float], list[float]] = ([], [])
        for turn in range(options.times if members == 1 else max(options.times // 5, 2)):
            for place in (0, 1) if turn % 2 else (1, 0):
                start = time.perf_counter()
                (inside, outside)[place]()
                spent[place].append(time.perf_counter() - start)
        before, after = map(median, spent)
        slow |= after - before > MOST * members
        sys.stdout.write(
            f"{name:24} {1e3 * before:8.1f} ms {1e3 * after:8.1f} ms "
            f"{1e3 * (after - before):+6.1f} ms {after / before:6.2f}\n"
        )
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
