"""``python -m stellar_core fetch gaia``."""

from __future__ import annotations

import json
import sys

import pytest

from stellar_core import __main__ as command_line


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the command in this process; returns (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stellar_core", "fetch", "gaia", *arguments])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def test_a_file_of_the_real_archive_is_read_by_name(run, gaia_file):
    status, out, err = run(str(gaia_file("1710099405832VAL-result.vot")), "--json")
    first, second = json.loads(out)
    assert status == 0 and err == "" and first["source_id"] == "4583627001381815936"
    assert first["parallax_mas"] == pytest.approx(2.345, abs=1e-3) and first["zero_point_mas"] < 0
    assert second["magnitudes"]["G"][0] == pytest.approx(7.0179, abs=1e-4) and first["origin"] == "Gaia DR3"
    status, out, _ = run(str(gaia_file("launch_job.json")))
    assert status == 0 and out == "Gaia DR3 5937144193345094528: no parallax\n"


def test_sources_by_identifier(run, sdss):
    known = [str(value) for value in sdss.sky.sources["source_id"][:2]]
    status, out, err = run(*known)
    assert (
        status == 0 and err == "" and out.count("\n") == 2 and f"Gaia DR3 {known[1]}: parallax" in out and " ± " in out
    )
    status, out, err = run(known[0], "999", "--json")
    found = json.loads(out)
    assert status == 0 and found[0]["source_id"] == known[0] and "no source 999" in found[1]["error"]
    assert err.startswith("error: 999: Gaia DR3 has no source 999")


@pytest.mark.parametrize("text", ["4.58363E+18", "no-such-file.vot", "5x", "Gaia DR2 4583627001381815936"])
def test_bad_input_ends_with_status_2_and_one_line(run, sdss, text):
    status, out, err = run(text)
    assert status == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert sdss.served == []


def test_without_the_archive_there_is_one_line(run, monkeypatch, tmp_path):
    monkeypatch.setenv("STELLAR_GAIA_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    status, _, err = run("4583627001381815936")
    assert status == 2 and "127.0.0.1:1 cannot be reached" in err and err.count("\n") == 1
