"""The plan of the house: layers, cycles, and other rules that a reader cannot see at a glance."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "pages").glob("*.py"))

#: Packages and modules of stellar_core from the top down. Each imports from its own layer and from those below.
#: What is not listed is in the lowest layer: modules at the root of the package, and what serves them all.
LAYERS = (
    ("ui",),
    ("__main__", "commands", "inventory"),
    ("jobs",),
    ("batch", "catalogue", "clusters", "experiments", "pipeline", "sandbox"),
    ("evaluation",),
    ("training",),
    ("datasets",),
    ("inference", "lookup"),
    ("mock", "survey"),
    ("examples", "gaia", "sdss"),
    ("isochrones", "models"),
    ("preprocessing",),
    ("figures",),
)
#: Part of the package -> what it must not import.
FORBIDDEN = {
    "isochrones": ("torch", "stellar_core.models", "stellar_core.sdss", "stellar_core.mock"),
    "models": ("astropy", "stellar_core.sdss", "stellar_core.mock", "stellar_core.isochrones"),
    "preprocessing": ("torch", "stellar_core.models", "stellar_core.mock", "stellar_core.isochrones"),
    "sdss": ("torch", "stellar_core.models", "stellar_core.inference", "stellar_core.mock"),
    "gaia": ("torch", "stellar_core.models", "stellar_core.inference", "stellar_core.mock", "astroquery"),
    "figures": ("torch", "stellar_core.models", "stellar_core.inference"),
}
#: Module or package that no test imports by name -> the tests that run it through another module.
TESTED_ELSEWHERE = {
    "ui": "pages, browser",
    "commands": "command_line, batch/test_job, clusters/test_comparison, experiments/test_phases, mock/test_truth",
    "terminal": "command_line/test_identify",
    "batch.input_lists": "batch/input_lists: all formats through the package",
    "evaluation.atmospheres": "evaluation/test_real_stars",
    "evaluation.mock_evaluation": "pipeline/test_train_model, pipeline/test_recalibrate",
    "evaluation.predictions": "evaluation/test_stored_predictions",
    "evaluation.survey_sample": "pipeline/test_train_model",
    "export": "export: all formats through the package",
    "inference.predict": "command_line/test_predict",
    "isochrones.bin_likelihood": "isochrones/test_catalogue_posterior",
    "isochrones.extinction_sum": "isochrones/test_photometric_likelihood",
    "isochrones.lifetime": "isochrones/test_tracks",
    "isochrones.massloss": "isochrones/test_tracks",
    "isochrones.observable_bins": "isochrones/test_catalogue_posterior",
    "isochrones.observation": "isochrones/test_posterior",
    "isochrones.photometric_summaries": "isochrones/test_label",
    "isochrones.posterior_summaries": "isochrones/test_catalogue_posterior",
    "jobs.comparison": "jobs/test_commands",
    "model_cards": "model_cards/test_pages: all cards through the package",
    "priority": "test_background, jobs/test_worker",
    "sandbox.limits": "sandbox/test_pool, catalogue/test_query",
    "sandbox.process": "sandbox/test_pool, catalogue/test_query",
    "sandbox.system_calls": "sandbox/test_pool",
    "sdss.cone_search": "sdss/test_archive",
    "sdss.preload": "sdss/test_archive",
    "sdss.readers": "sdss/readers: all formats through the package",
    "survey.downloads": "survey/test_acquisition",
    "text_lines": "batch/input_lists/test_lists",
}
#: The modules that run as a program: the command line, and two processes that other modules start.
PROGRAMS = {"stellar_core.__main__", "stellar_core.sandbox.parser", "stellar_core.catalogue.query"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "stellar_core").rglob("*.py"))}


@cache
def imported(path: Path) -> frozenset[str]:
    """Names that a file imports, anywhere in it: ``a.b`` for ``import a.b``, ``a.b.c`` for ``from a.b import c``."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def with_parents(names: frozenset[str]) -> set[str]:
    return {name.rsplit(".", cut)[0] for name in names for cut in range(name.count(".") + 1)}


