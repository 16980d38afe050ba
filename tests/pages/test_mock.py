"""The Mock survey page: stored comparisons, marked MOCK and REAL, and errors for missing files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from stellar_core.mock.held_out import read_held_out
from stellar_core.mock.population_comparison import PAIRS, read_comparison
from stellar_core.ui.evidence import mock_survey
from tests.pages.conftest import ROOT

REALISM = {
    "growth": [
        {"stars": stars, "seed": 0, "sample": "SDSS"}
        | {f"{key}_{part}": 0.1 for key in ("teff", "logg", "feh") for part in ("bias", "scatter")}
        for stars in (1000, 4000)
    ],
    "classifier": {"auc": 0.63, "auc_error": 0.04, "reasons": [{"what": "sky residuals", "auc": 0.6}]},
}


@pytest.fixture()
def trained(tmp_path, monkeypatch):
    """A copy of ``trained`` by links, in which parts can be missing."""
    return link(tmp_path, monkeypatch)


def link(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    for name in ("spectral-emulator", "mock-population"):
        (folder / name).symlink_to(ROOT / "trained" / name)
    patch.setattr(mock_survey, "TRAINED", folder)
    return folder


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> AppTest:
    """The page as shipped, without what is measured later."""
    with pytest.MonkeyPatch.context() as patch:
        link(tmp_path_factory.mktemp("trained"), patch)
        return page()


def page() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "mock.py"), default_timeout=120).run()


def words(page: AppTest) -> str:
    return "\n".join(
        str(item.value) for kind in (page.subheader, page.markdown, page.caption, page.info) for item in kind
    )


@pytest.mark.slow
def test_the_page_is_in_the_menu(app):
    app.run()
    app.switch_page("pages/mock.py").run()
    assert not app.exception and not app.error
    assert app.title[0].value == "How realistic is the MOCK survey?"


def test_stored_comparisons_are_shown_and_marked(shown):
    assert not shown.exception and not shown.error
    # One star, all stars, the map; histograms and the densities.
    assert len(shown.get("plotly_chart")) == 4 + len(PAIRS)
    for label in (":orange-badge[MOCK]", ":blue-badge[REAL]"):
        assert sum(label in item.value for item in shown.subheader) == 2
    assert "classifier" not in words(shown).lower()


def test_the_numbers_are_those_of_the_tables(shown):
    text = words(shown)
    found, held = read_comparison(), read_held_out()
    assert f"{found.mock_stars} MOCK stars" in text and f"{found.real_stars} stars of SDSS" in text
    assert f"{len(held.labels)} library spectra" in text
    card = json.loads((ROOT / "trained" / "spectral-emulator" / "card.json").read_text())
    rms = card["held_out_line_residual_3850_7350"]["without those named as outliers"]["4500-8000 K"]["rms"]
    tables = "\n".join(table.value.to_string() for table in shown.table)
    assert f"{rms:.4f}" in tables and f"{found.distances['g_r'].ks:.3f}" in tables


def test_the_limits_of_the_mock_are_listed(shown):
    text = words(shown)
    for outside in ("M dwarfs", "12000 K", "carbon stars", "white dwarfs"):
        assert outside in text


@pytest.mark.slow
def test_another_star_can_be_chosen(trained):
    shown = page()
    before = shown.get("plotly_chart")[0].proto.spec
    box = shown.selectbox(key="held_out_star")
    held = read_held_out()
    assert len(box.options) == len(held.title) and "Sun" in box.options[box.value]
    box.set_value(0).run()
    assert not shown.exception and shown.get("plotly_chart")[0].proto.spec != before
    assert any(f"{held.line_rms[held.row[0]]:.4f}" in caption.value for caption in shown.caption)


def test_realism_is_shown_if_it_was_measured(trained):
    (trained / "mock-realism").mkdir()
    (trained / "mock-realism" / "card.json").write_text(json.dumps(REALISM))
    shown = page()
    assert not shown.exception and "**0.63 ± 0.04**" in words(shown)
    assert len(shown.get("plotly_chart")) == 6 + len(PAIRS)


def test_a_missing_table_gives_one_error_and_the_rest_is_shown(trained):
    (trained / "mock-population").unlink()
    shown = page()
    assert not shown.exception and len(shown.error) == 1 and "Restore" in shown.error[0].value
    assert len(shown.get("plotly_chart")) == 3
