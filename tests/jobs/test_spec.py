"""Limits of a job's configuration."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ModelError, ParameterError
from stellar_core.jobs.spec import JobConfig, StarSource
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.models.registry import ModelConfig
from stellar_core.training.config import TrainingConfig

GOOD = JobConfig(
    "Mine", TrainingConfig(), StarSource("catalogue", {"teff": (5000.0, 6500.0)}, "survey/store"), "a note", 3
)


@pytest.mark.parametrize(
    "config", [GOOD, replace(GOOD, training=TrainingConfig.isochrone())], ids=["Model 6", "Model 9"]
)
def test_a_configuration_survives_writing_and_reading(tmp_path, config):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(config.to_dict()))
    assert JobConfig.read(path) == config


@pytest.mark.parametrize(
    "training, message",
    [
        (dict(data=DataConfig(stars=200_000)), "training stars must lie between 100 and 166,625; got 200000"),
        (dict(data=DataConfig(calibration=20_000)), "calibration stars"),
        (dict(epochs=301), "epochs must lie between 1 and 300"),
        (dict(batch=1024), "stars per step"),
        (dict(batch=300, data=DataConfig(stars=200)), "fewer than a batch"),
        (dict(model=ModelConfig(spectrum_width=1024)), "spectrum width must lie between 8 and 768"),
        (dict(model=ModelConfig(fusion_depth=13)), "fusion depth must lie between 1 and 12"),
        (dict(model=IsochroneConfig(width=960, heads=6)), "width must lie between"),
    ],
)
def test_settings_outside_their_limits_are_refused(training, message):
    with pytest.raises(ParameterError, match=message):
        JobConfig("Mine", TrainingConfig(**training))


def test_sizes_that_the_architecture_does_not_use_are_ignored():
    JobConfig("Mine", TrainingConfig(model=ModelConfig(name="MLP-Only", spectrum_width=1024)))


@pytest.mark.parametrize(
    "name, note, message", [("", "", "needs a name"), ("x" * 61, "", "name"), ("x", "n" * 2001, "note")]
)
def test_invalid_names_and_notes_are_refused(name, note, message):
    with pytest.raises(ParameterError, match=message):
        JobConfig(name, TrainingConfig(), note=note)


@pytest.mark.parametrize(
    "source, message",
    [
        (dict(kind="internet"), "mock, catalogue, table"),
        (dict(labels="guessed"), "look-up or truth"),
        (dict(kind="catalogue", labels="truth"), "MOCK stars only"),
        (dict(ranges={"mass": (0.0, 1.0)}), "selected by"),
        (dict(ranges={"teff": (6000.0, 5000.0)}), "two ascending numbers"),
        (dict(ranges={"feh": (float("nan"), 0.0)}), "two ascending numbers"),
    ],
)
def test_invalid_sources_are_refused(source, message):
    with pytest.raises(ParameterError, match=message):
        StarSource(**source)


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"name": "x"},
        {"name": "x", "training": {"colour": "red"}},
        {"name": "x", "training": {}, "source": {"where": 1}},
        {"name": "x", "training": {"model": {"name": "Model 66"}}},
    ],
)
def test_a_damaged_configuration_gives_a_one_line_error(damage):
    with pytest.raises((ParameterError, ModelError)) as caught:
        JobConfig.from_dict(damage)
    assert "\n" not in str(caught.value)
