"""Speed of the app in a browser: ``python -m tests.benchmarks.app_speed``.

Measured on fresh servers with an empty cache folder, in which a MOCK catalogue of ``--stars`` is made first:

- the time from ``streamlit run`` to the first heading, and the same for a page with a title only;
- a new star, from Enter to its numbers, with the network loaded;
- widgets: ticking a row of the catalogue, choosing another quantity on the page *Uncertainty*;
- the stage diagram of the catalogue in a fresh tab, beside a page with one small Plotly figure, and the bytes sent;
- ten visitors at once, each with a star of its own: exceptions, and the median time until the numbers are sent; then
  ten tabs of one browser, which draws on the cores that compute.

Prints a table with a goal for each figure, the processor time of the server, and the load of the machine. Other
processes slow all figures but the processor time.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stellar_core.mock.survey import MockSurvey
from tests.benchmarks.visitors import visit_at_once
from tests.browser.conftest import ARGUMENTS, ROOT, Visitor

BARE_TITLE = "import streamlit as st\nst.title('bare')\n"
BARE_FIGURE = BARE_TITLE + "import plotly.graph_objects as go\nst.plotly_chart(go.Figure(go.Scatter(y=[1, 2])))\n"
#: True when the heading names the star and its six numbers are up to date.
STAR_SHOWN = """name => [...document.querySelectorAll('h2')].some(h => h.innerText.includes(name))
 && document.querySelectorAll('[data-stale=false] [data-testid=stMetricValue]').length === 7"""
#: True when Plotly has drawn this many figures.
CHARTS_SHOWN = (
    "count => document.querySelectorAll('[data-testid=stPlotlyChart] .js-plotly-plot .main-svg').length >= count"
)
#: Row of the table for ten tabs of one browser.
TABS = "ten tabs of one browser on the server's cores"
FAULTS = "document.querySelectorAll('[data-testid=stException], [data-testid=stAlertContentError]').length"


@dataclass
class Figures:
    """Seconds by name, and counts."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0
    stars: int = 0
    faults: int = 0

    def add(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)

    @contextmanager
    def server_time(self, name: str, pid: int, parts: int) -> Iterator[None]:
        """Record the processor time of the server during the block, divided by ``parts``."""
        before = _processor_time(pid)
        yield
        self.processor[name] = (_processor_time(pid) - before) / parts

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def rows(self) -> list[tuple[str, str, str, bool]]:
        """Name, figure and goal of each measurement, and whether the goal is reached."""
        excess = self.median("catalogue diagram") - self.median("bare figure")
        timed = [
            ("first heading", 3.0),
            ("star result, warm", 1.5),
            ("row ticked", 0.5),
            ("quantity chosen", 0.5),
            ("ten visitors, star result sent", 5.0),
        ]
        found = [
            (name, f"{self.median(name):.2f} s", f"< {goal:g} s", self.median(name) < goal) for name, goal in timed
        ]
        found += [
            (f"diagram of {self.stars:,} stars, beyond a bare figure", f"{excess:.2f} s", "< 1.5 s", excess < 1.5),
            ("sent for the catalogue page", f"{self.megabytes:.2f} MB", "< 1 MB", self.megabytes < 1.0),
            ("ten visitors, faults", f"{self.faults}", "0", self.faults == 0),
        ]
        return found


