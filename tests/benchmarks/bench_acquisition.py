"""Acquisition of some thousand MOCK stars from the stand-in, killed at random, compared with an uninterrupted one.

``python -m tests.benchmarks.bench_acquisition``; ``--stars 5000 --kills 5`` are the defaults. Every fifth request of
the killed acquisition fails. Exits with status 1 if the two stores differ in a byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.star_id import MOCK_PLATES, StarId
from stellar_core.survey.reader import ARRAYS, StoreReader
from stellar_core.survey.store import read_manifest
from tests.standin import Fault, Faults, StandIn

#: Stars on a plate that pass the cuts, about.
PASSING = 300


def main() -> int:
    """Print the figures; return 0 if both stores are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    first = MOCK_PLATES[0]
    plates = range(first, first + options.stars // PASSING + 2)
    settings = {
        "first_plate": first,
        "last_plate": plates[-1],
        "plates_per_page": 4,
        "stars": options.stars,
        "chunk": min(1000, -(-options.stars // 5)),
    }
    with tempfile.TemporaryDirectory() as place, StandIn(Path(place), plates) as sdss:
        os.environ.update(
            STELLAR_SAS_URL=sdss.sas, STELLAR_SKYSERVER_URL=sdss.skyserver, STELLAR_CACHE_DIR=f"{place}/cache"
        )
        passing = QualityCuts().apply(sdss.catalogue.mock).head(options.stars)
        stars = [
            StarId(*row, "v5_13_2") for row in zip(*(passing[name].astype(int) for name in ("plate", "mjd", "fiberID")))
        ]
        timed(f"making {len(stars)} MOCK files", lambda: sdss.spectra.make(stars))
        unbroken, broken = Path(place, "unbroken"), Path(place, "broken")
        timed("unbroken acquisition", lambda: run(unbroken, settings))
        sdss.forget()
        sdss.faults = Faults(0.2, options.seed, tuple(fault for fault in Fault if fault is not Fault.STALL))
        rng = random.Random(options.seed)
        for _ in range(options.kills):
            share = options.stars // (options.kills + 1)
            at = rng.randint(share // 2, share)
            timed(f"killed after {at} requests", lambda: run(broken, settings, lambda call: sdss.after(at, call)))
        timed("brought to its end", lambda: run(broken, settings))
        report(sdss, unbroken / "store", broken / "store")
        estimate(broken / "store", Path(place, "ages.parquet"))
        return 0 if files(unbroken / "store") == files(broken / "store") else 1


def run(out: Path, settings: dict[str, object], arm: Callable[[Callable[[], None]], None] | None = None) -> None:
    """Run the acquisition in a process of its own; ``arm`` gets a function that kills it."""
    process = subprocess.Popen([sys.executable, "-m", "tests.standin.acquire", str(out), json.dumps(settings)])
    if arm is not None:
        arm(lambda: process.send_signal(signal.SIGKILL))
    status = process.wait()
    if status != (-signal.SIGKILL if arm else 0):
        raise SystemExit(f"the acquisition ended with status {status}")


def report(sdss: StandIn, unbroken: Path, broken: Path) -> None:
    """Print figures of the requests served and of the stores."""
    sent = Counter(served.resource for served in sdss.served if served.service == "sas" and served.fault is None)
    faults = Counter(served.fault for served in sdss.served if served.fault is not None)
    outcomes = Counter(read_manifest(broken)["outcome"].to_pylist())
    size = sum(path.stat().st_size for path in broken.iterdir()) / 1e6
    reader = StoreReader(broken)
    rng = np.random.default_rng(2)
    rows = [rng.choice(len(reader), 64, replace=False) for _ in range(20)]
    start = time.perf_counter()
    for batch in rows:
        for name in ARRAYS:
            reader.rows(name, batch)
    per_batch = (time.perf_counter() - start) / len(rows)
    lines = {
        "outcomes": dict(outcomes),
        "faults served": sum(faults.values()),
        "files sent": sum(sent.values()),
        "different files": len(sent),
        "store, MB": round(size, 1),
        "random batch of 64 stars, ms": round(1e3 * per_batch, 1),
        "identical to the byte": files(unbroken) == files(broken),
    }
    for name, value in lines.items():
        sys.stdout.write(f"{name:<32} {value}\n")


def estimate(store: Path, table: Path) -> None:
    """Run the command batch on the store with one worker; print the processor time a star, with start-up."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "stellar_core", "batch", str(store), "--out", str(table)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(f"{'batch of the store, ms a star':<32} {1e3 * spent / len(StoreReader(store)):.1f}\n")


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a store."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def timed(title: str, work: Callable[[], None]) -> None:
    """Call ``work`` and print the time it took."""
    start = time.perf_counter()
    work()
    sys.stdout.write(f"{title:<32} {time.perf_counter() - start:.1f} s\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
