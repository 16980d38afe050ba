"""Estimates, presets and adoption."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stellar_core import model_store
from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ModelError, ParameterError, StorageError
from stellar_core.jobs.model_registry import adopt, adopted_from, describe, model_name
from stellar_core.jobs.presets import DEMO_SECONDS, demo, fine_tune, preset
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.resources import check_disk, check_memory, disk_needed
from stellar_core.jobs.spec import JobConfig, StarSource
from stellar_core.jobs.speed import Speed, Speeds, estimate, key
from stellar_core.model_store import list_networks, model_folder, read_model, write_model
from stellar_core.training.config import TrainingConfig

SPEED = Speed(2.0, 0.003, 0.002, 0.001, 0.01, 0.006, 1.5, 0.4, 50_000, 1e8, 0.0)
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


def test_twice_the_stars_take_twice_the_training():
    one = estimate(SMALL, SPEED)
    two = estimate(
        replace(SMALL, training=replace(SMALL.training, data=replace(SMALL.training.data, stars=2000))), SPEED
    )
    assert two.training - one.training == pytest.approx(2 * 1000 * SPEED.learn)
    assert two.making - one.making == pytest.approx(1000 * SPEED.star) and two.finishing == one.finishing
    assert two.memory > one.memory and one.disk == disk_needed(SPEED.parameters)
    assert one.seconds == one.making + one.training + one.finishing


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_the_demo_fits_its_time_on_fast_and_slow_machines(factor):
    times = {
        name: factor * getattr(SPEED, name)
        for name in ("load", "star", "learn", "answer", "calibrate", "passes", "posterior")
    }
    speed = replace(SPEED, **times)
    config = demo(speed)
    assert estimate(config, speed).seconds <= DEMO_SECONDS
    data = config.training.data
    assert data.stars == 12_000 or estimate(config, speed).seconds > 0.85 * DEMO_SECONDS, "it uses the time it has"


def test_a_machine_too_slow_for_the_demo_is_told():
    with pytest.raises(ParameterError, match="too slow or too busy"):
        demo(replace(SPEED, star=0.5, learn=0.5))


def test_presets_are_the_papers_and_the_shipped_model():
    for letter, weights in {"a": (0.5, 0.4, 0.1), "b": (0.4, 0.4, 0.2), "c": (0.35, 0.35, 0.3)}.items():
        training = preset(f"setup-{letter}").training
        assert training.task_weights == weights and training.model.architecture.number == 6
    tuned, shipped = (
        fine_tune().training,
        TrainingConfig.from_dict(model_store.list_models()["paper-setup-a"]["config"]),
    )
    assert tuned.start_from == "paper-setup-a" and tuned.model == shipped.model and tuned.data.seed != shipped.data.seed
    with pytest.raises(ParameterError, match="presets are"):
        preset("setup-d")


def test_a_speed_is_kept_by_what_it_depends_on(runs):
    speeds = Speeds(runs)
    assert speeds.known(SMALL.training) is None
    speeds.keep(SMALL.training, SPEED)
    assert speeds.known(replace(SMALL.training, epochs=9, seed=5)) == SPEED
    assert speeds.known(replace(SMALL.training, batch=32)) is None and key(SMALL.training, 1) != key(SMALL.training, 2)
    (speeds.folder / f"{key(SMALL.training)}.json").write_text("{")
    assert speeds.known(SMALL.training) is None
    assert not SPEED.current and not replace(SPEED, when=9e9).current, "neither an old one nor one from the future"


def test_room_is_checked(tmp_path):
    check_disk(tmp_path, 1)
    check_memory(1)
    with pytest.raises(StorageError, match="MB are free"):
        check_disk(tmp_path, 1e18)
    with pytest.raises(ParameterError, match="Take fewer stars"):
        check_memory(1e18)


def test_an_adopted_run_is_a_model_by_its_name(done, runs):
    describe(done)
    assert adopt(done, "mine") == "mine" and adopted_from(done) == ["mine"]
    arrays, card = read_model(model_folder("mine"))
    assert arrays["a"].tolist() == [0, 1, 2] and card["name"] == "mine" and "learned from MOCK stars" in card["what"]
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
def test_names_of_models(done, name):
    with pytest.raises(ParameterError, match="cannot be the name"):
        adopt(done, name)


def test_only_what_is_done_and_whole_is_adopted(done, runs):
    (done.model / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError):
        adopt(done, "mine")
    done.write(done.status().enter("failed", "x"))
    with pytest.raises(ParameterError, match="not done"):
        adopt(done, "mine")
    assert not (runs / "models" / "mine").exists()


def test_the_card_says_what_was_learned(done):
    source = StarSource("catalogue", {"teff": (5000.0, 6000.0)})
    done.save_config(replace(SMALL, source=source))
    fresh = Queue(done.folder.parent).find(done.id)
    describe(fresh)
    card = json.loads((done.model / "card.json").read_text())
    assert "stars of the MOCK survey, teff 5000 to 6000" in card["what"] and card["job"]["id"] == done.id
    assert model_name("My Run, again!") == "my-run-again"
