"""Presets, resources and adoption."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stellar_core import model_store
from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ModelError, ParameterError, StorageError
from stellar_core.jobs.model_registry import adopt, adopted_from, describe, model_name
from stellar_core.jobs.presets import fine_tune, preset
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.resources import (
    STAR_BYTES,
    check_disk,
    check_memory,
    checkpoint_bytes,
    disk_needed,
    memory_needed,
    parameter_count,
)
from stellar_core.jobs.spec import JobConfig, StarSource
from stellar_core.model_store import list_networks, model_folder, read_model, write_model
from stellar_core.training.config import TrainingConfig

SMALL = JobConfig("Small", TrainingConfig(data=DataConfig(stars=1000, calibration=100, test=100), epochs=2))


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_RUNS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def done(runs):
    job = Queue(runs, lambda job, token: None).submit(SMALL)
    write_model(
        job.model,
        {"a": np.arange(3.0)},
        {"name": "x", "what": "Model 6, trained on MOCK spectra", "architecture": {"name": "?"}},
    )
    job.write(job.status().enter("done"))
    return job


def test_memory_grows_with_the_stars():
    parameters = parameter_count(SMALL.training.model)
    more = replace(SMALL.training, data=replace(SMALL.training.data, stars=2000))
    grown = memory_needed(more, parameters) - memory_needed(SMALL.training, parameters)
    assert grown == pytest.approx(2 * 1000 * STAR_BYTES)
    assert disk_needed(2 * parameters) > disk_needed(parameters) > 3 * checkpoint_bytes(parameters)


def test_memory_of_a_survey_store_does_not_grow_with_its_stars():
    parameters = parameter_count(SMALL.training.model)
    all_stars = replace(SMALL.training, data=replace(SMALL.training.data, stars=166_625, calibration=1000, test=1000))
    few = replace(all_stars, data=replace(all_stars.data, stars=1000))
    assert memory_needed(all_stars, parameters, on_disk=True) == memory_needed(few, parameters, on_disk=True) < 2e9
    assert memory_needed(all_stars, parameters) > 12e9
    assert disk_needed(parameters, 166_625) - disk_needed(parameters) == 166_625 * STAR_BYTES


def test_the_demo_has_a_fixed_size():
    data = preset("demo").training.data
    assert (data.stars, data.calibration, data.test) == (7000, 500, 500) and preset("demo").source.labels == "truth"


def test_presets_are_the_papers_setups_and_the_shipped_model():
    for letter, weights in {"a": (0.5, 0.4, 0.1), "b": (0.4, 0.4, 0.2), "c": (0.35, 0.35, 0.3)}.items():
        training, ours = preset(f"setup-{letter}").training, preset(f"setup-{letter}-ours").training
        assert training.task_weights == ours.task_weights == weights and training.model.architecture.number == 6
        assert training.learning_rate == 1e-5 and training.atmosphere_weight == 0 and not training.model.bounded
        assert ours.learning_rate == 7e-4 and ours.atmosphere_weight == 1 and ours.model.bounded
    tuned, shipped = (
        fine_tune().training,
        TrainingConfig.from_dict(model_store.list_models()["paper-setup-a"]["config"]),
    )
    assert tuned.start_from == "paper-setup-a" and tuned.model == shipped.model and tuned.data.seed != shipped.data.seed
    with pytest.raises(ParameterError, match="presets are"):
        preset("setup-d")


def test_disk_and_memory_are_checked(tmp_path):
    check_disk(tmp_path, 1)
    check_memory(1)
    with pytest.raises(StorageError, match="MB are free"):
        check_disk(tmp_path, 1e18)
    with pytest.raises(ParameterError, match="Take fewer stars"):
        check_memory(1e18)


def test_an_adopted_run_can_be_loaded_by_name(done, runs):
    describe(done)
    assert adopt(done, "mine") == "mine" and adopted_from(done) == ["mine"]
    arrays, card = read_model(model_folder("mine"))
    assert arrays["a"].tolist() == [0, 1, 2] and card["name"] == "mine" and "trained on MOCK stars" in card["what"]
    assert "mine" in list_networks() and model_folder("mine") == runs / "models" / "mine"
    Queue(runs).delete(done)
    assert "mine" in list_networks()


def test_no_model_is_ever_replaced(done):
    shipped = (model_store.TRAINED_DIR / "paper-setup-a" / "card.json").read_bytes()
    for name in ("paper-setup-a", "spectral-emulator"):
        with pytest.raises(ParameterError, match="already"):
            adopt(done, name)
    adopt(done, "mine")
    with pytest.raises(ParameterError, match="already"):
        adopt(done, "mine")
    assert (model_store.TRAINED_DIR / "paper-setup-a" / "card.json").read_bytes() == shipped


@pytest.mark.parametrize("name", ["../mine", "A b", ".hidden", "x" * 61, "a/b"])
def test_invalid_names_of_models_are_refused(done, name):
    with pytest.raises(ParameterError, match="cannot be the name"):
        adopt(done, name)


def test_only_finished_and_undamaged_runs_can_be_adopted(done, runs):
    (done.model / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError):
        adopt(done, "mine")
    done.write(done.status().enter("failed", "x"))
    with pytest.raises(ParameterError, match="not done"):
        adopt(done, "mine")
    assert not (runs / "models" / "mine").exists()


def test_the_card_describes_the_training_stars(done):
    source = StarSource("catalogue", {"teff": (5000.0, 6000.0)})
    done.save_config(replace(SMALL, source=source))
    fresh = Queue(done.folder.parent).find(done.id)
    describe(fresh)
    card = json.loads((done.model / "card.json").read_text())
    assert "stars of the MOCK survey, teff 5000 to 6000" in card["what"] and card["job"]["id"] == done.id
    assert model_name("My Run, again!") == "my-run-again"


def test_the_card_of_a_survey_names_the_stars_of_its_test(done):
    done.save_config(replace(SMALL, source=StarSource("catalogue", store="survey/store")))
    tested = "calibrated on 9 and tested on 8 held-out stars of the survey X (REAL), against their SSPP-derived labels"
    card = {"name": "x", "what": "Model 6, trained on 7 stars", "architecture": {}, "survey": "X", "tested_on": tested}
    write_model(done.model, {"a": np.arange(3.0)}, card)
    describe(Queue(done.folder.parent).find(done.id))
    what = json.loads((done.model / "card.json").read_text())["what"]
    assert what == f"Model 6; trained on stars of the survey X, {tested}"
