"""What the READMEs show works: Python blocks run, commands accept their options, links and named files exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from stellar_core.__main__ import app

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
READMES = [
    README,
    *sorted(path for part in ("stellar_core", "trained", "tests") for path in (ROOT / part).rglob("README.md")),
]
#: What a block takes for granted: a catalogue as the command ``mock`` writes it.
BEFORE = {
    "QualityCuts()": "from pathlib import Path\nimport pandas\n"
    "from stellar_core.mock.catalogue_writer import write_release\n"
    "write_release(20, Path('mock'), 1, spectra=False)\ntable = pandas.read_parquet('mock/catalogue.parquet')\n"
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def commands(path: Path) -> list[str]:
    """Commands that a README shows: ``python -m stellar_core ...`` in blocks, and the first column of the table."""
    lines = [
        part.strip()
        for block in blocks(path, "bash")
        for line in block.splitlines()
        for part in line.partition("  #")[0].split("&&")
    ]
    found = [line for line in lines if re.match(r"(\.venv/bin/)?python3? -m stellar_core ", line)]
    if path == README:
        table = path.read_text().partition("## Command line")[2].partition("\n## ")[0]
        cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
        found += [f"python -m stellar_core {text}" for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in READMES if blocks(path, "python")], ids=name_of)
def test_python_blocks_run(path, tmp_path):
    code = [f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"]
    (tmp_path / "stellar_core").symlink_to(ROOT / "stellar_core")  # the spectra that ship are read from there
    for block in blocks(path, "python"):
        code += [*(text for word, text in BEFORE.items() if word in block), block]
    done = subprocess.run([sys.executable, "-c", "\n".join(code)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [pytest.param(line, id=line) for path in READMES for line in commands(path)])
def test_commands_accept_their_options(line):
    words = shlex.split(line)
    command, words = typer.main.get_command(app), words[words.index("stellar_core") + 1 :]
    context = None
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    context = command.make_context(command.name, words, parent=context)  # a UsageError names what it does not accept
    assert context.command is command


@pytest.mark.parametrize("path", READMES, ids=name_of)
def test_links_and_named_files_exist(path):
    text = path.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (path.parent / link).exists()]
    named = re.findall(r"`((?:stellar_core|tests|trained|pages)/[\w./-]+)`", text)
    missing += [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_readme_is_short_and_shows_what_is_run():
    assert len(README.read_bytes()) <= 8 * 1024
    assert blocks(README, "python") and len(commands(README)) >= 12


def test_ci_runs_the_second_command_of_the_readme():
    pattern = re.search(r"grep -m1 -E '([^']+)'", (ROOT / ".ci" / "run").read_text())[1]
    assert len(re.findall(pattern, README.read_text(), flags=re.MULTILINE)) == 1


def test_accuracy_table_agrees_with_the_cards():
    views = {
        name: json.loads((ROOT / "trained" / name / "card.json").read_text())["metrics_mock_test"][
            "spectrum and photometry"
        ]
        for name in ("isochrone", "paper-setup-a")
    }
    for title, key, digits in (("log age (dex)", "log_age", 3), ("log lifetime (dex)", "log_lifetime", 3)):
        errors = " | ".join(f"{view[key]['rmse']:.{digits}f}" for view in views.values())
        constant = ", ".join(f"{view[key]['rmse_constant']:.{digits}f}" for view in views.values())
        assert f"| {title} | {errors} | {constant} |" in README.read_text()
    coverage = " | ".join(f"{100 * view['log_age']['coverage']['68']:.0f} %" for view in views.values())
    assert f"| 68 % interval of log age holds | {coverage} | |" in README.read_text()
