"""The encoder of Model 9: missing inputs, noise, filler."""

import pytest
import torch

from stellar_core.errors import ModelError
from stellar_core.models.isochrone_config import IsochroneConfig, config_kind
from stellar_core.models.isochrone_network import IsochroneNetwork
from stellar_core.models.patches import PhotometryTokens, SpectrumTokens, noise_channel, wavelength_waves
from stellar_core.models.registry import ModelConfig
from stellar_core.models.zoo import build

SMALL = IsochroneConfig(depth=1, width=32, heads=4, embedding_depth=1, embedding_width=24, rank=8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module", params=["mean", "places"])
def network(request) -> IsochroneNetwork:
    config = IsochroneConfig(**{**SMALL.to_dict(), "readout": request.param, "centred": request.param == "places"})
    network = build(config, generator()).eval().requires_grad_(False)
    flux = 1 + 0.1 * torch.randn(20, 6800, generator=generator(8))
    network.scale_spectra(flux, torch.ones_like(flux))
    for absent in (network.spectrum.absent, network.photometry.absent, network.photometry.joint.missing):
        absent += 0.5
    network.scale_features(torch.full((29,), 17.0), torch.ones(29))
    return network


@pytest.fixture(scope="module")
def batch() -> dict[str, torch.Tensor]:
    coverage = torch.ones(3, 6800)
    coverage[:, 5650:] = 0
    flux = 1 + 0.1 * torch.randn(3, 6800, generator=generator(1))
    features = 17 + torch.randn(3, 29, generator=generator(2))
    features[:, 5:10] = 0.02
    return {"flux": flux, "coverage": coverage, "features": features, "ivar": torch.full((3, 6800), 900.0)}


def embed(network, batch, **changes) -> torch.Tensor:
    parts = {**batch, **changes}
    return network.embed(network.tokens(parts["flux"], parts["coverage"], parts["ivar"]), parts["features"])


def test_outputs_have_their_shapes(network, batch):
    predicted = network(batch["flux"], batch["coverage"], batch["features"], ivar=batch["ivar"])
    assert predicted.logits.shape == (3, len(predicted.prior)) and predicted.voxels.shape == (len(predicted.prior), 3)
    assert embed(network, batch).shape == (3, 24)


def test_filler_and_its_noise_have_no_influence(network, batch):
    out = batch["coverage"] == 0
    other = embed(network, batch, flux=batch["flux"].masked_fill(out, 37.0), ivar=batch["ivar"].masked_fill(out, 9.0))
    assert torch.equal(embed(network, batch), other)


@pytest.mark.parametrize("view", ["spectrum", "photometry", "nothing"])
def test_every_part_may_be_missing(network, batch, view):
    changes = {}
    if view != "spectrum":
        changes["coverage"] = torch.zeros_like(batch["coverage"])
    if view != "photometry":
        changes["features"] = torch.full_like(batch["features"], torch.nan)
    found = embed(network, batch, **changes)
    assert torch.isfinite(found).all()
    same = torch.allclose(found[0], found[1], atol=1e-6)
    assert same is (view == "nothing")
    assert not torch.allclose(found, embed(network, batch))


def test_one_missing_band_leaves_the_others(network, batch):
    features = batch["features"].clone()
    features[0, [0, 10, 15, 24]] = torch.nan
    some = embed(network, batch, features=features)
    none = embed(network, batch, features=torch.full_like(features, torch.nan))
    assert torch.isfinite(some).all()
    assert not torch.allclose(some[0], none[0]) and torch.allclose(some[1:], embed(network, batch)[1:], atol=1e-6)


def test_the_noise_channel_has_an_effect(network, batch):
    assert not torch.allclose(embed(network, batch), embed(network, batch, ivar=batch["ivar"] / 100), atol=1e-4)
    channel = noise_channel(torch.tensor([[0.0, 100.0, 1e6]]), torch.tensor([[1.0, 1.0, 0.0]]))
    assert channel[0, 0] < channel[0, 1] and channel[0, 2] == 0


def test_centring_removes_the_mean_spectrum():
    tokens = SpectrumTokens(32, 100, centred=True)
    wave = 1 + 0.3 * torch.sin(torch.arange(6800.0) / 300)
    flux = wave + 0.02 * torch.randn(50, 6800, generator=generator(4))
    coverage = torch.ones_like(flux)
    coverage[:10, :3000] = 0
    tokens.scale(flux, coverage)
    assert (tokens.mean[0] - (wave - 1)).abs().max() < 0.02
    assert float(tokens.std[0, 0]) == pytest.approx(0.02, rel=0.1)
    assert "mean" in tokens.state_dict() and "mean" not in SpectrumTokens(32, 100, centred=False).state_dict()


def test_dropout_comes_from_the_generator_alone(network, batch):
    tokens = network.tokens(batch["flux"], batch["coverage"], batch["ivar"])
    first, again = (network.embed(tokens, batch["features"], generator(5)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, network.embed(tokens, batch["features"], generator(6)))


def test_waves_differ_between_positions():
    waves = wavelength_waves(68, 100)
    distance = torch.cdist(waves, waves) + 10 * torch.eye(68)
    assert waves.shape == (68, 32) and float(distance.min()) > 0.1


def test_bands_are_tokens_of_their_own():
    tokens = PhotometryTokens(16, 0.0)
    features = torch.full((1, 29), 17.0)
    features[:, 5:10] = 0.02
    other = features.clone()
    other[0, 5] = 0.2
    changed = (tokens(features) - tokens(other)).abs().amax(dim=2)[0] > 1e-6
    assert changed.tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    "bad",
    [{"patch": 90}, {"patch": 34}, {"heads": 7}, {"width": 0}, {"dropout": 1.0}, {"readout": "sum"}, {"name": "X"}],
)
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ModelError):
        IsochroneConfig(**bad)


def test_the_kind_of_settings_follows_from_the_name():
    assert config_kind(IsochroneConfig().to_dict()) is IsochroneConfig
    assert config_kind(ModelConfig().to_dict()) is ModelConfig
