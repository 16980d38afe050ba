"""Rules of the house that a reader cannot see at a glance."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted(path for path in (ROOT / "stellar_core").rglob("*.py") if "ui" not in path.relative_to(ROOT).parts)
PAGES = sorted((ROOT / "pages").glob("*.py"))


#: Part of the package -> what it must not import: data flow one way.
FORBIDDEN = {
    "isochrones": ("torch", "stellar_core.models", "stellar_core.sdss", "stellar_core.mock"),
    "models": ("astropy", "stellar_core.sdss", "stellar_core.mock", "stellar_core.isochrones"),
    "preprocessing": ("torch", "stellar_core.models", "stellar_core.mock", "stellar_core.isochrones"),
    "sdss": ("torch", "stellar_core.models", "stellar_core.inference", "stellar_core.mock"),
    "figures": ("torch", "stellar_core.models", "stellar_core.inference.base"),
}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file it does, with its parents."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.rsplit(".", cut)[0] for name in names for cut in range(name.count(".") + 1)}


def test_only_the_ui_knows_streamlit():
    assert CORE
    assert not [path for path in CORE if "streamlit" in imported(path)]


@pytest.mark.parametrize("part", FORBIDDEN)
def test_data_flow_one_way(part):
    for path in (ROOT / "stellar_core" / part).rglob("*.py"):
        assert not imported(path) & set(FORBIDDEN[part]), path.relative_to(ROOT)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_short_and_joins_the_menu(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 120
    assert "enter_page()" in text


@pytest.mark.parametrize("module", ["stellar_core", "stellar_core.lookup", "stellar_core.ui.shell"])
def test_what_comes_before_the_first_heading_loads_nothing_heavy(module):
    code = f"import sys, {module}; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "astropy", "scipy", "pandas", "sklearn"} & set(loaded.split())
