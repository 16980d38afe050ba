"""Slow-down of the page *Star* by a training run: ``python -m tests.benchmarks.bench_jobs``.

With the app, a Chromium and a real worker. The script of a star page is rerun (key R) alternately while the worker
trains and while it is stopped by a signal, so that other processes affect both alike. Prints JSON: seconds from the
key press to the end of the script, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from stellar_core import lookup
from stellar_core.jobs.presets import DEMO_SOURCE, demo_training
from stellar_core.jobs.queue import THREADS, Queue, launch
from stellar_core.jobs.spec import JobConfig
from tests.benchmarks.app_speed import server
from tests.browser.conftest import ARGUMENTS, ROOT, Visitor

#: Records when the script was last seen to end, ms.
WATCH = """() => { const app = document.querySelector('[data-testid=stApp]'); window.began = window.rested = 0;
new MutationObserver(() => { const resting = app.getAttribute('data-test-script-state') === 'notRunning';
if (!resting) window.began = performance.now(); else if (window.began) window.rested = performance.now();
}).observe(app, {attributes: true}); }"""


def rerun(tab: Visitor) -> float:
    """Seconds from the key press to the end of the script."""
    started = tab.page.evaluate("() => { window.began = window.rested = 0; return performance.now(); }")
    tab.page.keyboard.press("r")
    tab.page.wait_for_function("window.rested > 0")
    tab.settle(0.3)
    return (tab.page.evaluate("window.rested") - started) / 1000.0


def in_turns(tab: Visitor, worker: int, turns: int, each: int) -> dict[str, list[float]]:
    """Times with the worker stopped and running."""
    found: dict[str, list[float]] = {"idle": [], "training": []}
    for _ in range(turns):
        for name, number in (("idle", signal.SIGSTOP), ("training", signal.SIGCONT)):
            os.kill(worker, number)
            time.sleep(0.3)
            found[name] += [rerun(tab) for _ in range(each)]
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--each", type=int, default=4, help="Runs of the script in a turn.")
    chosen = parser.parse_args()
    path = os.environ.get("STELLAR_CHROMIUM") or shutil.which("chromium")
    processes = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ["STELLAR_RUNS_DIR"] = folder
        training = replace(demo_training(2000, 100), epochs=300)
        queue = Queue(Path(folder), lambda job, token: processes.append(launch(job, token)))
        job = queue.submit(JobConfig("Benchmark", training, DEMO_SOURCE, threads=THREADS))
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        with server(ROOT / "app.py") as (address, *_):
            tab = Visitor(browser.new_page(viewport={"width": 1366, "height": 860}), address)
            tab.open(f"?star={lookup.examples()[0][0].name}")
            tab.wait_for_charts(10)
            tab.page.evaluate(WATCH)
            rerun(tab)
            queue.start_next()
            while job.status().phase != "training":
                if not job.status().active:
                    raise SystemExit(job.status().reason)
                time.sleep(0.5)
            try:
                seconds = in_turns(tab, processes[0].pid, chosen.turns, chosen.each)
                steps = job.status().done
            finally:
                processes[0].kill()
        browser.close()
    medians = {name: round(statistics.median(values), 3) for name, values in seconds.items()}
    report = {
        "measured": "seconds of a rerun of a star page",
        **medians,
        "ratio": round(medians["training"] / medians["idle"], 2),
        "n": len(seconds["idle"]),
        "steps_trained_meanwhile": steps,
        "worker_threads": THREADS,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
