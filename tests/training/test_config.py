"""Configurations of runs: presets, limits, reading and writing."""

import json

import pytest

from stellar_core.errors import ParameterError
from stellar_core.paths import TRAINED_DIR
from stellar_core.training.config import SETUPS, TrainingConfig


def test_loss_weights_are_the_papers_or_given():
    assert SETUPS == {"A": (0.5, 0.4, 0.1), "B": (0.4, 0.4, 0.2), "C": (0.35, 0.35, 0.3)}
    assert TrainingConfig(setup="B").task_weights == (0.4, 0.4, 0.2)
    assert TrainingConfig(setup="B", loss_weights=(1, 0, 0)).task_weights == (1, 0, 0)


def test_the_papers_preset_follows_section_3_5():
    config = TrainingConfig.paper(setup="C", seed=4)
    assert (config.learning_rate, config.weight_decay, config.schedule) == (1e-5, 1e-2, "plateau")
    assert config.atmosphere_weight == 0 and config.task_weights == (0.35, 0.35, 0.3) and config.seed == 4
    assert config.balancing == "class weights" and config.clip == config.average == config.photometry_dropout == 0
    assert not config.model.bounded and config.model.channels == 1 and config.data.snr[0] == 20
    assert config.data.balanced == config.data.dusty == config.data.missing_stretch == 0
    assert config.data.pipeline == "spectroscopic", "the paper's labels are from SSPP"


def test_the_configuration_of_a_shipped_model_loads():
    card = json.loads((TRAINED_DIR / "paper-setup-a" / "card.json").read_text())
    config = TrainingConfig.from_dict(card["config"])
    assert config.validation == 0 and config.schedule == "cosine" and config.balancing == "none"


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "cannot be read"),
        ('{"epoch": 3}', "'epoch'"),
        ('{"data": {"star": 3}}', "'star'"),
        ('{"setup": "D"}', "setup"),
        ('{"balancing": "both"}', "balancing"),
        ('{"schedule": "step"}', "schedule"),
        ('{"precision": "f16"}', "precision"),
        ('{"epochs": 0}', "Epochs"),
        ('{"epochs": "many"}', "cannot be read"),
        ('{"loss_weights": [1, 1]}', "three numbers"),
        ('{"loss_weights": [0, 0, 0], "atmosphere_weight": 0}', "not all 0"),
        ('{"patience": 3}', "validation"),
        ('{"schedule": "plateau"}', "validation"),
        ('{"validation": 0.9}', "validation"),
        ('{"plateau_factor": 2}', "factor"),
        ('{"clip": -1}', "gradient"),
    ],
)
def test_a_bad_configuration_gives_a_one_line_error(tmp_path, text, words):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ParameterError, match=words) as caught:
        TrainingConfig.read(path)
    assert "\n" not in str(caught.value)


def test_a_configuration_survives_writing_and_reading(tmp_path):
    for config in (TrainingConfig(), TrainingConfig.paper(loss_weights=(0.2, 0.3, 0.5), balancing="undersample")):
        assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    path = tmp_path / "run.json"
    path.write_text('{"epochs": 3, "data": {"stars": 500, "snr": [10, 50]}}')
    assert TrainingConfig.read(path).data.snr == (10, 50)
