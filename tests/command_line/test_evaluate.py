"""``evaluate --suite`` on the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.errors import ParameterError
from stellar_core.pipeline import suites


@pytest.mark.parametrize("name", ["headline", "real-stars", "corruption", "realism", "agreement", "real-ages"])
def test_each_suite_gets_model_and_data_and_prints_its_figures(name, tmp_path, monkeypatch):
    called, recorded = [], []

    def measure(model, data, progress):
        called.append((model, data))
        return {"figures": 1}

    monkeypatch.setattr(suites, "SUITES", {**suites.SUITES, name: measure})
    monkeypatch.setattr(suites, "record", lambda *given: recorded.append(given))
    command = ["evaluate", "isochrone", "--suite", name, "--data", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, command)
    assert json.loads(done.stdout) == {"figures": 1}
    assert called == [("isochrone", tmp_path)] and not recorded, "the card changes with --record alone"
    CliRunner().invoke(app, [*command, "--record"])
    assert recorded == [(name, "isochrone", {"figures": 1})]


def test_a_suite_with_a_table_prints_it_instead_of_json(monkeypatch):
    monkeypatch.setattr(suites, "SUITES", {"real-ages": lambda model, data, progress: {"figures": 1}})
    monkeypatch.setattr(suites, "TEXTS", {"real-ages": lambda found: f"a table of {found['figures']}"})
    command = ["evaluate", "--suite", "real-ages"]
    assert CliRunner().invoke(app, command).stdout == "a table of 1\n"
    assert json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout) == {"figures": 1}


def test_the_number_of_stars_is_passed_to_suites_that_have_one(monkeypatch):
    def limit(model, data, progress, stars=600):
        return {"stars": stars}

    monkeypatch.setattr(suites, "SUITES", {"limit": limit, "real-ages": lambda model, data, progress: {"stars": 0}})
    monkeypatch.setattr(suites, "TEXTS", {})
    run = lambda *options: json.loads(CliRunner().invoke(app, ["evaluate", "--json", *options]).stdout)
    assert run("--suite", "limit") == {"stars": 600}
    assert run("--suite", "limit", "--stars", "50") == {"stars": 50}
    assert run("--suite", "real-ages", "--stars", "50") == {"stars": 0}


def test_unknown_suite_is_an_error_that_lists_the_suites():
    error = CliRunner().invoke(app, ["evaluate", "--suite", "nothing"]).exception
    assert isinstance(error, ParameterError) and "real-stars" in str(error)


def test_suite_of_real_stars_without_data_is_an_error():
    error = CliRunner().invoke(app, ["evaluate", "--suite", "real-stars"]).exception
    assert isinstance(error, ParameterError) and "--data" in str(error)
