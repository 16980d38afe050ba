"""Each of the paper's eight networks through the estimator, with remarks on unread inputs."""

import numpy as np
import pytest
import torch

from stellar_core import model_store
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.errors import SpectrumError
from stellar_core.inference.estimator import Estimator
from stellar_core.mock.survey import MockSurvey
from stellar_core.models.checkpoints import save_network
from stellar_core.models.registry import ARCHITECTURES, ModelConfig
from stellar_core.models.zoo import build
from stellar_core.pipeline.calibrate import calibrate_dropout
from stellar_core.spectrum import Spectrum

pytestmark = pytest.mark.slow

NAMES = [entry.name for entry in ARCHITECTURES.values() if entry.number <= 8]
SMALL = {"spectrum_depth": 1, "spectrum_width": 64, "photometry_width": 32, "fusion_depth": 2, "fusion_width": 48}


@pytest.fixture(scope="module")
def stars():
    return make_stars(100, DataConfig(stars=100, calibration=100, test=100), "calibration")


@pytest.fixture(scope="module")
def star() -> Spectrum:
    survey = MockSurvey()
    return survey.spectrum(survey.examples()[0][0])


@pytest.fixture(scope="module")
def bare(star) -> Spectrum:
    fields = {name: getattr(star, name) for name in Spectrum.__dataclass_fields__}
    return Spectrum(**{**fields, "photometry": None})


@pytest.fixture(scope="module", params=NAMES)
def estimator(request, stars, tmp_path_factory) -> Estimator:
    """A network that has learned nothing, calibrated as `stellar_core.pipeline.calibrate` does, written and loaded."""
    network = build(ModelConfig(request.param, **SMALL), torch.Generator().manual_seed(0))
    network.scale_features(*(torch.tensor(part(stars.inputs.features, axis=0)) for part in (np.mean, np.std)))
    network.eval().requires_grad_(False)
    calibration, gate = calibrate_dropout(network, stars, 0)
    folder = tmp_path_factory.mktemp("trained")
    save_network(folder / "small", network, {**calibration.arrays(), **gate.arrays()}, {"name": "small"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_store, "TRAINED_DIR", folder)
        return Estimator.load("small")


def test_estimates_note_the_inputs_not_read(estimator, star):
    architecture = estimator.network.architecture
    result = estimator.estimate(star, samples=5)
    assert all(np.isfinite(draws).all() for draws in result.draws.values())
    assert 10**result.log_age.p975 <= 13.8e9 and sum(result.stage.values()) == pytest.approx(1)
    assert result.to_dict() == estimator.estimate(star, samples=5).to_dict()
    expected = "used" if architecture.uses_photometry else "not read by this model"
    assert result.quality["photometry"] == expected
    messages = " ".join(result.verdict.messages)
    assert ("reads no spectrum" in messages) is not architecture.uses_spectrum
    assert ("reads no photometry" in messages) is not architecture.uses_photometry
    assert "No photometry" not in messages


def test_networks_with_a_spectral_branch_accept_a_star_without_photometry(estimator, star, bare):
    architecture = estimator.network.architecture
    if architecture.requires_photometry:
        with pytest.raises(SpectrumError, match="MLP-Only.*reads photometry alone") as caught:
            estimator.estimate(bare, samples=5)
        assert "\n" not in str(caught.value) and bare.name in str(caught.value)
        return
    result = estimator.estimate(bare, samples=5)
    assert np.isfinite(result.draws["log_age"]).all()
    assert result.quality["photometry"] == ("missing" if architecture.uses_photometry else "not read by this model")
    with_it = estimator.estimate(star, samples=5).draws["log_age"]
    assert np.array_equal(with_it, result.draws["log_age"]) is not architecture.uses_photometry
