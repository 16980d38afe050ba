"""Model 6: shapes, bounds, dropout by argument, and what it may see."""

import inspect

import numpy as np
import pytest
import torch

from stellar_core.errors import ModelError
from stellar_core.models.branches import spectrum_channels
from stellar_core.models.checkpoints import load_network, save_network
from stellar_core.models.dropout import Dropout
from stellar_core.models.heads import LOG_AGE_BOUNDS, LOG_LIFETIME_BOUNDS
from stellar_core.models.zoo import ModelConfig, build

SMALL = ModelConfig(spectrum_depth=1, spectrum_width=64, photometry_width=32, fusion_depth=2, fusion_width=48)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    network = build(SMALL, generator()).eval().requires_grad_(False)
    network.photometry.missing += 1.0
    return network


@pytest.fixture(scope="module")
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    flux = 1 + 0.1 * torch.randn(4, 6800, generator=generator(1))
    coverage = torch.ones(4, 6800)
    coverage[:, 5600:] = 0
    return flux, coverage, torch.randn(4, 29, generator=generator(2))


def test_the_default_is_the_papers_final_configuration():
    config = ModelConfig()
    shape = (config.spectrum_depth, config.spectrum_width, config.photometry_depth, config.photometry_width)
    assert shape == (4, 256, 2, 256)
    assert (config.fusion_depth, config.fusion_width) == (4, 512)


def test_outputs_have_their_shapes(network, batch):
    predicted = network(*batch)
    assert predicted.log_age.shape == predicted.log_lifetime.shape == (4,)
    assert predicted.stage.shape == (4, 5) and predicted.atmosphere.shape == (4, 3)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4, -1e4, 1e30])
def test_ages_stay_inside_their_bounds_whatever_comes_in(network, batch, scale):
    flux, coverage, features = batch
    predicted = network(flux * scale, coverage, features * scale)
    assert torch.isfinite(predicted.log_age).all()
    assert (predicted.log_age >= LOG_AGE_BOUNDS[0]).all() and (predicted.log_age <= LOG_AGE_BOUNDS[1]).all()
    assert (predicted.log_lifetime >= LOG_LIFETIME_BOUNDS[0]).all()
    assert (predicted.log_lifetime <= LOG_LIFETIME_BOUNDS[1]).all()
    assert 10 ** LOG_AGE_BOUNDS[1] == pytest.approx(13.8e9)


def test_filler_has_no_influence(network, batch):
    flux, coverage, features = batch
    other = torch.where(coverage > 0, flux, torch.full_like(flux, 37.0))
    assert torch.equal(network(flux, coverage, features).log_age, network(other, coverage, features).log_age)


def test_missing_photometry_is_a_state_of_its_own(network, batch):
    flux, coverage, features = batch
    missing = features.clone()
    missing[0, 3] = torch.nan
    with_gap, whole = network(flux, coverage, missing), network(flux, coverage, features)
    assert torch.isfinite(with_gap.log_age).all()
    assert not torch.equal(with_gap.log_age[0], whole.log_age[0])
    assert torch.allclose(with_gap.log_age[1:], whole.log_age[1:])
    zeros = torch.zeros_like(features)
    all_missing = torch.full_like(features, torch.nan)
    assert not torch.allclose(network(flux, coverage, zeros).log_age, network(flux, coverage, all_missing).log_age)


def test_the_network_takes_flux_coverage_and_photometry_alone(network):
    assert list(inspect.signature(network.forward).parameters) == ["flux", "coverage", "features", "generator"]


def test_running_mean_of_the_channels_is_the_masked_mean():
    flux = torch.rand(1, 6800, generator=generator(3)) + 0.5
    coverage = (torch.rand(1, 6800, generator=generator(4)) > 0.3).float()
    lines = spectrum_channels(flux, coverage)[0, 1]
    for pixel in (0, 40, 3000, 6799):
        window = slice(max(pixel - 75, 0), pixel + 76)
        mean = (flux * coverage)[0, window].sum() / coverage[0, window].sum()
        expected = 5 * (flux[0, pixel] / mean - 1) * coverage[0, pixel]
        assert float(lines[pixel]) == pytest.approx(float(expected), abs=2e-3)


def test_dropout_needs_a_generator_and_repeats_by_seed():
    layer, x = Dropout(0.5), torch.ones(3, 7, 1000)
    assert torch.equal(layer(x), x)
    first, again, other = layer(x, generator(1)), layer(x, generator(1)), layer(x, generator(2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert float(first.mean()) == pytest.approx(1.0, abs=0.06)
    assert torch.equal(first[:, 0], first[:, 6])
    with pytest.raises(ValueError):
        Dropout(1.0)


def test_checkpoints_come_back_and_damage_is_one_sentence(tmp_path, network, batch):
    folder = tmp_path / "small"
    card = save_network(folder, network, {"extra.x": np.arange(3.0)}, {"name": "small"})
    loaded, arrays, read = load_network(folder)
    assert read["sha256"] == card["sha256"] and arrays["extra.x"].tolist() == [0, 1, 2]
    assert torch.allclose(loaded(*batch).log_age, network(*batch).log_age, atol=5e-3)
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(folder)
    with pytest.raises(ModelError, match="no trained model 'nothing'"):
        load_network(tmp_path / "nothing")


def test_a_checkpoint_of_another_shape_is_refused_by_name(tmp_path, network):
    folder = tmp_path / "small"
    save_network(folder, network, {}, {"name": "small"})
    card = (folder / "card.json").read_text().replace('"fusion_width": 48', '"fusion_width": 40')
    (folder / "card.json").write_text(card)
    with pytest.raises(ModelError, match="expected"):
        load_network(folder)
