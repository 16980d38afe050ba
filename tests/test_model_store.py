"""Models are written atomically and read only if they match their card."""

import json

import numpy as np
import pytest

from stellar_core import model_store
from stellar_core.errors import ModelError
from stellar_core.model_store import add_to_card, card_text, list_models, read_model, write_model
from stellar_core.paths import TRAINED_DIR


def test_a_model_is_read_as_it_was_written(tmp_path):
    written = write_model(tmp_path / "x", {"a": np.arange(3.0)}, {"what": "test"})
    arrays, card = read_model(tmp_path / "x")
    assert arrays["a"].tolist() == [0, 1, 2] and card == written and card["what"] == "test"
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["card.json", "weights.safetensors"]


def test_lists_of_numbers_take_one_line_each_and_nothing_is_lost():
    card = {"rows": [[1, 2.5, None], [-3e-07, 4, 5]], "text": ["[\n 1,\n 2\n]", "x"], "none": [], "deep": {"a": [7]}}
    text = card_text(card)
    assert json.loads(text) == card
    assert "  [1, 2.5, null],\n" in text and '"a": [7]' in text


@pytest.mark.parametrize("damage", ["flip", "cut", "card", "gone"])
def test_a_damaged_model_is_one_clear_error(tmp_path, damage):
    folder = tmp_path / "x"
    write_model(folder, {"a": np.arange(30.0)}, {})
    path = folder / "weights.safetensors"
    if damage == "flip":
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:50])
    elif damage == "card":
        (folder / "card.json").write_text("{")
    else:
        path.unlink()
    with pytest.raises(ModelError, match="x") as caught:
        read_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list_models())
def test_every_shipped_model_is_complete_and_dated(name):
    arrays, card = read_model(TRAINED_DIR / name)
    assert arrays and card["date"] and card["what"]
    assert (TRAINED_DIR / name / "weights.safetensors").stat().st_size < 8_000_000
    assert "/work" not in json.dumps(card)


def test_entries_are_added_to_a_card_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(model_store, "TRAINED_DIR", tmp_path)
    write_model(tmp_path / "x", {"a": np.arange(3.0)}, {"what": "test", "score": 1})
    add_to_card("x", {"score": 2, "more": [1, 2]})
    card = read_model(tmp_path / "x")[1]
    assert (card["what"], card["score"], card["more"]) == ("test", 2, [1, 2])
