"""True values of MOCK stars are inaccessible to all code that makes, trains or runs a model."""

import ast
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import stellar_core
from stellar_core.mock.plates import make_plate
from stellar_core.mock.survey import SEED, MockSurvey
from stellar_core.mock.truth import COLUMNS, truth

PACKAGE = Path(stellar_core.__file__).parent
#: Parts of the package that make, train, run and evaluate models, and the parts below them.
PARTS = (
    *("models", "datasets", "training", "inference", "preprocessing", "evaluation", "pipeline", "experiments"),
    *("isochrones", "sdss", "figures"),
)
#: The module that may read true stars of a plate, to score predictions, and the modules that may import it.
SCORERS = {
    "stellar_core.evaluation.survey_sample": {"evaluation.corruption_tests", "pipeline.test_report"},
    "stellar_core.evaluation.pipeline_errors": {"pipeline.suites"},
}
#: Ways to name the truth of the survey in a text: its file, its module, its columns.
TRUTH_FILES = r"\btruth\.(parquet|duckdb|csv|fits|npz|safetensors)|mock[./]truth\b"
TRUTH_WORDS = re.compile(rf"{TRUTH_FILES}|\b({'|'.join((*COLUMNS, 'true_stage', 'true_population'))})\b")


def files_of(parts):
    files = [path for part in parts for path in sorted((PACKAGE / part).rglob("*.py"))]
    assert len(files) > len(parts)
    return files


def imports_of(path):
    """Modules of the package that a file imports, in functions too; `from a import b` counts as a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            home = node.module or ""
            if node.level:
                parent = ("stellar_core", *path.relative_to(PACKAGE).parts[:-1])[: -node.level + 1 or None]
                home = ".".join((*parent, *([home] if home else [])))
            found |= {home} | {f"{home}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("stellar_core")}


@cache
def graph_of():
    graph = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(("stellar_core", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        graph[name] = imports_of(path)
    return graph


def reached_from(root, graph):
    found, todo = set(), [root]
    while todo:
        for name in graph.get(todo.pop(), ()):
            if name in graph and name not in found:
                found.add(name)
                todo.append(name)
    return found


def words_of(path):
    """Every text constant of a file except docstrings, parts of f-strings too."""
    tree = ast.parse(path.read_text())
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_no_chain_of_imports_leads_to_the_truth():
    graph = graph_of()
    assert "stellar_core.mock.truth" in reached_from("stellar_core.__main__", graph)
    roots = [name for name in graph if name.split(".")[1:2] and name.split(".")[1] in PARTS]
    assert len(roots) > 40
    for root in roots:
        assert "stellar_core.mock.truth" not in reached_from(root, graph), root
        if root not in SCORERS:
            assert not any(name.startswith("stellar_core.mock.plates") for name in graph[root]), root
    for scorer, users in SCORERS.items():
        assert {root for root in graph if scorer in graph[root]} <= {f"stellar_core.{user}" for user in users}


def test_no_source_text_names_the_truth():
    """Tables of real stars with independent ages have columns of their own that are called alike."""
    for path in files_of(PARTS):
        words = re.compile(TRUTH_FILES) if "real_ages" in path.parts else TRUTH_WORDS
        assert not [text for text in words_of(path) if words.search(text)], path.relative_to(PACKAGE)
    for path in (PACKAGE / "lookup.py", PACKAGE / "inference" / "result_tables.py"):
        assert not TRUTH_WORDS.search(path.read_text()), path.name


def test_the_searches_find_a_planted_import(tmp_path):
    """Both searches find code that reads the truth."""
    assert [text for text in words_of(PACKAGE / "mock" / "truth.py") if TRUTH_WORDS.search(text)]
    lines = (
        'read("mock/truth.parquet")',
        'table["true_log_age"]',
        'f"{folder}/truth.duckdb"',
        'load("stellar_core.mock.truth")',
    )
    for line in lines:
        (tmp_path / "reader.py").write_text(f'"""Text."""\nx = {line}\n')
        assert [text for text in words_of(tmp_path / "reader.py") if TRUTH_WORDS.search(text)], line
    graph = graph_of() | {"stellar_core.models.new": {"stellar_core.lookup", "stellar_core.mock.catalogue_writer"}}
    assert "stellar_core.mock.truth" in reached_from("stellar_core.models.new", graph)


def test_networks_training_and_inference_never_read_the_truth():
    for path in files_of(("models", "inference", "training")):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Attribute) and node.attr == "truth"), path.relative_to(PACKAGE)
            assert not (isinstance(node, ast.Name) and node.id == "Truth"), path.relative_to(PACKAGE)


@pytest.mark.slow
def test_the_running_app_does_not_load_the_truth():
    """Every module of training and models, and a prediction for a MOCK star, in a process of their own."""
    star = MockSurvey().examples()[0][0].name
    modules = [
        ".".join(("stellar_core", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for path in files_of(("models", "training", "inference", "preprocessing"))
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "from stellar_core.inference.estimator import Estimator\n"
        "from stellar_core.inference.predict import predict\n"
        f"found = next(predict([{star!r}], Estimator.load(), 2, 0))\n"
        "sys.stdout.write(found['source'] + ' ' + ' '.join(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True)
    source, *loaded = done.stdout.split()
    assert source == "mock" and "stellar_core.mock.survey" in loaded, done.stderr
    assert "stellar_core.mock.truth" not in loaded


@pytest.mark.slow
def test_the_result_for_a_mock_star_depends_on_observed_data_alone():
    """Without the noise-free model, the spectral type and the name the numbers are the same."""
    from stellar_core.inference.estimator import Estimator

    spectrum = MockSurvey().spectrum(MockSurvey().examples()[2][0])
    meta = {key: value for key, value in spectrum.meta.items() if key in ("class", "zwarning")}
    bare = replace(spectrum, model=None, meta=meta, name="", source="upload", notes=())
    estimator = Estimator.load()
    seen, blind = (estimator.estimate(star, samples=5, seed=1) for star in (spectrum, bare))
    for name in ("teff", "logg", "feh", "log_age", "log_lifetime"):
        assert np.array_equal(seen.draws[name], blind.draws[name]), name


def test_true_values_of_one_star():
    survey = MockSurvey()
    star = survey.star_ids(16005)[7]
    found, stars = truth(star), make_plate(SEED, 16005).stars
    assert set(found) == {*COLUMNS, "true_stage", "true_population"}
    assert found["true_teff"] == pytest.approx(stars.teff[7]) and found["true_log_age"] == pytest.approx(
        stars.log_age[7]
    )
    assert not set(found) & set(survey.spectrum(star).meta)
