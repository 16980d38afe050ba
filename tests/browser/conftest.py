"""The server of the app on a free port, and Chromium to control it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(__file__).with_name("screenshots")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _absent(reason: str) -> None:
    if os.environ.get("STELLAR_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium; skips without one, fails with STELLAR_REQUIRE_BROWSER=1."""
    path = os.environ.get("STELLAR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        _absent("no chromium on this machine; install it or set STELLAR_CHROMIUM to its path")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _absent("the package playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Cache folder of the server, empty at first."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def server(tmp_path_factory, cache):
    """Address of a fresh server of the app."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    with log.open("w") as output:
        environment = {
            **os.environ,
            "STELLAR_CACHE_DIR": str(cache),
            "STELLAR_RUNS_DIR": str(tmp_path_factory.mktemp("runs")),
        }
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)
    assert "Traceback" not in log.read_text(), log.read_text()


def _wait_until_healthy(address: str, process: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer within {seconds:.0f} s: {log.read_text()}")


class Visitor:
    """One browser tab with its errors and the actions of a user."""

    def __init__(self, page, address: str) -> None:
        self.page = page
        self.address = address
        self.errors: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, message) -> None:
        """Record errors, except Streamlit's own failing health requests below the root."""
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def open(self, query: str = "") -> None:
        self.page.goto(f"{self.address}/{query}")
        self.page.wait_for_selector("h1")
        self.settle()

    def look_up(self, text: str) -> None:
        box = self.page.get_by_label("SDSS star", exact=True)
        box.fill(text)
        with self.rerun():
            box.press("Enter")

    def upload(self, path: Path) -> None:
        self.page.get_by_text("Upload a spectrum").first.click()
        self.page.locator("input[type=file]").wait_for(state="attached")
        self.settle()
        with self.rerun(), self.page.expect_response(lambda response: "upload_file" in response.url, timeout=60_000):
            self.page.locator("input[type=file]").set_input_files(str(path))

    @contextlib.contextmanager
    def rerun(self) -> Iterator[None]:
        """Wait until the script run started inside this context has begun and ended."""
        self.page.evaluate(
            "() => { const app = document.querySelector('[data-testid=stApp]'); window.begun = false;"
            " new MutationObserver(() => {"
            " if (app.getAttribute('data-test-script-state') !== 'notRunning') window.begun = true;"
            " }).observe(app, {attributes: true}); }"
        )
        yield
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        with contextlib.suppress(PlaywrightTimeout):  # a run of a moment is over before it is seen
            self.page.wait_for_function("window.begun", timeout=15_000)
        self.settle()

    def settle(self, pause: float = 0.6) -> None:
        """Wait until the script has been idle for ``pause`` seconds."""
        app = self.page.get_by_test_id("stApp")
        quiet_since, deadline = time.monotonic(), time.monotonic() + 90
        while time.monotonic() - quiet_since < pause:
            if (
                app.get_attribute("data-test-script-state") != "notRunning"
                or self.page.get_by_test_id("stSpinner").count()
            ):
                quiet_since = time.monotonic()
            assert time.monotonic() < deadline, "the app did not become idle"
            self.page.wait_for_timeout(100)

    def wait_for_charts(self, count: int) -> None:
        """Wait until exactly ``count`` figures are drawn; their code arrives after the page."""
        self.page.wait_for_function(
            "count => document.querySelectorAll('[data-testid=stPlotlyChart] .js-plotly-plot').length === count",
            arg=count,
        )

    def numbers(self) -> list[str]:
        """Headline numbers, once they are shown."""
        self.page.get_by_test_id("stMetricValue").first.wait_for()
        return self.page.get_by_test_id("stMetricValue").all_inner_texts()

    def wait_for_viewer(self) -> None:
        """Wait until the spectrum is drawn."""
        self.page.wait_for_function("() => performance.getEntriesByName('spectrum-draw').length > 0")

    def assert_no_errors(self) -> None:
        """No exception box, no error in the console, nothing wider than the window."""
        assert self.page.get_by_test_id("stException").count() == 0
        assert not self.errors
        page = self.page
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]

    def picture(self, name: str, folder: Path, full: bool = False) -> None:
        """Save a screenshot; with STELLAR_SCREENSHOTS=1 into ``screenshots``."""
        kept = os.environ.get("STELLAR_SCREENSHOTS") == "1"
        if kept:
            folder = SCREENSHOTS
            folder.mkdir(exist_ok=True)
        if full:
            height = self.page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
            self.page.set_viewport_size({"width": self.page.viewport_size["width"], "height": min(height, 4000)})
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(1500 if kept else 100)  # until nothing moves any more
        path = folder / name
        self.page.screenshot(path=str(path))
        assert path.stat().st_size > 20_000, "an empty picture"


@pytest.fixture()
def visit(chromium, server):
    """Open a tab: ``visit(width, height, **options of the browser context)``."""
    contexts = []

    def open_tab(width: int = 1366, height: int = 860, **options) -> Visitor:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        return Visitor(context.new_page(), server)

    yield open_tab
    for context in contexts:
        context.close()
