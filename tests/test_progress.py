"""The progress line: nothing for quick work, overwritten on a terminal, line by line in a log."""

import io

import pytest

from stellar_core.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(stream, steps, seconds):
    """Report ``steps`` steps, ``seconds`` apart."""
    now = [100.0]
    line = ProgressLine(stream, clock=lambda: now[0])
    for done in range(steps + 1):
        line("MOCK stars", done, steps)
        now[0] += seconds
    line.close()
    return stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_work_done_within_a_second_shows_nothing(stream):
    assert run(stream(), 50, 0.01) == ""


def test_a_terminal_shows_one_line_that_is_overwritten():
    text = run(Terminal(), 320, 0.125)
    assert text.count("\n") == 1 and text.endswith("\n")
    states = text.strip().split("\r")
    assert len(states) == 157  # every second step from the eighth on
    assert states[0].startswith("MOCK stars: 8 of 320 (8.0 per s, 39 s left)")
    assert states[-1].startswith("MOCK stars: 320 of 320 (8.0 per s)")


def test_a_log_gets_a_line_every_ten_seconds():
    lines = run(io.StringIO(), 320, 0.125).splitlines()
    assert len(lines) == 5 and lines[-1] == "MOCK stars: 320 of 320 (8.0 per s)"
    assert not any("\r" in line or "\x1b" in line for line in lines)


def test_other_work_starts_another_line():
    stream, now = Terminal(), [0.0]
    line = ProgressLine(stream, clock=lambda: now[0])
    for what in ("catalogue", "spectra"):
        for done in range(1, 4):
            line(what, done, 3)
            now[0] += 2.0
    line.close()
    first, second, rest = stream.getvalue().split("\n")
    assert "catalogue: 3 of 3" in first and "spectra: 3 of 3" in second and rest == ""
