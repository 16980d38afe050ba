"""Training, calibration and test on the stars of a survey: the card says so, and memory does not hold the spectra."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import DiskArray
from stellar_core.errors import ParameterError, RunError
from stellar_core.pipeline.survey_sets import survey_sets
from stellar_core.pipeline.train_model import train_model
from tests.small_run import config
from tests.small_store import make_store

DATA = DataConfig(stars=150, calibration=100, test=100)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("survey") / "store", stars=400)


def test_sets_are_disjoint_and_their_sentence_names_the_survey(store, tmp_path):
    lines = []
    sets = survey_sets(store, DATA, tmp_path / "stars", say=lines.append)
    assert len(sets.training) == 150 and isinstance(sets.training.inputs.flux, DiskArray)
    assert 20 <= len(sets.calibration) <= 60 and 20 <= len(sets.test) <= 60
    ages = [set(np.asarray(part.labels.log_age).tolist()) for part in (sets.training, sets.calibration, sets.test)]
    assert not ages[0] & ages[1] and not ages[0] & ages[2] and not ages[1] & ages[2]
    assert f"tested on {len(sets.test)} held-out stars of the survey SDSS DR17 and MOCK survey" in sets.tested_on
    assert "against their SSPP-derived labels" in sets.tested_on and "20 further spectra" in lines[-1]
    again = survey_sets(store, DATA, tmp_path / "stars")
    assert np.array_equal(again.training.labels.log_age, sets.training.labels.log_age)
    with pytest.raises(RunError, match="belongs to another run"):
        survey_sets(store, DataConfig(stars=120), tmp_path / "stars")
    sets.clear()
    assert not (tmp_path / "stars").exists()


def test_too_small_a_store_is_an_error(tmp_path):
    with pytest.raises(ParameterError, match="training stars of the store can be used"):
        survey_sets(make_store(tmp_path / "store", stars=60), DATA, tmp_path / "stars")


def test_a_model_is_calibrated_and_tested_on_held_out_stars_of_the_store(store, tmp_path):
    sets = survey_sets(store, DATA, tmp_path / "stars")
    run = config(epochs=2, validation=0.0, data=vars(DATA) | {"snr": [5, 80]})
    card = train_model(run, tmp_path / "model", sets=sets)
    assert card["tested_on"] == sets.tested_on and card["survey"] == "SDSS DR17 and MOCK survey"
    assert "MOCK test" not in card["what"] and card["what"].endswith("against their SSPP-derived labels")
    found = card["metrics_survey_test"]["spectrum and photometry"]
    assert found["n"] == len(sets.test) and "metrics_mock_test" not in card and "mock_edition" not in card
    assert found["log_age"]["rmse_constant"] == pytest.approx(sets.test.labels.log_age.std(), rel=1e-3)
    assert json.loads((tmp_path / "model" / "card.json").read_text())["data_kind"] == "REAL and MOCK"
