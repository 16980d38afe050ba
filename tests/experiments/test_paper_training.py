"""The preset "paper": network, losses, optimiser and schedule are those that the paper states."""

import pytest
import torch

from stellar_core.experiments.phases import PhaseConfig, phase_3
from stellar_core.experiments.published import CHOSEN
from stellar_core.models.zoo import build
from stellar_core.training.config import TrainingConfig
from stellar_core.training.distributed import processes
from stellar_core.training.learner import Learner
from stellar_core.training.losses import total_loss
from tests.small_run import stars


@pytest.fixture(scope="module")
def learner():
    """The state of a training of Setup A on invented stars."""
    config = phase_3(PhaseConfig(3, preset="paper", device="cpu"))[0].config
    found = stars(40)
    return Learner(config, processes("cpu"), found, torch.arange(40).numpy(), None, 100)


def test_the_network_has_the_papers_depths_and_widths():
    network = build(TrainingConfig.paper().model, torch.Generator().manual_seed(0))
    linears = network.photometry.perceptron.linears, network.fusion.linears
    assert len(network.encoder.layers) == CHOSEN["spectrum_depth"] == 4
    assert network.encoder.position.shape == (1, 68, CHOSEN["spectrum_width"])
    assert [(len(part), part[-1].out_features) for part in linears] == [(2, 256), (4, 512)]
    assert network.stem.conv1.in_channels == 1, "the flux alone"
    assert network.n_parameter == 3_634_378 - 2 * 9 * 48, "two channels of the first convolution fewer than ours"


def test_the_heads_are_linear_and_three_of_them_are_learned(learner):
    parts = {
        name: torch.tensor(value) for name, value in zip(("age", "lifetime", "stage", "atmosphere"), (1, 10, 100, 1e6))
    }
    assert float(total_loss(parts, learner.config)) == pytest.approx(0.5 * 1 + 0.4 * 10 + 0.1 * 100)
    x = torch.randn(3, 512, generator=torch.Generator().manual_seed(1))
    heads = learner.network.heads
    with torch.no_grad():
        assert torch.equal(heads(x).log_age, heads.age(x)[:, 0]) and heads(x).log_age.abs().max() < 5


def test_optimiser_and_schedule(learner):
    group = learner.optimiser.param_groups[0]
    assert isinstance(learner.optimiser, torch.optim.AdamW) and (group["lr"], group["weight_decay"]) == (1e-5, 1e-2)
    learner.schedule.before_step(0)
    assert group["lr"] == 1e-5 and isinstance(learner.schedule.plateau, torch.optim.lr_scheduler.ReduceLROnPlateau)


def test_gradients_are_not_clipped_and_weights_not_averaged(learner):
    from stellar_core.training.batches import Batches

    batch = Batches(stars(40), torch.device("cpu"))(torch.arange(32).numpy())
    learner.step(0, batch)
    norm = torch.sqrt(sum(p.grad.square().sum() for p in learner.network.parameters() if p.grad is not None))
    assert float(norm) > 10.0, "the first gradient, of ages near 0, is long"
    for mine, averaged in zip(learner.network.parameters(), learner.average.parameters()):
        assert torch.equal(mine, averaged)
