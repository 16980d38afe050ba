"""Training: the data go the way of real spectra, inputs hold no truth, configurations are checked."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import Inputs, Labels, make_stars
from stellar_core.errors import ParameterError
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.training.batches import Batches
from stellar_core.training.config import SETUPS, TrainingConfig

DATA = DataConfig(stars=100, calibration=100, test=100)


@pytest.fixture(scope="module")
def stars():
    return make_stars(120, DATA, "train")


def test_mock_stars_have_valid_values(stars):
    assert 100 <= len(stars) <= 120
    assert stars.inputs.flux.shape == (len(stars), 6800) and stars.inputs.features.shape == (len(stars), 29)
    assert np.isfinite(stars.inputs.flux).all() and np.isfinite(stars.inputs.features).all()
    assert (stars.inputs.flux[~stars.inputs.coverage] == 1.0).all()
    assert (stars.truth.log_age <= np.log10(13.8e9)).all()
    assert (stars.truth.log_age <= stars.truth.track_log_lifetime + 1e-6).all()


def test_splits_differ_and_depend_on_the_seed_only(stars):
    again, other = make_stars(120, DATA, "train"), make_stars(120, DATA, "test")
    assert np.array_equal(stars.inputs.flux, again.inputs.flux)
    assert not set(stars.truth.log_age.tolist()) & set(other.truth.log_age.tolist())


def test_inputs_are_flux_coverage_and_29_photometric_features(stars):
    assert list(Inputs.__dataclass_fields__) == ["flux", "coverage", "features", "root_ivar"]
    batch = Batches(stars, torch.device("cpu"))(np.arange(4))
    assert set(batch) == {*Inputs.__dataclass_fields__, *Labels.__dataclass_fields__}
    kinds = ("psfMag_", "psfMagErr_", "extinction_", "corrected_psfMag_", "modelMag_")
    assert all(name.startswith(kinds) or name in ("u-g", "g-r", "r-i", "i-z") for name in FEATURE_NAMES)


def test_no_feature_determines_a_true_value(stars):
    columns = np.column_stack(
        [stars.truth.atmosphere, stars.truth.log_age, stars.labels.atmosphere, stars.labels.log_age]
    )
    correlation = np.corrcoef(stars.inputs.features.T, columns.T)[:29, 29:]
    assert np.abs(correlation).max() < 0.99


def test_labels_have_pipeline_errors(stars):
    difference = stars.labels.atmosphere - stars.truth.atmosphere
    assert difference.std(axis=0) == pytest.approx(DATA.spp_errors, rel=0.25)


def test_loss_weights_are_the_papers_or_given():
    assert SETUPS == {"A": (0.5, 0.4, 0.1), "B": (0.4, 0.4, 0.2), "C": (0.35, 0.35, 0.3)}
    assert TrainingConfig(setup="B").task_weights == (0.4, 0.4, 0.2)
    assert TrainingConfig(setup="B", loss_weights=(1, 0, 0)).task_weights == (1, 0, 0)


def test_the_papers_preset_follows_section_3_5():
    config = TrainingConfig.paper(setup="C", seed=4)
    assert (config.learning_rate, config.weight_decay, config.schedule) == (1e-5, 1e-2, "plateau")
    assert config.atmosphere_weight == 0 and config.task_weights == (0.35, 0.35, 0.3) and config.seed == 4


def test_the_shipped_models_configuration_still_loads():
    card = json.loads((Path(__file__).resolve().parents[2] / "trained" / "paper-setup-a" / "card.json").read_text())
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
