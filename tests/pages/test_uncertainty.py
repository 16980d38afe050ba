"""The Uncertainty page, for any model with a stored test."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from stellar_core import model_store
from stellar_core.evaluation.stored_predictions import write_test
from stellar_core.ui.evidence import real_stars
from tests.pages.conftest import ROOT
from tests.stored_test_stars import stored


@pytest.fixture()
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(model_store, "TRAINED_DIR", tmp_path)
    monkeypatch.setattr(model_store, "adopted_folder", lambda: tmp_path / "adopted")
    return tmp_path


def model(folder, name: str) -> None:
    test = stored(name)
    write_test(folder / name, test)
    (folder / name / "card.json").write_text('{"sha256": "' + test.sha256 + '"}')
    (folder / name / "weights.safetensors").write_bytes(b"")


@pytest.fixture()
def page(app, folder) -> AppTest:
    """The page in the app, which is where its links lead to; not yet run."""
    return app.run().switch_page("pages/uncertainty.py")


def words(shown: AppTest) -> str:
    return "\n".join(
        str(item.value) for kind in (shown.markdown, shown.caption, shown.info, shown.warning) for item in kind
    )


def test_without_a_stored_test_the_page_names_the_command(page):
    shown = page.run()
    assert not shown.exception and "calibrate" in words(shown)


def test_every_tested_model_and_quantity_is_shown(folder, page):
    model(folder, "one")
    model(folder, "two")
    shown = page.run()
    assert not shown.exception and not shown.error and not shown.warning
    assert shown.title[0].value == "Can the error bars be trusted?" and "MOCK" in words(shown)
    assert len(shown.get("plotly_chart")) == 8
    assert len(shown.get("page_link")) == 12
    shown.selectbox(key="tested_model").set_value("two").run()
    assert not shown.exception and "500 test stars" in words(shown)


def test_a_test_of_other_weights_gives_a_warning(folder, page):
    model(folder, "one")
    (folder / "one" / "card.json").write_text('{"sha256": "other"}')
    assert "other weights" in words(page.run())


def test_a_damaged_table_gives_one_error(folder, page):
    model(folder, "one")
    (folder / "one" / "test-stars.safetensors").write_bytes(b"none")
    shown = page.run()
    assert not shown.exception and "cannot be read" in shown.error[0].value


def test_real_stars_are_shown_with_the_answer_first_and_both_sets_of_errors(page):
    shown = page.run()
    assert not shown.exception and not shown.error
    assert "real stars" in shown.subheader[0].value and "REAL" in shown.subheader[0].value
    assert re.search(r"off by \*\*0\.\d\d dex\*\*.*68 % interval contains", words(shown))
    parallax = r"With a parallax and no log g at all, .* \d+ stars is off by \*\*0\.\d\d dex\*\* \(0\.\d\d without"
    assert re.search(parallax, words(shown))
    assert len(shown.get("plotly_chart")) == 1
    good = shown.table[0].value
    shown.segmented_control(key="real_errors").set_value("sdss").run()
    poor = shown.table[0].value
    assert not shown.exception and list(good.index) == list(poor.index) and not good.equals(poor)
    assert "Seven seismic pipelines" in words(shown) and "evaluate --suite real-ages" in words(shown)


def test_a_damaged_record_of_real_stars_gives_one_error_and_the_rest_of_the_page(folder, page, monkeypatch, tmp_path):
    monkeypatch.setattr(real_stars, "RECORD", tmp_path / "measured.json")
    model(folder, "one")
    shown = page.run()
    assert not shown.exception and "real-ages --record" in shown.error[0].value
    assert len(shown.get("plotly_chart")) == 7


def test_reading_a_stored_test_loads_no_network():
    modules = (
        "stellar_core.evaluation.panels, stellar_core.ui.evidence.uncertainty, stellar_core.ui.evidence.real_stars"
    )
    code = f"import sys, {modules}; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "torch" not in loaded and "astropy" not in loaded
