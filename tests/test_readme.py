"""What the README shows runs: its Python as it stands, its commands as far as their options."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from stellar_core.__main__ import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("python -m stellar_core ")
]
#: What a block takes for granted: a catalogue as the command ``mock`` writes it.
BEFORE = {
    "cuts = QualityCuts()": "from pathlib import Path\nimport pandas\nfrom stellar_core.mock.catalogue_writer import write_release\n"
    "write_release(20, Path('mock'), 1, spectra=False)\ntable = pandas.read_parquet('mock/catalogue.parquet')\n"
}


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_the_python_runs_as_it_stands(code, shared_data, tmp_path):
    for name in re.findall(r"spec-\d{4}-\d{5}-\d{4}\.fits", code):
        shutil.copyfile(shared_data / "sdss" / name, tmp_path / name)
    before = "".join(text for word, text in BEFORE.items() if word in code)
    path = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    done = subprocess.run([sys.executable, "-c", path + before + code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_take_these_options(line):
    command, words = typer.main.get_command(app), shlex.split(line)[3:]
    context = None
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    context = command.make_context(command.name, words, parent=context)  # a UsageError says what it does not know
    assert context.command is command


def test_there_is_something_to_run():
    assert len(PYTHON) >= 2 and len(COMMANDS) >= 15
