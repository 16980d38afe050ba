"""The benchmarks, which no test runs, still import what exists, and README.md lists them all."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("benchmarks")
BENCHMARKS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "visitors"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_can_be_imported_and_is_in_the_readme(name):
    importlib.import_module(f"tests.benchmarks.{name}")
    assert name in (FOLDER / "README.md").read_text()
