"""Hostile files in the real app give one error each; the server stays responsive and does not grow."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests import hostile

pytestmark = pytest.mark.browser

#: Most processor time of the server and its parsers until the sentence, s; growth of the server and size of a parser,
#: bytes.
SENTENCE, GROWTH, PARSER = 10.0, 100e6, 1e9
#: Longest wait for the sentence beside other tests, ms.
PATIENCE = 30_000
#: Longest delay of the health check beside other tests, s; a file that blocks the server delays it by far more.
LATEST = 5.0
GOOD = b"wavelength,flux\n" + b"".join(b"%d,%d\n" % (w, 9000 - w // 2 + 200 * (w % 3)) for w in range(3800, 9200))


class Watch:
    """Monitor of the server, ten times a second: response time of its health check, and memory."""

    def __init__(self, address: str) -> None:
        self.address, self.seconds, self.parsers, self.failed = address, [], 0.0, 0
        port = address.rpartition(":")[2]
        self.server = next(
            pid
            for pid in _children(os.getpid())
            if f"--server.port={port}" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        )
        self._done = threading.Event()
        self._threads = [threading.Thread(target=loop) for loop in (self._ask, self._weigh)]

    def begin(self) -> None:
        """Restart the measurement."""
        self.before, self.seconds, self.parsers = self.memory(self.server), [], 0.0

    def __enter__(self) -> Watch:
        self.begin()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def memory(self, pid: int, kind: str = "VmRSS") -> float:
        try:
            return 1024.0 * int(re.search(rf"{kind}:\s*(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))
        except (OSError, AttributeError):
            return 0.0

    def processor_time(self) -> float:
        """Seconds of processor time of the server and its parsers so far, those that have ended included."""
        found = 0.0
        for pid in (self.server, *_children(self.server)):
            with contextlib.suppress(OSError):  # it has just ended
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                found += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return found

    def _ask(self) -> None:
        while not self._done.wait(0.1):
            start = time.monotonic()
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=30) as answer:
                    answer.read()
            except OSError:
                self.failed += 1
            self.seconds.append(time.monotonic() - start)

    def _weigh(self) -> None:
        while not self._done.wait(0.1):
            self.parsers = max([self.parsers, *(self.memory(pid, "VmHWM") for pid in _children(self.server))])


def _children(pid: int) -> list[int]:
    """Child processes of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue  # it has just ended
        if int(parent) == pid:
            found.append(int(path.parent.name))
    return found


@pytest.fixture()
def watch(server, record_property):
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell what memory a process holds")
    with Watch(server) as found:
        yield found
    growth = found.memory(found.server) - found.before
    for name, value in {
        "slowest health, s": max(found.seconds),
        "largest parser, MB": found.parsers / 1e6,
        "growth of the server, MB": growth / 1e6,
    }.items():
        record_property(name, round(value, 3))
    assert not found.failed and max(found.seconds) < LATEST, f"the server responded late: {max(found.seconds):.1f} s"
    assert found.parsers < PARSER, f"a parser took {found.parsers / 1e6:.0f} MB"
    assert growth < GROWTH


def error_on(tab, watch: Watch, began: float) -> str:
    """Return the single error that the page shows in time; ``began`` is the processor time before."""
    alert = tab.page.get_by_test_id("stAlertContentError")
    alert.first.wait_for(timeout=PATIENCE)
    assert watch.processor_time() - began < SENTENCE
    tab.settle()
    assert alert.count() == 1 and tab.page.get_by_test_id("stException").count() == 0
    icon, *lines = (line for line in alert.first.inner_text().splitlines() if line)
    assert icon == "error" and len(lines) == 1 and "Traceback" not in lines[0]
    return lines[0]


@pytest.mark.slow
def test_hostile_spectra_give_one_error_each_and_the_next_file_is_read(visit, watch, tmp_path):
    tab = visit()
    tab.open()
    (tmp_path / "warm.csv").write_bytes(GOOD)
    tab.upload(tmp_path / "warm.csv")
    tab.page.get_by_text("Show anyway").wait_for()  # answered, and not trusted
    tab.settle(5.0)  # the other estimates are loaded after the first
    watch.begin()  # with the networks loaded, whatever is sent
    for name in ("brackets.csv", "image.fits.gz", "heap.fits", "equal.csv.gz"):
        (tmp_path / name).write_bytes(hostile.SPECTRA[name]())
        tab.open()
        tab.page.get_by_text("Upload a spectrum").first.click()
        tab.page.locator("input[type=file]").wait_for(state="attached")
        tab.settle()
        began = watch.processor_time()
        tab.page.locator("input[type=file]").set_input_files(str(tmp_path / name))
        assert error_on(tab, watch, began), name
    (tmp_path / "good.csv").write_bytes(GOOD.replace(b"3800,", b"3799,"))
    tab.open()
    tab.upload(tmp_path / "good.csv")
    tab.page.get_by_text("Show anyway").wait_for()  # answered, and not trusted


@pytest.mark.slow
def test_hostile_lists_give_one_error_each_and_leak_nothing(visit, watch, tmp_path):
    (tmp_path / "secret").write_text("266-51602-31 do-not-tell\n" * 20)
    files = {name: hostile.LISTS[name]() for name in ("power.ecsv", "aliases.ecsv", "repeats.parquet", "nrows.xml")}
    files["href.xml"] = hostile.votable_href(f"file://{tmp_path}/secret", "BINARY")
    tab = visit()
    tab.open("batch")
    watch.begin()  # with the page's libraries loaded
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        tab.open("batch")
        with tab.page.expect_response(lambda response: "upload_file" in response.url, timeout=60_000):
            tab.page.locator("input[type=file]").set_input_files(str(tmp_path / name))
        tab.settle()
        began = watch.processor_time()
        tab.page.get_by_role("button", name="Run", exact=True).click()
        assert error_on(tab, watch, began), name
        assert "do-not-tell" not in tab.page.content()
