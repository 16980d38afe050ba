"""The heads: bounded by default, the paper's unbounded ones on request."""

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


def test_both_kinds_of_heads_start_from_the_same_values(heads):
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for head in heads.values():
            head.initialise()
            predicted = head(x)
            assert predicted.log_age.mean() == pytest.approx(START_LOG_AGE, abs=0.05)
            assert predicted.log_lifetime.mean() == pytest.approx(START_LOG_LIFETIME, abs=0.05)


def test_networks_start_near_these_values_for_any_seed():
    config = ModelConfig(name="Spectra-Transformer", spectrum_depth=1, spectrum_width=32, heads=4)
    flux, features = torch.ones(3, 6800), torch.zeros(3, 29)
    for seed in range(3):
        network = build(config, torch.Generator().manual_seed(seed))
        with torch.no_grad():
            predicted = network(flux, torch.ones(3, 6800), features)
        assert predicted.log_age == pytest.approx(torch.full((3,), START_LOG_AGE), abs=0.3)
