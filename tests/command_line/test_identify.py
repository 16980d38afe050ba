"""``python -m stellar_core identify``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stellar_core import __main__ as command_line
from stellar_core.errors import ArchiveError
from stellar_core.sdss import archive

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the command line in this process; returns (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stellar_core", *arguments])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def test_json_has_the_documented_keys(run):
    status, out, err = run("identify", "4565636362342690816", "--json")
    assert status == 0 and err == ""
    found = json.loads(out)
    assert (found["plate"], found["mjd"], found["fiber"], found["run2d"]) == (4055, 55359, 408, "v5_7_0")
    assert found["specobjid"] == "4565636362342690816" and found["notes"] == []
    assert found["spectrum_url"].startswith("https://data.sdss.org/sas/dr17/eboss/")


def test_text_has_the_same_values(run):
    status, out, _ = run("identify", "4.56563636234269E+18")
    assert status == 0
    lines = dict(line.split(None, 1) for line in out.splitlines())
    assert lines["specobjid"] == "4565636362342690816" and lines["plate"] == "4055"
    assert "corrected" in lines["notes"]


def test_unquoted_numbers_are_one_identifier(run):
    status, out, _ = run("identify", "266", "51602", "31", "--json")
    assert status == 0 and json.loads(out)["name"] == "0266-51602-0031"


@pytest.mark.parametrize("text", ["-5", "<script>alert(1)</script>", "123456789012345678901234567890", "", "266-51602"])
def test_bad_input_ends_with_status_2_and_one_line(run, text):
    status, out, err = run("identify", text)
    assert status == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1


def test_plate_and_fiber_without_mjd_list_the_nights(run, monkeypatch):
    monkeypatch.setattr(archive, "plate_mjds", lambda plate, fiber: [51602, 51630])
    found = json.loads(run("identify", "266 31", "--json")[1])
    assert found["mjd"] is None and found["mjds"] == [51602, 51630] and "several" in found["notes"][0]
    monkeypatch.setattr(archive, "plate_mjds", lambda plate, fiber: [51602])
    found = json.loads(run("identify", "266 31", "--json")[1])
    assert found["mjd"] == 51602 and "only one" in found["notes"][0]


def test_no_network_ends_with_status_2_and_one_line(run, monkeypatch):
    def offline(plate: int, fiber: int) -> list[int]:
        raise ArchiveError("skyserver.sdss.org cannot be reached (no network).")

    monkeypatch.setattr(archive, "plate_mjds", offline)
    status, _, err = run("identify", "266", "31")
    assert status == 2 and "cannot be reached" in err and err.count("\n") == 1


def test_program_ends_with_status_2_and_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "stellar_core", "identify", "-5"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "negative" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
