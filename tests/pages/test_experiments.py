"""The Experiments page: stored results marked MOCK, links to each phase, and no results."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from stellar_core.experiments.differences import differences
from stellar_core.experiments.findings import findings
from stellar_core.experiments.tables import compact, tables, write_tables
from stellar_core.experiments.verdict import RULE
from stellar_core.paths import TRAINED_DIR
from stellar_core.ui.evidence import experiments
from tests import phase_results as made
from tests.pages.conftest import ROOT


@pytest.fixture()
def published(tmp_path, monkeypatch):
    """All phases of made-up results."""
    monkeypatch.setattr(experiments, "EXPERIMENTS", tmp_path)
    for results in (made.phase_1(), made.phase_2(), made.phase_3()):
        results["findings"] = findings(results)
        results["tables"] = write_tables(tables(results), tmp_path / "tables")
        (tmp_path / f"phase{results['phase']}.json").write_text(json.dumps(compact(results)))
    return tmp_path


def page(**link: str) -> AppTest:
    shown = AppTest.from_file(str(ROOT / "pages" / "experiments.py"), default_timeout=120)
    for name, value in link.items():
        shown.query_params[name] = value
    return shown.run()


def words(shown: AppTest) -> str:
    return "\n".join(
        str(item.value) for kind in (shown.subheader, shown.markdown, shown.caption, shown.info) for item in kind
    )


def test_tables_curves_errors_and_architecture_are_shown_and_marked(published):
    shown = page()
    assert not shown.exception and not shown.error
    assert len(shown.get("plotly_chart")) == 4
    assert ":orange-badge[MOCK]" in words(shown) and "proportions, MOCK stars" in words(shown)
    assert "Paper:" in words(shown) and "Ours:" in words(shown) and RULE.split(".")[0] in words(shown)
    assert "claims of the paper, " in words(shown) and "0.103 dex" in words(shown)
    assert len(shown.dataframe[0].value) == 24
    table = shown.dataframe[1].value
    assert len(table) == len(differences()) and "Batch size" in table["Setting"].tolist()


def test_a_survey_is_another_choice_of_stars(published):
    results = json.loads((published / "phase1.json").read_text())
    results |= {"survey": "SDSS DR17", "data_kind": "REAL"}
    (published / "phase1-survey.json").write_text(json.dumps(results))
    shown = page()
    shown.get("button_group")[0].set_value("-survey").run()
    assert not shown.exception and "REAL stars of the survey SDSS DR17: 900" in words(shown)


def test_results_of_the_first_edition_are_labelled(published):
    results = json.loads((published / "phase1.json").read_text())
    (published / "phase1.json").write_text(json.dumps(results | {"edition": "First edition: one seed"}))
    assert "First edition: one seed." in page().warning[0].value


def test_the_stored_results_are_of_the_first_edition_and_say_so():
    for number in (1, 2, 3):
        results = json.loads((TRAINED_DIR / "experiments" / f"phase{number}.json").read_text())
        assert results["edition"].startswith("First edition")
        assert {found["verdict"] for found in results["findings"]} == {"inconclusive"}
        assert results["findings"] == findings(results), "as the rule gives them"


def test_the_address_and_the_chosen_phase_agree(published):
    shown = page(phase="3")
    assert "Setup A" in shown.dataframe[0].value.columns
    shown.get("button_group")[0].set_value(1).run()
    assert not shown.exception and shown.query_params["phase"] in ("1", ["1"])
    assert not page(phase="9; DROP TABLE").exception


def test_another_table_and_model_are_drawn(published):
    shown = page()
    shown.selectbox[0].select_index(3).run()
    assert not shown.exception and len(shown.get("plotly_chart")) == 3, "the paper prints no such table"
    shown.selectbox[-1].select_index(0).run()
    assert not shown.exception and len(shown.get("plotly_chart")) == 3


def test_every_phase_has_figures_and_distinct_titles_of_runs(published):
    for phase, number, run in (
        ("1", 8, "Experiment A, Model 1"),
        ("2", 6, "Model 6, depth 2"),
        ("3", 4, "Setup A, unbounded, seed 0"),
    ):
        shown = page(phase=phase)
        assert not shown.exception and len(shown.selectbox[0].options) == number
        assert len(shown.get("plotly_chart")) == 4 and run in shown.multiselect[0].options


def test_without_results_the_page_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "EXPERIMENTS", tmp_path)
    shown = page()
    assert not shown.exception and "phase 1" in words(shown)
    assert len(shown.get("plotly_chart")) == 1
