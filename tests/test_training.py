"""Training: the data go the way of real spectra, a run resumes as if unbroken, inputs hold no truth."""

import numpy as np
import pytest
import torch

from stellar_core.errors import ParameterError
from stellar_core.models.zoo import ModelConfig
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.training.config import SETUPS, DataConfig, TrainingConfig
from stellar_core.training.data import Inputs, make_stars
from stellar_core.training.loop import batch_of, learning_rate, loss_parts, total_loss, train

SMALL = ModelConfig(spectrum_depth=1, spectrum_width=32, heads=4, photometry_width=16, fusion_depth=1, fusion_width=32)
DATA = DataConfig(stars=100, calibration=100, test=100)


@pytest.fixture(scope="module")
def stars():
    return make_stars(120, DATA, "train")


def config(**changes) -> TrainingConfig:
    return TrainingConfig(epochs=2, batch=16, model=SMALL, data=DATA, **changes)


def test_mock_stars_are_whole(stars):
    assert 100 <= len(stars) <= 120
    assert stars.inputs.flux.shape == (len(stars), 6800) and stars.inputs.features.shape == (len(stars), 29)
    assert np.isfinite(stars.inputs.flux).all() and np.isfinite(stars.inputs.features).all()
    assert (stars.inputs.flux[~stars.inputs.coverage] == 1.0).all()
    assert (stars.truth.log_age <= np.log10(13.8e9)).all()
    assert (stars.truth.log_age <= stars.truth.track_log_lifetime + 1e-6).all()


def test_splits_are_other_stars_and_repeat_by_seed(stars):
    again, other = make_stars(120, DATA, "train"), make_stars(120, DATA, "test")
    assert np.array_equal(stars.inputs.flux, again.inputs.flux)
    assert not set(stars.truth.log_age.tolist()) & set(other.truth.log_age.tolist())


def test_a_network_sees_flux_coverage_and_29_photometric_features_alone(stars):
    assert list(Inputs.__dataclass_fields__) == ["flux", "coverage", "features"]
    batch = batch_of(stars, np.arange(4), torch.device("cpu"))
    labels = {"log_age", "log_lifetime", "stage", "atmosphere"}
    assert set(batch) - labels == {"flux", "coverage", "features"}
    kinds = ("psfMag_", "psfMagErr_", "extinction_", "corrected_psfMag_", "modelMag_")
    assert all(name.startswith(kinds) or name in ("u-g", "g-r", "r-i", "i-z") for name in FEATURE_NAMES)


def test_no_feature_follows_a_true_value_exactly(stars):
    columns = np.column_stack([stars.truth.atmosphere, stars.truth.log_age, stars.labels.atmosphere, stars.labels.log_age])
    correlation = np.corrcoef(stars.inputs.features.T, columns.T)[:29, 29:]
    assert np.abs(correlation).max() < 0.99


def test_labels_carry_pipeline_errors_and_are_not_the_truth(stars):
    difference = stars.labels.atmosphere - stars.truth.atmosphere
    assert difference.std(axis=0) == pytest.approx(DATA.spp_errors, rel=0.25)


def test_a_killed_run_resumes_to_the_same_weights(tmp_path, stars):
    whole = train(config(), stars)
    checkpoint = tmp_path / "checkpoint"
    calls = 0

    def kill(state):
        nonlocal calls
        calls += 1
        if state["step"] > len(stars) // 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(), stars, checkpoint, kill)
    assert checkpoint.exists() and calls
    resumed = train(config(), stars, checkpoint)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_training_lowers_the_loss(stars):
    trained = train(TrainingConfig(epochs=8, batch=16, learning_rate=3e-3, model=SMALL, data=DATA), stars)
    fresh = train(TrainingConfig(epochs=1, batch=16, learning_rate=1e-9, model=SMALL, data=DATA), stars)
    batch = batch_of(stars, np.arange(96), torch.device("cpu"))
    inputs = batch["flux"], batch["coverage"], batch["features"]
    losses = [float(total_loss(loss_parts(network(*inputs), batch), config())) for network in (trained, fresh)]
    assert losses[0] < 0.8 * losses[1]


def test_the_loss_is_the_papers_weighted_sum():
    parts = {name: torch.tensor(value) for name, value in {"age": 1.0, "lifetime": 2.0, "stage": 3.0, "atmosphere": 0.0}.items()}
    assert SETUPS["A"] == (0.5, 0.4, 0.1)
    assert float(total_loss(parts, config())) == pytest.approx(0.5 + 0.8 + 0.3)


def test_the_learning_rate_rises_and_falls():
    rates = [learning_rate(step, 1000, 1.0) for step in range(1000)]
    assert max(rates) == pytest.approx(1.0) and rates.index(max(rates)) == pytest.approx(50, abs=2)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_configurations_come_back_and_bad_ones_are_one_sentence(tmp_path):
    assert TrainingConfig.from_dict(config().to_dict()) == config()
    path = tmp_path / "run.json"
    path.write_text('{"epochs": 3, "data": {"stars": 500, "snr": [10, 50]}}')
    assert TrainingConfig.read(path).data.snr == (10, 50)
    for text, words in (("{", "cannot be read"), ('{"epoch": 3}', "'epoch'"), ('{"setup": "D"}', "setup"), ('{"epochs": 0}', "Epochs")):
        path.write_text(text)
        with pytest.raises(ParameterError, match=words):
            TrainingConfig.read(path)
