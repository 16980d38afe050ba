"""The branches: channels of a spectrum, tokens, residual blocks, dropout."""

import pytest
import torch

from stellar_core.errors import ParameterError
from stellar_core.models.branches import (
    PatchEmbedding,
    PhotometryBranch,
    ResidualBlock,
    flux_channel,
    spectrum_channels,
)
from stellar_core.models.dropout import Dropout
from stellar_core.models.resnet import ResidualEncoder, ResidualStem


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_running_mean_of_the_channels_is_the_masked_mean():
    flux = torch.rand(1, 6800, generator=generator(3)) + 0.5
    coverage = (torch.rand(1, 6800, generator=generator(4)) > 0.3).float()
    lines = spectrum_channels(flux, coverage)[0, 1]
    for pixel in (0, 40, 3000, 6799):
        window = slice(max(pixel - 75, 0), pixel + 76)
        mean = (flux * coverage)[0, window].sum() / coverage[0, window].sum()
        expected = 5 * (flux[0, pixel] / mean - 1) * coverage[0, pixel]
        assert float(lines[pixel]) == pytest.approx(float(expected), abs=2e-3)


def test_channels_are_zero_outside_the_coverage():
    flux, coverage = torch.rand(2, 6800, generator=generator()), torch.ones(2, 6800)
    coverage[0, 100:900], coverage[1] = 0, 0
    flux[0, 100:900] = torch.nan
    channels = spectrum_channels(flux, coverage)
    assert torch.isfinite(channels).all()
    assert not channels[0, :, 100:900].any() and not channels[1].any()


def test_the_flux_alone_is_the_flux_where_it_is_known():
    flux, coverage = torch.rand(2, 6800, generator=generator()), torch.ones(2, 6800)
    coverage[0, 100:900] = 0
    channel = flux_channel(flux, coverage)
    assert channel.shape == (2, 1, 6800) and torch.equal(channel[1, 0], flux[1])
    assert (channel[0, 0, 100:900] == 1).all() and torch.equal(channel[0, 0, 900:], flux[0, 900:])


def test_patches_hold_their_own_pixels():
    embedding = PatchEmbedding(5, 100).requires_grad_(False)
    channels = torch.randn(2, 3, 6800, generator=generator())
    before = embedding(channels)
    assert before.shape == (2, 68, 5)
    piece = channels[1, :, 700:800].flatten()
    assert torch.allclose(before[1, 7], embedding.linear(piece), atol=1e-5)
    channels[:, 1, 731] += 1.0
    moved = (embedding(channels) - before).abs().amax(dim=(0, 2)) > 0
    assert moved.nonzero().flatten().tolist() == [7]


def test_a_residual_block_keeps_or_changes_shape_and_can_be_the_identity():
    x = torch.randn(2, 16, 40, generator=generator())
    block = ResidualBlock(16).requires_grad_(False)
    block.conv2.weight.zero_(), block.conv2.bias.zero_()
    assert torch.equal(block(x), x)
    assert ResidualBlock(16, 32, 2)(x).shape == (2, 32, 20)


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
def test_the_resnet_has_half_the_depth_in_each_of_four_stages(depth):
    stem, encoder = ResidualStem(32, depth), ResidualEncoder(32, depth, 0.1)
    per_stage = (depth + 1) // 2
    assert len(stem.blocks) == len(encoder.blocks) == 2 * per_stage
    tokens = stem(torch.randn(2, 3, 6800, generator=generator()))
    assert tokens.shape == (2, 425, 8) and encoder(tokens).shape == (2, 32)


def test_missing_photometry_is_the_learned_vector():
    branch = PhotometryBranch(29, 8, 2, 0.0).requires_grad_(False)
    branch.missing += torch.arange(8.0)
    features = torch.randn(3, 29, generator=generator())
    features[1, 4] = torch.nan
    out = branch(features)
    assert torch.equal(out[1], branch.missing)
    assert torch.allclose(out[[0, 2]], branch(features[[0, 2]]), atol=1e-6)


def test_dropout_needs_a_generator_and_repeats_by_seed():
    layer, x = Dropout(0.5), torch.ones(3, 7, 1000)
    assert torch.equal(layer(x), x)
    first, again, other = layer(x, generator(1)), layer(x, generator(1)), layer(x, generator(2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert float(first.mean()) == pytest.approx(1.0, abs=0.06)
    assert torch.equal(first[:, 0], first[:, 6])
    with pytest.raises(ParameterError, match="must lie in"):
        Dropout(1.0)
