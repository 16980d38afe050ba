"""Learning curve: equal numbers of spectra at every size, and its rows on the card."""

import json

import pytest

from stellar_core.errors import ParameterError
from stellar_core.pipeline.learning_curve import recipe, record


def test_every_size_trains_on_as_many_spectra():
    assert {n: recipe(n, 0).epochs for n in (1000, 4000, 16_000, 64_000)} == {1000: 64, 4000: 16, 16_000: 4, 64_000: 1}
    with pytest.raises(ParameterError, match="100 to 64000"):
        recipe(10, 0)


def test_recording_replaces_the_same_run_and_keeps_the_rest(tmp_path):
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"classifier": {"auc": 0.9}}))
    row = {"stars": 1000, "seed": 0, "sample": "SDSS", "teff_bias": 1.0}
    record([row, row | {"stars": 4000}], card)
    record([row | {"teff_bias": 2.0}], card)
    found = json.loads(card.read_text())
    assert found["classifier"] == {"auc": 0.9}
    assert [(r["stars"], r["teff_bias"]) for r in found["growth"]] == [(1000, 2.0), (4000, 1.0)]
