"""The blocks of the diagram match the network."""

import re

import pytest
import torch

from stellar_core.models.layout import layout
from stellar_core.models.registry import ARCHITECTURES, ModelConfig
from stellar_core.models.resnet import ResidualEncoder
from stellar_core.models.zoo import Network

NAMES = [entry.name for entry in ARCHITECTURES.values() if entry.number <= 8]
OTHER = {
    "spectrum_depth": 6,
    "spectrum_width": 384,
    "heads": 12,
    "patch": 50,
    "photometry_depth": 3,
    "photometry_width": 128,
    "fusion_depth": 2,
    "fusion_width": 768,
}


def numbers(blocks) -> list[int]:
    return [int(text) for block in blocks for line in block.lines for text in re.findall(r"\d+", line)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changes", [{}, OTHER])
def test_numbers_in_the_boxes_match_the_network(name, changes):
    config = ModelConfig(name, **changes)
    found = layout(config)
    with torch.device("meta"):
        network = Network(config)
    assert bool(found.photometry) is (network.photometry is not None)
    assert bool(found.spectrum) is (network.stem is not None) and bool(found.joined) is (network.fusion is not None)
    if found.photometry:
        linears = network.photometry.perceptron.linears
        assert numbers(found.photometry) == [linears[0].in_features, len(linears), linears[-1].out_features]
    if found.joined:
        assert numbers(found.joined) == [len(network.fusion.linears), network.fusion.linears[-1].out_features]
    if found.spectrum and isinstance(network.encoder, ResidualEncoder):
        per_stage, rest = divmod(len(network.stem.blocks) + len(network.encoder.blocks), 4)
        width = network.encoder.norm.normalized_shape[0]
        assert rest == 0 and numbers(found.spectrum[1:]) == [4, per_stage, network.stem.conv.out_channels, width]
    elif found.spectrum:
        encoder = network.encoder
        n_token, width = encoder.position.shape[1:]
        heads = [encoder.layers[0].attention.heads] if "dot product" in found.spectrum[2].lines[1] else []
        assert numbers(found.spectrum[1:]) == [n_token, 6800 // n_token, width, len(encoder.layers), width, *heads]
        assert bool(heads) is (config.architecture.attention == "standard")


def test_unbounded_ages_are_labelled():
    assert layout(ModelConfig()).outputs[0].lines == ("to 13.8 Gyr",)
    assert layout(ModelConfig(bounded=False)).outputs[0].lines == ("unbounded",)


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_short_enough_for_a_phone(name):
    found = layout(ModelConfig(name, **OTHER))
    for blocks in (found.photometry, found.spectrum, found.joined):
        assert all(len(line) <= 22 for block in blocks for line in (block.name, *block.lines))
