"""The head of Model 9: Gaussian, training target, limits, and learning."""

import numpy as np
import pytest
import torch

from stellar_core.models.isochrone_head import IsochroneHead, VoxelPrediction, gaussian, scaled, target_posterior
from stellar_core.models.observable_bins import Voxels
from stellar_core.training.losses import loss_parts

LOW, STEP = np.array([3.55, 0.0, -2.0]), np.array([0.02, 0.4, 0.4])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def voxels() -> Voxels:
    """A full lattice of 10 x 12 x 6 with a prior that rises with log g."""
    index = np.stack(np.meshgrid(*map(np.arange, (10, 12, 6)), indexing="ij"), axis=-1).reshape(-1, 3)
    place = (LOW + (index + 0.5) * STEP).astype(np.float32)
    log_prior = place[:, 1] - np.log(np.exp(place[:, 1]).sum())
    return Voxels(place, log_prior.astype(np.float32), LOW, STEP)


@pytest.fixture
def head(voxels) -> IsochroneHead:
    head = IsochroneHead(24, 8, voxels)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator(3))
    return head


def stars(n: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.tensor(
        np.column_stack([rng.uniform(3900, 5300, n), rng.uniform(0.5, 4.5, n), rng.uniform(-1.8, 0.2, n)]),
        dtype=torch.float32,
    )


def test_gaussian_matches_the_formula():
    x, mean = torch.randn(50, 3, generator=generator()), torch.randn(4, 3, generator=generator(1))
    factor = torch.tril(torch.randn(4, 3, 3, generator=generator(2))) + 20 * torch.eye(3)
    for row in range(4):
        precision = (factor[row] @ factor[row].T).double()
        offset = (x - mean[row]).double()
        expected = -0.5 * torch.einsum("ni,ij,nj->n", offset, precision, offset)
        assert torch.allclose(gaussian(mean, factor, x)[row].double(), expected, rtol=1e-5, atol=1e-3)


def test_the_likelihood_has_a_lower_triangle_and_positive_sharpness(head):
    found = head.likelihood(5 * torch.randn(7, 24, generator=generator(4)))
    assert torch.equal(found.factor, torch.tril(found.factor))
    assert (torch.diagonal(found.factor, dim1=1, dim2=2) > 0).all()
    assert found.weights.shape == (7, 8) and found.mean.dtype == torch.float32


def test_a_flat_likelihood_gives_the_prior(head, voxels):
    """Before any training the posterior is the prior."""
    for linear in (head.mean, head.factor, head.weights):
        linear.weight.data.zero_()
        linear.bias.data.zero_()
    head.factor.bias.data[:3] = -100.0
    found = torch.softmax(head(torch.zeros(1, 24)).logits, dim=1)[0]
    place = torch.from_numpy(voxels.place)
    prior = torch.from_numpy(voxels.log_prior).exp()
    broadest = torch.softmax(
        gaussian(torch.zeros(1, 3), 0.05 * torch.eye(3)[None], scaled(place))[0] + prior.log(), dim=0
    )
    assert float((found - broadest).abs().sum().detach()) < 0.01


def test_the_training_target_is_the_posterior_of_the_label(head, voxels):
    errors = (60.0, 0.2, 0.15)
    head.set_population(stars(500, 0).numpy(), errors)
    reference = stars(6, 1)
    log = target_posterior(reference, head(torch.zeros(6, 24)))
    assert torch.allclose(log.exp().sum(dim=1), torch.ones(6), atol=1e-4)
    mean = log.exp() @ torch.from_numpy(voxels.place)
    assert (mean[:, 0] - reference[:, 0].log10()).abs().max() < 0.012
    # The prior rises by one per dex of log g, so the mean lies above the label by the variance.
    shift = mean[:, 1] - reference[:, 1]
    assert float(shift.mean()) == pytest.approx(0.2**2 + 0.4**2 / 12, abs=0.03)


def test_the_density_ratio_removes_the_training_distribution(head, voxels):
    """Trained on giants alone, the head still gives the posterior under the prior."""
    giants = stars(4000, 2)
    giants[:, 1] = 0.5 + 1.5 * torch.rand(4000, generator=generator(5))
    head.set_population(giants.numpy(), (60.0, 0.2, 0.15))
    dwarf = torch.from_numpy(voxels.place[:, 1] > 3.5)
    giant = torch.from_numpy((voxels.place[:, 1] > 0.8) & (voxels.place[:, 1] < 1.8))
    assert float(head.log_density_ratio[dwarf].max()) < -3.0 and float(head.log_density_ratio[giant].mean()) > 1.0
    prediction = head(torch.zeros(1, 24))
    plain = prediction.logits - head.log_density_ratio
    head.log_density_ratio.zero_()
    assert torch.allclose(plain, head(torch.zeros(1, 24)).logits, atol=1e-4)


def test_the_loss_is_the_divergence_from_the_target(head):
    head.set_population(stars(500, 0).numpy(), (60.0, 0.2, 0.15))
    reference = stars(5, 3)
    predicted = head(torch.randn(5, 24, generator=generator(6)))
    loss = loss_parts(predicted, {"reference": reference})
    assert list(loss) == ["cells"] and float(loss["cells"].detach()) > 0
    perfect = VoxelPrediction(target_posterior(reference, predicted), *predicted[1:])
    assert float(loss_parts(perfect, {"reference": reference})["cells"]) == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
def test_a_head_learns_to_return_the_atmosphere_in_its_input(voxels):
    head = IsochroneHead(3, 8, voxels)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator(7))
    head.initialise()
    reference = stars(600, 4)
    known = scaled(torch.cat([reference[:, :1].log10(), reference[:, 1:]], dim=1))
    head.set_population(reference.numpy(), (60.0, 0.2, 0.15))
    optimiser = torch.optim.Adam(head.parameters(), 0.03)
    losses = []
    for _ in range(150):
        loss = loss_parts(head(known), {"reference": reference})["cells"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 1.0 and losses[-1] < 0.15
    with torch.no_grad():
        mean = torch.softmax(head(known).logits - head.log_density_ratio, dim=1) @ torch.from_numpy(voxels.place)
    assert float((mean[:, 1] - reference[:, 1]).abs().median()) < 0.15
    assert float((mean[:, 0] - reference[:, 0].log10()).abs().median()) < 0.006
