"""The model cards that people read agree with ``card.json``."""

from __future__ import annotations

import json
import shutil

import pytest

from stellar_core.errors import ModelError
from stellar_core.model_cards import card_page, write_cards
from stellar_core.model_cards.descriptions import NETWORKS
from stellar_core.model_cards.markdown import number, percent, signed, table
from stellar_core.paths import TRAINED_DIR

CARDS = sorted(path.parent for path in TRAINED_DIR.glob("*/card.json"))


@pytest.mark.parametrize("folder", CARDS, ids=lambda folder: folder.name)
def test_readme_is_what_the_card_gives(folder):
    assert (folder / "README.md").read_text() == card_page(folder), "run: python -m stellar_core build cards"


@pytest.mark.parametrize("name", NETWORKS)
def test_card_of_a_network_states_mock_data_baselines_coverage_and_limits(name):
    page = card_page(TRAINED_DIR / name)
    for text in ("MOCK", "constant predictor", "exact posterior", "## Coverage", "## Real stars", "## Limits"):
        assert text in page


def test_figures_follow_the_card(tmp_path):
    folder = shutil.copytree(TRAINED_DIR / "isochrone", tmp_path / "isochrone")
    card = json.loads((folder / "card.json").read_text())
    card["metrics_mock_test"]["spectrum and photometry"]["log_age"]["rmse"] = 0.123
    (folder / "card.json").write_text(json.dumps(card))
    assert write_cards(tmp_path) == [folder / "README.md"]
    assert "| log age (dex) | 0.123 |" in (folder / "README.md").read_text()


def test_unknown_or_missing_card_is_an_error(tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        card_page(tmp_path / "other")
    (tmp_path / "other" / "card.json").write_text("{}")
    with pytest.raises(ModelError, match="no page for the model other"):
        card_page(tmp_path / "other")


def test_numbers_have_plain_signs_and_separators():
    assert (number(-0.0004), number(12345.6, 0)) == ("0.000", "12,346")
    assert (signed(0.05, 2), signed(-3.2, 0), percent(0.6853)) == ("+0.05", "-3", "68.5 %")
    assert table(["a", "b"], [["1", "2"]]) == ["| a | b |", "| --- | ---: |", "| 1 | 2 |"]
