"""The Catalogue page: built on demand, filtered, saved, linked, queried; marked MOCK."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest
from streamlit.testing.v1 import AppTest

from stellar_core.catalogue.builder import make_catalogue
from tests.pages.conftest import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    make_catalogue(cache / "catalogue" / "stars.parquet", 80)
    return cache


@pytest.fixture()
def present(made, monkeypatch):
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(made))
    return made / "catalogue"


def page(**link: str) -> AppTest:
    shown = AppTest.from_file(str(ROOT / "pages" / "catalogue.py"), default_timeout=120)
    for name, value in link.items():
        shown.query_params[name] = value
    return shown.run()


def words(shown: AppTest) -> str:
    return "\n".join(
        str(item.value) for kind in (shown.subheader, shown.markdown, shown.caption, shown.info) for item in kind
    )


def press(shown: AppTest, label: str) -> AppTest:
    return next(button for button in shown.button if button.label == label).click().run()


def test_diagram_table_histogram_and_sky_are_shown_and_marked_mock(present):
    shown = page()
    assert not shown.exception and not shown.error
    assert len(shown.get("plotly_chart")) == 3 and ":orange-badge[MOCK]" in words(shown)
    assert "80 stars" in words(shown) and len(shown.dataframe[0].value) == 80
    assert shown.dataframe[0].value.age_gyr.dropna().between(0, 13.9).all()
    assert not [name for name in shown.dataframe[0].value if name.startswith("log_")]
    colours = shown.selectbox(key="catalogue_colour")
    for column in ("stage", "age_gyr", "plate"):
        colours.set_value(column).run()
        assert not shown.exception and shown.query_params["colour"] in (column, [column])


def test_a_link_restores_filters_stages_colour_and_box(present):
    everything = page().dataframe[0].value
    shown = page(colour="mass_mean", filter="teff:4500:6500;ra:0:180", stages="Hot;Medium;Cool", box="5000:6000:4:5")
    assert not shown.exception and shown.selectbox(key="catalogue_colour").value == "mass_mean"
    stars = shown.dataframe[0].value
    expected = everything[
        everything.teff.between(5000, 6000) & everything.logg.between(4, 5) & everything.ra.between(0, 180)
    ]
    expected = expected[expected.stage.str.startswith("Main sequence")]
    assert len(stars) == len(expected) and set(stars.star) == set(expected.star)
    shown = press(shown, "Clear the box")
    assert "box" not in shown.query_params and len(shown.dataframe[0].value) >= len(stars)
    assert not page(filter="teff:9e99:1e99;no:1:2", box="a:b", survey="other", colour="'; DROP TABLE stars").exception


def test_filters_apply_and_are_saved_by_name(present):
    shown = page()
    slider = shown.slider(key="catalogue_filter_teff")
    slider.set_value((slider.min, 5500.0)).run()
    assert not shown.exception and shown.dataframe[0].value.teff.max() <= 5500
    kept = len(shown.dataframe[0].value)
    shown.text_input[0].set_value("cool stars")
    shown = press(shown, "Save")
    assert (
        not shown.exception and "teff" in json.loads((present / "selections.json").read_text())["cool stars"]["filter"]
    )
    other = page()
    assert len(other.dataframe[0].value) == 80
    other = press(other, "cool stars")
    assert len(other.dataframe[0].value) == kept
    other = other.button(key="catalogue_forget_cool stars").click().run()
    assert not other.exception and json.loads((present / "selections.json").read_text()) == {}


@pytest.mark.slow
def test_sql_queries_run_and_bad_ones_give_one_error_message(present):
    shown = press(page(), "Run")
    assert not shown.exception and shown.dataframe[1].value.stars.sum() == 80
    shown.text_area[0].set_value("DROP TABLE stars").run()
    assert shown.dataframe[1].value.stars.sum() == 80, "the result stays until the next query"
    shown = press(shown, "Run")
    assert not shown.exception and "SELECT" in shown.error[0].value and len(shown.dataframe) == 1


def test_a_missing_catalogue_can_be_built_and_progress_is_shown(tmp_path, monkeypatch):
    from filelock import FileLock

    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    shown = page()
    assert not shown.exception and "166,625 MOCK stars" in words(shown)
    assert [button.label for button in shown.button] == ["Build the catalogue"]
    status = tmp_path / "catalogue" / "stars.parquet.status.json"
    status.parent.mkdir()
    status.write_text(json.dumps({"what": "ages", "share": 0.5, "since": time.time() - 55.0}))
    with FileLock(status.with_name(f"{status.name}.lock")):
        shown = page()
        assert not shown.button and re.search(r"55%, about 4[4-9] s left", shown.get("progress")[0].text)


def test_stars_that_are_not_drawn_are_counted_with_the_reason():
    from stellar_core.ui.catalogue.page import _drawn

    assert _drawn(80, 80, "MOCK stars", "") == "80 MOCK stars."
    assert _drawn(166_544, 166_625, "MOCK stars", "") == (
        "166,544 of 166,625 MOCK stars are drawn; the other 81 lie outside 3200–10000 K or log g 0–5.5."
    )
    assert "have no Age (Gyr) or lie outside" in _drawn(1, 3, "stars", "age_gyr")


def test_a_downloaded_catalogue_can_be_chosen(made, tmp_path, monkeypatch):
    shutil.copytree(made / "catalogue", tmp_path / "catalogue")
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    (tmp_path / "survey" / "store").mkdir(parents=True)
    (tmp_path / "survey" / "store" / "store.json").write_text('{"mock": false}')
    assert ":orange-badge[MOCK]" in words(page())
    shown = page(survey="sdss")
    assert not shown.exception and "downloaded stars" in words(shown) and not shown.dataframe
    shutil.copy(tmp_path / "catalogue" / "stars.parquet", tmp_path / "catalogue" / "survey.parquet")
    shown = page(survey="sdss")
    assert not shown.exception and ":blue-badge[SDSS]" in words(shown) and "MOCK" not in words(shown)
