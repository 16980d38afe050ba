"""The factor on the lines of each region."""

import numpy as np
import pytest

from stellar_core.inference.template_fit.regions import EDGES, FACTOR_SCATTER, REGIONS, fit_regions, model_error

REGION = np.repeat(np.arange(len(REGIONS)), 40)
RNG = np.random.default_rng(0)
TEMPLATES = RNG.normal(0, 0.2, (3, REGION.size)).astype(np.float32)


def test_filled_in_lines_are_recovered_region_by_region():
    factor = np.linspace(0.6, 1.0, len(REGIONS))
    found = fit_regions(TEMPLATES, factor[REGION] * TEMPLATES[1], np.full(REGION.size, 1e6), REGION)
    assert found.chi2.argmin() == 1
    np.testing.assert_allclose(found.factor[:, 1], factor, atol=1e-3)


def test_chi2_is_the_exact_marginal_likelihood():
    lines, weight = RNG.normal(0, 0.2, REGION.size), RNG.uniform(20, 60, REGION.size)
    found = fit_regions(TEMPLATES, lines, weight, REGION)
    for template, chi2 in zip(TEMPLATES.astype(float), found.chi2):
        exact = 0.0
        for number, scatter in enumerate(FACTOR_SCATTER):
            inside = REGION == number
            noise = np.diag(1 / weight[inside])
            covariance = noise + scatter**2 * np.outer(template[inside], template[inside])
            rest = (lines - template)[inside]
            exact += rest @ np.linalg.solve(covariance, rest)
            exact += np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(noise)[1]
        assert chi2 == pytest.approx(exact, rel=1e-4)


def test_regions_that_are_hardly_measured_do_not_count():
    weight = np.ones(REGION.size)
    weight[REGION == 0] = 0
    weight[np.flatnonzero(REGION == 1)[:30]] = 0
    found = fit_regions(TEMPLATES, TEMPLATES[0], weight, REGION)
    assert np.isnan(found.factor[:2]).all() and np.isfinite(found.factor[2:]).all()


def test_the_blue_is_trusted_least():
    assert (np.diff(FACTOR_SCATTER) < 0).all() and (np.diff(model_error(EDGES)) < 0).all()
    assert REGIONS[0] == "4000-4150 A" and len(REGIONS) == len(EDGES) - 1
