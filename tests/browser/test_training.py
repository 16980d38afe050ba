"""A training run in a real browser: start, follow, reload, cancel, resume, add to the app, use on a star."""

from __future__ import annotations

import pytest

from stellar_core import lookup
from stellar_core.jobs.queue import Queue
from tests.benchmarks.app_speed import server as serve
from tests.browser.conftest import ROOT, Visitor

pytestmark = pytest.mark.browser

#: A wait for the worker, ms, on a machine that others use too.
PATIENCE = 180_000


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """An empty folder of runs."""
    monkeypatch.setenv("STELLAR_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("STELLAR_JOB_NICE", "0")
    return tmp_path


def fill(tab: Visitor, label: str, value: str) -> None:
    box = tab.page.get_by_label(label, exact=True)
    for _ in range(5):  # a run of the script that is under way may put the old value back
        box.fill(value)
        box.press("Enter")
        tab.settle()
        if box.input_value() == value:
            return
    pytest.fail(f"{label} does not take {value}")


def badge(tab: Visitor, state: str) -> None:
    """Wait until the run is shown in this state."""
    tab.page.locator("[data-testid=stMainBlockContainer] h3", has_text=state).wait_for(timeout=PATIENCE)


def assert_no_errors(tab: Visitor, missing: list[str]) -> None:
    """As the visitor's own, but below a deep link Streamlit asks for its own files, before it asks at the root."""
    assert all("/_stcore/" in url for url in missing), missing
    tab.errors[:] = [text for text in tab.errors if "status of 404" not in text]
    tab.assert_no_errors()


@pytest.mark.slow
def test_from_the_form_to_a_star(chromium, runs, tmp_path):
    with serve(ROOT / "app.py") as (address, *_):
        context = chromium.new_context(viewport={"width": 1366, "height": 860})
        context.set_default_timeout(60_000)
        tab, missing = Visitor(context.new_page(), address), []
        tab.page.on("response", lambda answer: missing.append(answer.url) if answer.status == 404 else None)
        tab.open()
        tab.open("training")
        tab.page.get_by_label("Start from").click()
        with tab.rerun():
            tab.page.get_by_role("option", name="Own settings").click()
        tab.page.get_by_label("Architecture").click()
        with tab.rerun():
            tab.page.get_by_role("option", name="MLP-Only").click()
        for label, value in {
            "Name": "Tiny",
            "Training stars": "100",
            "Calibration stars": "100",
            "Test stars": "100",
            "Epochs": "120",
        }.items():
            fill(tab, label, value)
        tab.page.get_by_role("button", name="Start", exact=True).click()
        badge(tab, "running")
        tab.page.get_by_text("training, epoch").wait_for(timeout=PATIENCE)

        tab.page.reload()  # the address names the run
        badge(tab, "running")
        assert "job=0001-tiny" in tab.page.url
        tab.page.get_by_role("button", name="Cancel").click()
        badge(tab, "cancelled")
        job = Queue(runs).find("1")
        assert job.checkpoint and not job.alive
        tab.page.get_by_role("button", name="Resume").click()
        badge(tab, "done")
        assert job.status().attempts == 2
        tab.page.get_by_text("MOCK test stars").wait_for()
        tab.wait_for_charts(3)
        assert_no_errors(tab, missing)

        tab.page.get_by_role("button", name="Add to the app").click()
        tab.page.get_by_role("link", name="Use tiny on a star").click()
        tab.page.get_by_role("heading", name="Stellar Ages Explorer").wait_for()
        tab.settle()
        tab.look_up(lookup.examples()[0][0].name)
        assert len(tab.numbers()) == 6 and "model=tiny" in tab.page.url
        assert_no_errors(tab, missing)
        context.close()
