"""The Data page: inventory with hashes, downloads in the background, SDSS checked on demand."""

from __future__ import annotations

import json
import re

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

import stellar_core
from stellar_core import background, inventory
from stellar_core.model_store import list_models
from stellar_core.ui.data.citations import ACKNOWLEDGEMENTS, BIBLIOGRAPHY
from tests.pages.conftest import ROOT


@pytest.fixture()
def page(tmp_path, monkeypatch) -> AppTest:
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    return AppTest.from_file(str(ROOT / "pages" / "data.py"), default_timeout=60)


def words(shown: AppTest) -> str:
    kinds = (shown.subheader, shown.markdown, shown.caption, shown.error, shown.success)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def test_every_model_is_listed_with_its_hash_and_card(page):
    shown = page.run()
    assert not shown.exception and stellar_core.__version__ in words(shown)
    table, cards = shown.dataframe[0].value, list_models()
    assert cards and set(cards) <= set(table.name)
    for name, card in cards.items():
        assert table.sha256[table.name == name].item() == card["sha256"]
    shown.selectbox[0].set_value("isochrone").run()
    assert not shown.exception and json.loads(shown.json[0].value)["name"] == "isochrone"
    next(button for button in shown.button if button.label == "Verify the files").click().run()
    assert not shown.exception and "All files match" in words(shown)


def test_downloads_are_listed_and_damaged_models_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    (tmp_path / "mist").mkdir()
    (tmp_path / "mist" / "MIST.txz").write_bytes(b"tracks")
    (tmp_path / "mist" / "MIST.txz.sha256").write_text("abc\n")
    (tmp_path / "survey" / "store").mkdir(parents=True)
    (tmp_path / "survey" / "store" / "store.json").write_text('{"mock": false}')
    found = {one.name: one for one in inventory.inventory()}
    assert found["MIST.txz"].sha256 == "abc" and found["MIST.txz"].bytes == 6 and found["survey/store"].bytes == 15
    monkeypatch.setattr(inventory, "list_models", lambda: {"none": {}})
    assert "no trained model 'none'" in inventory.damaged_models()[0]


def test_downloads_run_in_the_background_and_report_progress_and_failure(page, tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(background, "start", lambda status, arguments: begun.append(arguments))
    shown = page.run()
    shown.button(key="start_mist").click().run()
    shown.number_input(key="fetch_stars").set_value(500).run()
    shown.button(key="start_survey").click().run()
    assert not shown.exception and begun[0][:3] == ["fetch", "mist", "--out"] and begun[0][-2:] == ["--feh", "0.0"]
    assert begun[1][-2:] == ["--stars", "500"] and str(tmp_path / "survey") in begun[1]
    (tmp_path / "mist.status.json").write_text('{"what": "MIST_v1.2 (1 of 2)", "share": 0.5}')
    (tmp_path / "survey.status.json").write_text('{"what": "SkyServer is away.", "failed": true}')
    with FileLock(tmp_path / "mist.status.json.lock"):
        shown = page.run()
    assert not shown.exception and "The download failed. SkyServer is away." in words(shown)
    assert shown.button(key="start_survey").label == "Try again"
    assert "start_mist" not in [button.key for button in shown.button] and "stop_mist" in [
        button.key for button in shown.button
    ]


def test_a_download_whose_process_died_is_reported(page, tmp_path):
    (tmp_path / "survey.status.json").write_text('{"what": "spectra", "share": 0.2}')
    shown = page.run()
    assert "The process was killed, or the machine went down" in words(shown)
    assert shown.button(key="start_survey").label == "Try again"


def test_the_sdss_connection_is_checked_on_demand_only(page, sdss, monkeypatch, tmp_path):
    shown = page.run()
    assert "SDSS answers" not in words(shown)
    ask = lambda: next(button for button in shown.button if button.label.startswith("Check the SDSS")).click().run()
    assert ":green-badge[online]" in words(ask())
    monkeypatch.setenv("STELLAR_SAS_URL", "http://127.0.0.1:1")
    assert ":orange-badge[partly]" in words(ask())
    monkeypatch.setenv("STELLAR_SKYSERVER_URL", "http://127.0.0.1:1")
    assert "offline" in words(ask()) and not shown.exception


def test_citations_are_complete(page):
    shown = page.run()
    entries = BIBLIOGRAPHY.read_text()
    keys = re.findall(r"^@\w+\{(\w+),$", entries, re.MULTILINE)
    assert len(keys) == len(set(keys)) == 31 and entries.count("{") == entries.count("}")
    for entry in entries.split("\n@")[1:]:
        assert all(f"\n  {field} = " in entry for field in ("author", "title", "year")), entry
        assert "doi = " in entry or "eprint = " in entry or "PMLR" in entry or "Machine Learning Research" in entry
    shown_code = [item.value for item in shown.code]
    assert entries.strip() in [text.strip() for text in shown_code]
    sdss, gaia = (path.read_text() for path in ACKNOWLEDGEMENTS.values())
    assert sdss.startswith("Funding for the Sloan Digital Sky Survey IV has been provided by")
    assert "European Space Agency (ESA) mission Gaia" in gaia and gaia.strip() in shown_code
