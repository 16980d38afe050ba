"""The heads: bounded by default, the paper's unbounded ones on request."""

from itertools import product

import pytest
import torch

from stellar_core.models.heads import LOG_AGE_BOUNDS, START_LOG_AGE, START_LOG_LIFETIME, Heads
from stellar_core.models.zoo import ModelConfig, build


@pytest.fixture
def heads() -> dict[bool, Heads]:
    pair = {bounded: Heads(8, bounded=bounded) for bounded in (True, False)}
    pair[False].load_state_dict(pair[True].state_dict())
    return pair


def test_unbounded_heads_leave_the_age_of_the_universe_and_bounded_ones_do_not(heads):
    x = 100.0 * torch.eye(8)
    with torch.no_grad():
        assert heads[False](x).log_age.abs().max() > LOG_AGE_BOUNDS[1]
        assert heads[True](x).log_age.max() <= LOG_AGE_BOUNDS[1]


def test_bounded_heads_start_near_the_sun_and_unbounded_ones_keep_their_weights(heads):
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    before = heads[False].age.weight.clone()
    with torch.no_grad():
        for head in heads.values():
            head.initialise()
        predicted = heads[True](x)
    assert predicted.log_age.mean() == pytest.approx(START_LOG_AGE, abs=0.05)
    assert predicted.log_lifetime.mean() == pytest.approx(START_LOG_LIFETIME, abs=0.05)
    assert torch.equal(heads[False].age.weight, before)


def test_unbounded_heads_are_the_linear_layers_even_in_half_precision(heads):
    head, x = heads[False], torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        head.age.bias.fill_(9.7)
        expected = head.age(x)[:, 0], head.lifetime(x)[:, 0]
        for half, values in product((False, True), expected):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                predicted = head(x)
            found = predicted.log_age if values is expected[0] else predicted.log_lifetime
            assert found.dtype == torch.float32 and torch.equal(found, values)


def test_networks_start_near_these_values_for_any_seed():
    config = ModelConfig(name="Spectra-Transformer", spectrum_depth=1, spectrum_width=32, heads=4)
    flux, features = torch.ones(3, 6800), torch.zeros(3, 29)
    for seed in range(3):
        network = build(config, torch.Generator().manual_seed(seed))
        with torch.no_grad():
            predicted = network(flux, torch.ones(3, 6800), features)
        assert predicted.log_age == pytest.approx(torch.full((3,), START_LOG_AGE), abs=0.3)
