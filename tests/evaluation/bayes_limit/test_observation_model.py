"""Linear model of an observed spectrum: it is the spectrograph's, and its columns are derivatives."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.evaluation.bayes_limit.observation_model import DUST, VELOCITY, Fiducial, load_model
from stellar_core.evaluation.bayes_limit.spectral_basis import SpectralBasis, emulated
from stellar_core.mock.instrument import observe
from stellar_core.mock.photometry import redden

ATMOSPHERE = (5600.0, 4.3, -0.5)


@pytest.fixture(scope="module", params=["SDSS", "BOSS"])
def observed(request):
    """A model, its fiducial star and the mean of many noiseless observations of that star."""
    model = load_model(request.param)
    coefficients = SpectralBasis.load().coefficients(*([value] for value in ATMOSPHERE))[0].astype(float)
    at = Fiducial(coefficients, ATMOSPHERE, 80.0, 18.0, 0.1, 0.03)
    rest = redden(emulated(5040.0 / np.array([5600.0]), np.array([4.3]), np.array([-0.5])), np.array([0.1]))
    many = observe(np.repeat(rest, 600, axis=0), np.full(600, 80.0), np.full(600, 50.0), request.param,
                   np.random.default_rng(3))  # fmt: skip
    return model, at, many.model.astype(float)


def test_the_model_is_the_mean_of_the_mock_spectrographs(observed):
    model, at, many = observed
    mean = many.mean(axis=0)
    design = model.design(at, mean, np.ones(mean.size), 1.0)
    assert np.abs(design.model / mean - 1.0)[150:-150].max() < 0.01
    assert np.median(np.abs(design.model / mean - 1.0)) < 2e-3


def test_the_scatter_of_observations_is_that_of_the_nuisances(observed):
    """Without scatter of the star, dust, velocity and sky, which single observations of one star do not have."""
    model, at, many = observed
    mean = many.mean(axis=0)
    fixed = replace(at, velocity_error=1e-6, ebv_error=1e-9)
    rows = model.design(fixed, mean, np.ones(mean.size), 0.0).nuisances
    own = np.delete(rows, np.r_[0, len(rows) - 7 - 2 - 32 : len(rows) - 7 - 2], axis=0)
    expected = np.sqrt((own**2).sum(axis=0)) / mean
    found = (many / many.mean(axis=0)).std(axis=0)
    # A single scale of all pixels is no scatter of the spectrograph.
    assert np.median(np.abs(found / expected - 1.0)) < 0.15


@pytest.mark.parametrize("row, name, error, step", [(VELOCITY, "velocity_kms", 18.0, 5.0), (DUST, "ebv", 0.03, 0.005)])
def test_columns_of_velocity_and_dust_are_derivatives(observed, row, name, error, step):
    model, at, many = observed
    flux, flat = many.mean(axis=0), np.ones(many.shape[1])
    up, down = (
        model.design(replace(at, **{name: getattr(at, name) + sign * step}), flux, flat, 1.0).model for sign in (1, -1)
    )
    design = model.design(at, flux, flat, 1.0)
    slope = (up - down) / (2.0 * step) * error
    column = design.nuisances[row]
    # Each model is scaled to the flux, which the column is not.
    slope = slope + design.model * float((column - slope) @ design.model) / float(design.model @ design.model)
    assert np.corrcoef(slope, column)[0, 1] > 0.995
    assert np.std(slope - column) < 0.1 * np.std(column)
