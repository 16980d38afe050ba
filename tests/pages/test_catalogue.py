"""The catalogue page: made on demand, filtered, selected, asked; labelled MOCK."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from stellar_core.catalogue.making import make_catalogue
from stellar_core.ui import catalogue as ui
from tests.pages.conftest import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_catalogue(tmp_path_factory.mktemp("catalogue") / "stars.parquet", 80)


@pytest.fixture()
def present(made, monkeypatch):
    monkeypatch.setattr(ui, "default_path", lambda: made)


def page(**link: str) -> AppTest:
    shown = AppTest.from_file(str(ROOT / "pages" / "catalogue.py"), default_timeout=120)
    for name, value in link.items():
        shown.query_params[name] = value
    return shown.run()


def words(shown: AppTest) -> str:
    return "\n".join(str(item.value) for kind in (shown.subheader, shown.markdown, shown.caption, shown.info) for item in kind)


def test_diagram_table_histogram_and_sky_are_shown_and_labelled(present):
    shown = page()
    assert not shown.exception and not shown.error
    assert len(shown.get("plotly_chart")) == 3 and ":orange-badge[MOCK]" in words(shown)
    assert "80 stars" in words(shown) and len(shown.dataframe[0].value) == 80


def test_filters_and_colour_apply(present):
    shown = page(colour="Mass (Msun)")
    assert shown.selectbox[0].value == "Mass (Msun)"
    slider = shown.slider[0]
    slider.set_value((slider.min, 5500.0)).run()
    assert not shown.exception and shown.dataframe[0].value.teff.max() <= 5500
    assert f"{len(shown.dataframe[0].value)} stars" in words(shown)


def test_sql_is_answered_and_damage_is_one_sentence(present):
    shown = page()
    shown.button[-1].click().run()
    assert not shown.exception and shown.dataframe[1].value.stars.sum() == 80
    shown.text_area[0].set_value("DROP TABLE stars").run()
    shown.button[-1].click().run()
    assert not shown.exception and "SELECT" in shown.error[0].value


def test_without_a_catalogue_it_is_offered_and_progress_is_told(tmp_path, monkeypatch):
    from filelock import FileLock

    path = tmp_path / "stars.parquet"
    monkeypatch.setattr(ui, "default_path", lambda: path)
    shown = page()
    assert not shown.exception and "166,625 MOCK stars" in words(shown)
    assert [button.label for button in shown.button] == ["Make the catalogue"]
    (tmp_path / "stars.parquet.status.json").write_text('{"what": "ages", "share": 0.5}')
    with FileLock(tmp_path / "stars.parquet.lock"):
        assert not page().button