def modules_of(names: frozenset[str]) -> set[str]:
    """The modules of stellar_core among ``names``, or those that define them."""
    return {name if name in MODULES else name.rpartition(".")[0] for name in names} & set(MODULES)


@cache
def imports() -> dict[str, set[str]]:
    """The modules of stellar_core that each of them imports."""
    return {name: modules_of(imported(path)) - {name} for name, path in MODULES.items()}


def layer(module: str) -> int:
    part = module.split(".")[1] if "." in module else "lookup"  # stellar_core itself is the front door of inference
    return next((number for number, names in enumerate(LAYERS) if part in names), len(LAYERS))


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == index[node]:
            cut = stack.index(node)
            if len(stack) - cut > 1:
                found.append(sorted(stack[cut:]))
            del stack[cut:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_every_import_goes_down():
    assert len(MODULES) > 200
    upward = [f"{name} -> {other}" for name in MODULES for other in imports()[name] if layer(other) < layer(name)]
    assert not upward


def test_no_cycle_between_files():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert not cycles(imports())


def test_no_cycle_between_packages():
    def package(name: str) -> str:
        return name.split(".")[1] if len(name.split(".")) > 1 else name

    graph: dict[str, set[str]] = {package(name): set() for name in MODULES}
    for name, others in imports().items():
        graph[package(name)] |= {package(other) for other in others if (MODULES[other].name != "__init__.py")}
        graph[package(name)] -= {package(name)}
    assert not cycles(graph)


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_does_not_load_what_it_does_not_need(part):
    for path in (ROOT / "stellar_core" / part).rglob("*.py"):
        assert not with_parents(imported(path)) & set(FORBIDDEN[part]), path.relative_to(ROOT)


def test_offline_fitting_is_imported_by_the_command_build_alone():
    users = {name for name in MODULES if any(other.startswith("stellar_core.mock.fit") for other in imports()[name])}
    assert {name for name in users if not name.startswith("stellar_core.mock.fit")} == {"stellar_core.commands.build"}


def test_only_pages_and_ui_import_streamlit():
    assert not [
        name
        for name, path in MODULES.items()
        if not name.startswith("stellar_core.ui") and "streamlit" in with_parents(imported(path))
    ]


def test_the_command_line_is_the_only_one():
    programs = {name for name, path in MODULES.items() if '__name__ == "__main__"' in path.read_text()}
    assert programs | {name for name in MODULES if name.endswith("__main__")} == PROGRAMS


def test_every_module_is_tested():
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "benchmarks" not in path.parts]
    named = set().union(*(modules_of(imported(path)) for path in tests))
    untested = []
    for name, path in MODULES.items():
        own = ROOT / "tests" / path.relative_to(ROOT / "stellar_core").with_name(f"test_{path.name}")
        inner = name.removeprefix("stellar_core.")
        elsewhere = any(inner == other or inner.startswith(f"{other}.") for other in TESTED_ELSEWHERE)
        if not (path.name == "__init__.py" or own.exists() or name in named or elsewhere):
            untested.append(name)
    assert not untested
    assert not [name for name in TESTED_ELSEWHERE if f"stellar_core.{name}" not in MODULES]


def test_no_text_names_the_machine_it_was_written_on():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    machine = re.compile(r"(?<![\w.])/(work|root|home)/\w|localhost:\d{4,5}/(simple|pypi)|GITHUB_|ISSUE_")
    for name in listed:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".ini", ".sql", ".csv", ".bib"} and path.exists():
            found = machine.search(path.read_text())
            assert found is None or path == Path(__file__), f"{name}: {found}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_short_and_joins_the_menu(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 120
    assert "enter_page()" in text


@pytest.mark.parametrize("module", ["stellar_core", "stellar_core.lookup", "stellar_core.ui.shell"])
def test_nothing_heavy_is_loaded_before_the_first_heading(module):
    code = f"import sys, {module}; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"torch", "astropy", "scipy", "pandas", "sklearn"} & set(loaded.split())
