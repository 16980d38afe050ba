"""The likelihood averaged over samples, against its integral."""

import numpy as np
import pytest

from stellar_core.isochrones import AlphaEnhancement, Priors
from stellar_core.isochrones.atmosphere_likelihood import likelihood
from stellar_core.isochrones.mesh import TrackSamples

MEAN, ERRORS = np.array([5772.0, 4.4, -0.1]), np.array([80.0, 0.1, 0.08])


def one_sample(offset, edges):
    """A sample at ``offset`` (3,) errors from the star with ``edges`` (3, 3) in errors."""
    to_log = ERRORS / np.array([5772.0 * np.log(10.0), 1.0, 1.0])
    teff, logg, feh = MEAN + offset * ERRORS
    column = lambda value: np.array([value], np.float32)
    return TrackSamples(
        column(np.log10(teff)), column(logg), column(feh), column(feh), *(column(x) for x in (9.6, 1.0, 10.0)),
        column(0.0), column(300.0), column(1.0), (edges * to_log)[None].astype(np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("offset", [(0.0, 0.0, 0.0), (1.0, -1.0, 0.5), (0.0, 2.5, 0.0)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_the_mean_over_a_sample_equals_the_integral(offset, scale):
    edges = scale * np.array([[0.3, 0.1, 1.0], [0.8, -0.5, 0.0], [-0.2, 0.9, 0.1]])
    weight, _, _ = likelihood(
        one_sample(np.array(offset), edges), MEAN, np.diag(ERRORS**2), AlphaEnhancement(0.0), Priors()
    )
    steps = (np.arange(24) + 0.5) / 24 - 0.5
    place = np.array(offset) + np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1) @ edges
    exact = np.exp(-0.5 * (place**2).sum(axis=-1)).mean()
    assert weight[0] == pytest.approx(exact, rel=0.04 * scale**2 + 0.01)


def test_the_smallest_chi_square_is_that_of_the_nearest_point():
    edges = np.diag([2.0, 2.0, 2.0])
    star = (MEAN, np.diag(ERRORS**2), AlphaEnhancement(0.0), Priors())
    inside = likelihood(one_sample(np.array([0.5, -0.5, 0.5]), edges), *star)
    outside = likelihood(one_sample(np.array([3.0, 0.0, 0.0]), edges), *star)
    assert inside[2] == pytest.approx(0.0, abs=0.01)
    assert outside[2] == pytest.approx(4.0, abs=0.25)  # the edge is one in log Teff


def test_alpha_moves_the_metallicity_and_reports_its_offset():
    alpha = AlphaEnhancement(0.3)
    sample = one_sample(np.array([0.0, 0.0, alpha.offsets[0] / ERRORS[2]]), np.zeros((3, 3)))
    weight, offset, chi2 = likelihood(sample, MEAN, np.diag(ERRORS**2), alpha, Priors())
    assert weight[0] == pytest.approx(1.0, abs=0.01)
    assert offset[0] == pytest.approx(alpha.offsets[0], abs=1e-5) and chi2 == pytest.approx(0.0, abs=0.01)


def test_no_samples_have_no_star():
    nothing = one_sample(np.zeros(3), np.zeros((3, 3))).select(slice(0, 0))
    weight, _, chi2 = likelihood(nothing, MEAN, np.diag(ERRORS**2), AlphaEnhancement(), Priors())
    assert weight.size == 0 and chi2 == np.inf