def _processor_time(pid: int) -> float:
    """Seconds of processor time of a process so far; 0 where the system does not report it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(script: Path) -> Iterator[tuple[str, float, int]]:
    """Launch a server of ``script``; yield its address, the time of launch and its process id."""
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
        yield f"http://127.0.0.1:{port}", launched, process.pid
    finally:
        process.terminate()
        process.wait()


def first_heading(browser, script: Path, repeat: int, name: str, figures: Figures) -> None:
    """Measure from the launch of the server to the heading, with ``repeat`` fresh servers."""
    for _ in range(repeat):
        page = browser.new_page()
        with server(script) as (address, launched, _):
            page.goto(address, wait_until="commit")
            page.wait_for_selector("h1")
            figures.add(name, time.perf_counter() - launched)
        page.close()


def new_stars(browser, address: str, pid: int, names: list[str], figures: Figures) -> None:
    """Look up new stars one after another in one tab, once the network is loaded."""
    tab = Visitor(browser.new_page(viewport={"width": 1366, "height": 860}), address)
    tab.open(f"?star={names[0]}")
    with figures.server_time("star result, warm", pid, len(names) - 1):
        for name in names[1:]:
            box = tab.page.get_by_label("SDSS star", exact=True)
            box.fill(name)
            started = time.perf_counter()
            box.press("Enter")
            tab.page.wait_for_function(STAR_SHOWN, arg=name)
            figures.add("star result, warm", time.perf_counter() - started)
            tab.settle()
    tab.page.context.close()


def widgets(browser, address: str, pid: int, repeat: int, figures: Figures) -> None:
    """Tick rows of the catalogue in turn, and choose quantities on the page *Uncertainty* in turn."""
    tab = Visitor(browser.new_page(viewport={"width": 1366, "height": 1800}), address)
    tab.open("catalogue")
    tab.wait_for_charts(3)
    tab.settle(2.0)
    table = tab.page.get_by_test_id("stDataFrame").first
    with figures.server_time("row ticked", pid, repeat):
        for number in range(repeat):
            before = tab.page.locator("[data-testid=stPageLink]").all_inner_texts()
            started = time.perf_counter()
            table.click(position={"x": 20, "y": 55 + 35 * number})
            tab.page.wait_for_function(
                "before => { const now = [...document.querySelectorAll('[data-stale=false] [data-testid=stPageLink]')]"
                ".map(link => link.innerText); return now.length && now.join() !== before.join(); }",
                arg=before,
            )
            figures.add("row ticked", time.perf_counter() - started)
            tab.settle()
    tab.open("uncertainty")
    tab.wait_for_charts(7)
    tab.settle(2.0)
    with figures.server_time("quantity chosen", pid, repeat):
        for number in range(repeat):
            title = ("log lifetime", "log age")[number % 2]
            started = time.perf_counter()
            tab.page.get_by_role("radio", name=title).or_(tab.page.get_by_role("button", name=title)).first.click()
            tab.page.wait_for_function(
                "title => [...document.querySelectorAll('[data-stale=false] [data-testid=stMarkdown]')].some("
                "item => item.innerText.startsWith(title) && item.innerText.includes('against the truth'))",
                arg=title,
            )
            figures.add("quantity chosen", time.perf_counter() - started)
            tab.settle()
    tab.page.context.close()


def drawn(browser, address: str, charts: int) -> tuple[float, int]:
    """Seconds from opening a page in a fresh tab to its figures, and the bytes sent over the websocket."""
    page = browser.new_page(viewport={"width": 1366, "height": 860})
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sent.append(len(frame))))
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(CHARTS_SHOWN, arg=charts)
    seconds = time.perf_counter() - started
    page.wait_for_timeout(1500)
    page.context.close()
    return seconds, sum(sent)


def diagram(browser, bare: Path, address: str, repeat: int, figures: Figures) -> None:
    """Open the catalogue page and the bare figure in turn, in fresh tabs of the same browser."""
    from stellar_core.catalogue.builder import default_path
    from stellar_core.catalogue.table import Catalogue

    figures.stars = Catalogue.open(default_path()).count()
    with server(bare) as (other, _, _):
        for place in (other, f"{address}/catalogue"):
            drawn(browser, place, 1)  # fills the caches of the server
        for _ in range(repeat):
            figures.add("bare figure", drawn(browser, other, 1)[0])
            seconds, sent = drawn(browser, f"{address}/catalogue", 1)
            figures.add("catalogue diagram", seconds)
            figures.megabytes = max(figures.megabytes, sent / 1e6)


def ten_visitors(address: str, names: list[str], figures: Figures) -> None:
    """Visit the stars ``names`` at the same moment, without a browser."""
    for visit in visit_at_once(address, names):
        figures.add("ten visitors, star result sent", visit.numbers)
        figures.add("ten visitors, whole page sent", visit.whole)
        figures.faults += visit.exceptions


def ten_tabs(browser, address: str, pid: int, names: list[str], figures: Figures) -> None:
    """Look up the stars ``names`` at the same moment, each in a tab of its own."""
    from playwright.sync_api import Error as PlaywrightError

    tabs = [browser.new_page(viewport={"width": 1366, "height": 860}) for _ in names]
    for page in tabs:
        page.goto(address)
        page.wait_for_selector("h1")
        page.wait_for_function(CHARTS_SHOWN, arg=1)
    for page, name in zip(tabs, names, strict=True):
        page.get_by_label("SDSS star", exact=True).fill(name)
        page.evaluate(
            f"name => {{ window.shown = null; const seen = {STAR_SHOWN};"
            " const look = () => { if (seen(name)) window.shown = performance.timeOrigin + performance.now();"
            " else requestAnimationFrame(look); }; look(); }",
            name,
        )
    pressed = []
    with figures.server_time(TABS, pid, len(names)):
        for page in tabs:
            pressed.append(1000.0 * time.time())
            page.get_by_label("SDSS star", exact=True).press("Enter", no_wait_after=True)
        for page, begun in zip(tabs, pressed, strict=True):
            try:
                page.wait_for_function("window.shown !== null", timeout=120_000)
                figures.add(TABS, (page.evaluate("window.shown") - begun) / 1000.0)
            except PlaywrightError as error:
                sys.stderr.write(f"a tab showed no result: {type(error).__name__}\n")
                figures.faults += 1
            figures.faults += page.evaluate(FAULTS)
    for page in tabs:
        page.context.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    from stellar_core.catalogue.builder import make_catalogue

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--stars", type=int, default=20_000, help="MOCK stars of the catalogue; 166625 is the app's own"
    )
    parser.add_argument("--json", action="store_true", help="also print every single time")
    options = parser.parse_args()
    figures, survey = Figures(), MockSurvey()
    names = [star.name for star in survey.star_ids(16003)[: options.repeat + 1]]
    crowd = [survey.star_ids(16010 + number)[5].name for number in range(10)]
    before = os.getloadavg()[0]
    path = os.environ.get("STELLAR_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ["STELLAR_CACHE_DIR"] = str(Path(folder) / "cache")  # of the servers too
        make_catalogue(stars=options.stars)
        title, figure = Path(folder) / "title.py", Path(folder) / "figure.py"
        title.write_text(BARE_TITLE)
        figure.write_text(BARE_FIGURE)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        first_heading(browser, ROOT / "app.py", options.repeat, "first heading", figures)
        first_heading(browser, title, options.repeat, "first heading of a bare page", figures)
        with server(ROOT / "app.py") as (address, _, pid):
            new_stars(browser, address, pid, names, figures)
            widgets(browser, address, pid, options.repeat, figures)
            diagram(browser, figure, address, options.repeat, figures)
            ten_visitors(address, [star.name for star in survey.star_ids(16011)[: len(crowd)]], figures)
            ten_tabs(browser, address, pid, crowd, figures)
        browser.close()
    rows = figures.rows()
    width = max(len(row[0]) for row in rows)
    for name, found, goal, reached in rows:
        sys.stdout.write(f"{name:<{width}}  {found:>8}  {goal:>8}  {'reached' if reached else 'MISSED'}\n")
    for name in (
        "first heading of a bare page",
        "bare figure",
        "catalogue diagram",
        "ten visitors, whole page sent",
        TABS,
    ):
        sys.stdout.write(f"{name:<{width}}  {figures.median(name):6.2f} s\n")
    for name, seconds in figures.processor.items():
        sys.stdout.write(f"{name + ', processor time of the server each':<{width}}  {seconds:6.2f} s\n")
    sys.stdout.write(
        f"load of the machine {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores\n"
    )
    if options.json:
        sys.stdout.write(json.dumps(figures.seconds, indent=1) + "\n")


if __name__ == "__main__":
    main()
