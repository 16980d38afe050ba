"""Test suites: card entries of the right models and data, and errors of one line."""

import json

import pytest

from stellar_core.errors import ParameterError
from stellar_core.pipeline import suites


def ignore(name: str, done: int, total: int) -> None:
    """A progress that shows nothing."""


@pytest.mark.parametrize("suite", ["real-stars", "photometry", "realism", "agreement"])
def test_a_suite_without_its_data_says_so(suite, tmp_path):
    for data in (None, tmp_path):
        with pytest.raises(ParameterError, match="--data") as caught:
            suites.SUITES[suite]("isochrone", data, ignore)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_headline_metrics_are_of_model_9(monkeypatch):
    with pytest.raises(ParameterError, match="Model 9"):
        suites.SUITES["headline"]("paper-setup-a", None, ignore)
    monkeypatch.setattr(suites, "HEADLINE_STARS", 30)
    monkeypatch.setattr(suites, "HEADLINE_DRAWS", 10)
    seen = []
    found = suites.SUITES["headline"]("isochrone", None, lambda *step: seen.append(step))
    assert list(found) == ["one_checkpoint_mock_test"]
    assert found["one_checkpoint_mock_test"]["paper_protocol"]["paper"]["macro_f1"] == 0.9544
    assert seen[-1][1] == seen[-1][2] == found["one_checkpoint_mock_test"]["stars"]


def test_the_limit_is_of_model_9_and_goes_to_its_card(monkeypatch):
    with pytest.raises(ParameterError, match="Model 9"):
        suites.SUITES["limit"]("paper-setup-a", None, ignore)
    monkeypatch.setattr(suites.comparison, "measure", lambda estimator, stars, progress: {"n": (estimator.name, stars)})
    assert suites.SUITES["limit"]("isochrone", None, ignore, stars=20) == {
        "bayes_limit_mock_test": {"n": ("isochrone", 20)}
    }
    assert suites.comparison.STARS >= 500


def test_corruption_uses_mock_stars_without_data_and_real_ones_with_it(monkeypatch, tmp_path):
    (tmp_path / "sdss").mkdir()
    (tmp_path / "sdss" / "index.csv").touch()
    tests = suites.corruption_tests
    monkeypatch.setattr(tests, "corruption_suite", lambda estimator, n, progress: {"n": n})
    monkeypatch.setattr(tests, "real_corruption_suite", lambda estimator, folder, progress: {"folder": folder.name})
    run = suites.SUITES["corruption"]
    assert run("isochrone", None, ignore) == {"damage_mock": {"n": suites.CORRUPTION_STARS}}
    assert run("isochrone", tmp_path, ignore) == {"gate_on_real_spectra": {"folder": "sdss"}}


def test_real_ages_are_read_from_the_shipped_tables_a_folder_or_its_own_folder_of_public_data(monkeypatch, tmp_path):
    monkeypatch.setattr(suites.benchmark, "measure", lambda folder, progress: {"folder": folder})
    run = suites.SUITES["real-ages"]
    assert run("isochrone", None, ignore)["folder"] is None
    assert run("isochrone", tmp_path, ignore)["folder"] == tmp_path
    (tmp_path / "real_ages").mkdir()
    assert run("isochrone", tmp_path, ignore)["folder"] == tmp_path / "real_ages"


def test_results_go_to_the_card_of_the_model_or_of_the_mock_survey(monkeypatch):
    written = {}
    monkeypatch.setattr(suites, "add_to_card", lambda model, found: written.update({model: found}))
    monkeypatch.setattr(suites.classifier, "record", lambda found: written.update({"mock-realism": found}))
    suites.record("corruption", "isochrone", {"damage_mock": 1})
    suites.record("realism", "isochrone", {"auc": 0.5})
    assert json.dumps(written, sort_keys=True) == '{"isochrone": {"damage_mock": 1}, "mock-realism": {"auc": 0.5}}'
    suites.record("labels", "isochrone", {"labels": []})
    assert written.pop("mock-pipeline") == {"labels": []}
    monkeypatch.setattr(suites, "write_record", lambda found: written.update(found))
    suites.record("real-ages", "isochrone", {"samples": 1})
    assert written["samples"] == 1 and written["isochrone"] == {"damage_mock": 1}
