"""How fast the app is, in a real browser; run ``python -m tests.benchmarks.app_speed``.

Prints JSON, in seconds: from ``streamlit run`` to the first heading (and the same for a
page of one title, so that the machine's own share is seen), from pressing Enter to the
numbers of a star never shown before, and from a switch of the plot to its redrawing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tests.browser.conftest import ARGUMENTS, ROOT, Visitor

from stellar_core import lookup


@contextmanager
def server(script: Path):
    """A server of ``script`` that was just launched; yields its address and the moment of launch."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    launched = time.perf_counter()
    process = subprocess.Popen(command, cwd=script.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.perf_counter() - launched > 60:
                    raise
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", launched
    finally:
        process.terminate()
        process.wait()


def first_heading(browser, script: Path, repeat: int) -> list[float]:
    """Seconds from the launch of the server to the heading, once for each of ``repeat`` fresh servers."""
    seconds = []
    for _ in range(repeat):
        page = browser.new_page()
        with server(script) as (address, launched):
            page.goto(address, wait_until="commit")
            page.wait_for_selector("h1")
            seconds.append(time.perf_counter() - launched)
        page.close()
    return seconds


def star_results(browser, repeat: int) -> tuple[list[float], list[float]]:
    """(seconds to the numbers of new stars once the network is loaded, seconds to smooth the plot)."""
    stars = [star.name for star, _ in lookup.examples()]
    results, switches = [], []
    with server(ROOT / "app.py") as (address, _):
        tab = Visitor(browser.new_page(viewport={"width": 1366, "height": 860}), address)
        tab.open(f"?star={stars[0]}")
        for name in stars[1 : repeat + 1]:
            box = tab.page.get_by_label("SDSS star", exact=True)
            box.fill(name)
            started = time.perf_counter()
            box.press("Enter")
            tab.page.wait_for_function(
                "name => [...document.querySelectorAll('h3')].some(h => h.innerText.includes(name))"
                " && document.querySelectorAll('[data-stale=false] [data-testid=stMetricValue]').length === 6",
                arg=name,
            )
            results.append(time.perf_counter() - started)
            tab.settle()
            rail = tab.page.locator(".st-key-spectrum .slider-rail-touch-rect").first
            rail.scroll_into_view_if_needed()
            place = rail.bounding_box()
            before = tab.curve("flux", "y")
            started = time.perf_counter()
            tab.page.mouse.click(place["x"] + place["width"] - 2, place["y"] + place["height"] / 2)
            while tab.curve("flux", "y") == before:
                tab.page.wait_for_timeout(10)
            switches.append(time.perf_counter() - started)
    return results, switches


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    path = os.environ.get("STELLAR_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bare = Path(folder) / "bare.py"
        bare.write_text("import streamlit as st\nst.title('bare')\n")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        seconds = {
            "first_heading": first_heading(browser, ROOT / "app.py", repeat),
            "first_heading_of_a_bare_page": first_heading(browser, bare, repeat),
        }
        seconds["star_result_warm"], seconds["plot_switch"] = star_results(browser, repeat)
        browser.close()
    report = {
        name: {"median": round(statistics.median(values), 2), "best": round(min(values), 2), "n": len(values)}
        for name, values in seconds.items()
    }
    report["load_average"] = round(os.getloadavg()[0], 1)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
