"""Progress of a run on a terminal, and Ctrl-C."""

import io
import os
import signal

import pytest

from stellar_core.training.console import Console, duration, line, stop_on_signal

STATE = {
    "epoch": 2,
    "epochs": 6,
    "step": 120,
    "total": 600,
    "losses": {"age": 0.12345, "stage": 1.5, "total": 0.9},
    "validation": {"age": 0.1, "total": 0.8},
    "seconds_left": 754.0,
    "learning_rate": 7e-4,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_gives_progress_losses_and_time_left():
    assert (
        line(STATE) == "epoch 2/6  step 120/600  age 0.1235 stage 1.5000  validation 0.8000  rate 7.0e-04  13 min left"
    )
    assert "validation" not in line({**STATE, "validation": None})
    assert [duration(s) for s in (0, 89, 90, 3600, 5400, 9000)] == [
        "0 s",
        "89 s",
        "2 min",
        "60 min",
        "1 h 30 min",
        "2 h 30 min",
    ]


def test_on_a_terminal_progress_stays_on_one_line():
    stream = Terminal()
    console = Console(stream)
    for step in (1, 2):
        console.report({**STATE, "step": step})
    console.say("Done.")
    assert stream.getvalue().count("\n") == 2 and stream.getvalue().endswith("\nDone.\n")
    assert stream.getvalue().count("\r") == 2


def test_in_a_file_progress_has_few_lines_and_always_the_last():
    stream = io.StringIO()
    console = Console(stream)
    for step in range(1, 601):
        console.report({**STATE, "step": step})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2 and "step 1/600" in lines[0] and "step 600/600" in lines[1]
    assert "\r" not in stream.getvalue()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_requests_a_stop_and_the_second_ctrl_c_interrupts(number):
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signal() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
