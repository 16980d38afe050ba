"""Both kinds of attention against numpy, and the exchange between tokens."""

import numpy as np
import pytest
import torch

from stellar_core.errors import ModelError
from stellar_core.models.attention import HadamardGatedAttention, ScaledDotProductAttention, TransformerLayer, attention

WIDTH, HEADS = 24, 4


def tokens(n: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.randn(3, n, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made(kind: str) -> torch.nn.Module:
    module = attention(kind, WIDTH, HEADS).double().requires_grad_(False)
    draw = torch.Generator().manual_seed(5)
    for parameter in module.parameters():
        parameter.copy_(0.5 * torch.randn(parameter.shape, generator=draw, dtype=torch.float64))
    return module


def projected(module: torch.nn.Module, x: torch.Tensor) -> tuple[np.ndarray, ...]:
    """Query, key and value, each (batch, token, width), by numpy."""
    weight, bias = module.qkv.weight.numpy(), module.qkv.bias.numpy()
    return tuple(np.split(x.numpy() @ weight.T + bias, 3, axis=-1))


def finished(module: torch.nn.Module, mixed: np.ndarray) -> np.ndarray:
    return mixed @ module.out.weight.numpy().T + module.out.bias.numpy()


def test_hadamard_is_sigmoid_of_query_times_key_times_value():
    module, x = made("hadamard"), tokens()
    query, key, value = projected(module, x)
    mixed = np.empty_like(value)
    size = WIDTH // HEADS
    for batch in range(3):
        for token in range(7):
            for head in range(HEADS):  # splitting into heads changes nothing: the products are element by element
                part = slice(head * size, (head + 1) * size)
                gate = 1.0 / (1.0 + np.exp(-query[batch, token, part] * key[batch, token, part]))
                mixed[batch, token, part] = gate * value[batch, token, part]
    np.testing.assert_allclose(module(x).numpy(), finished(module, mixed), rtol=1e-12, atol=1e-12)


def test_standard_attention_matches_the_textbook():
    module, x = made("standard"), tokens()
    query, key, value = projected(module, x)
    mixed, size = np.empty_like(value), WIDTH // HEADS
    for batch in range(3):
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            score = query[batch, :, part] @ key[batch, :, part].T / np.sqrt(size)
            weight = np.exp(score - score.max(axis=1, keepdims=True))
            mixed[batch, :, part] = weight / weight.sum(axis=1, keepdims=True) @ value[batch, :, part]
    np.testing.assert_allclose(module(x).numpy(), finished(module, mixed), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["standard", "hadamard"])
def test_permuted_tokens_give_permuted_outputs(kind):
    module, x = made(kind), tokens()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    assert module(x).shape == x.shape
    assert torch.allclose(module(x)[:, order], module(x[:, order]), atol=1e-12)
    assert torch.allclose(module(x)[1:2], module(x[1:2]), atol=1e-12)


def test_tokens_exchange_information_by_standard_attention_only():
    changed = tokens()
    changed[:, 2] += 1.0
    others = [0, 1, 3, 4, 5, 6]
    for kind, reaches in (("standard", True), ("hadamard", False)):
        before, after = made(kind)(tokens())[:, others], made(kind)(changed)[:, others]
        assert torch.equal(before, after) is not reaches


def test_unknown_kinds_and_heads_that_do_not_divide_are_refused():
    with pytest.raises(ModelError, match="standard or hadamard"):
        attention("linear", WIDTH, HEADS)
    with pytest.raises(ModelError, match="not a multiple of the 5 heads"):
        ScaledDotProductAttention(WIDTH, 5)
    assert HadamardGatedAttention(WIDTH)(tokens().float()).shape == (3, 7, WIDTH)


@pytest.mark.parametrize("kind", ["standard", "hadamard"])
def test_a_layer_adds_to_its_input_and_drops_only_with_a_generator(kind):
    layer, x = TransformerLayer(WIDTH, HEADS, 48, 0.5, kind).requires_grad_(False), tokens().float()
    assert torch.equal(layer(x), layer(x))
    first, again = (layer(x, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again) and not torch.equal(first, layer(x))
    for name in ("out", "contract"):
        module = layer.attention.out if name == "out" else layer.contract
        module.weight.zero_(), module.bias.zero_()
    assert torch.equal(layer(x), x)
