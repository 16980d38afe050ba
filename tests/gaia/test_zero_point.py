"""Zero points of Lindegren et al. (2021b) and errors that hold."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from stellar_core.gaia.response import read_sources
from stellar_core.gaia.source import FIVE, SIX, TWO, GaiaSource
from stellar_core.gaia.zero_point import (
    MEAN_ZERO_POINT,
    MEAN_ZERO_POINT_ERROR,
    SYSTEMATIC,
    correct_parallaxes,
    error_factor,
    zero_points,
)


def source(**changes) -> GaiaSource:
    values = {
        **{"source_id": 128, "ra": 10.0, "dec": 20.0, "parallax": 2.0, "parallax_error": 0.1, "ruwe": 1.0},
        **{"phot_g_mean_mag": 15.0, "nu_eff_used_in_astrometry": 1.48, "ecl_lat": 0.0},
        "astrometric_params_solved": FIVE,
    }
    return GaiaSource(**values | changes)


def test_zero_points_at_nodes_of_the_published_tables():
    """Tables 9 and 10 of Lindegren et al. (2021b); at 1.48 per micron q00 + q01 sin b + q02 (sin^2 b - 1/3) is left."""
    at_15, at_17 = {"phot_g_mean_mag": 15.9}, {"phot_g_mean_mag": 17.5}
    six = {"astrometric_params_solved": SIX, "nu_eff_used_in_astrometry": math.nan, "pseudocolour": 1.48}
    sources = [source(**at_15), source(**at_15, ecl_lat=90.0), source(**at_17), source(**at_15, **six)]
    expected = [-38.33 - 15.42 / 3, -38.33 + 5.61 + 15.42 * 2 / 3, -29.18 - 2.41 / 3, -36.83 - 15.76 / 3]
    np.testing.assert_allclose(1000.0 * zero_points(sources), expected, atol=0.01)


def test_it_is_not_defined_everywhere():
    sources = [
        *(source(phot_g_mean_mag=5.9), source(phot_g_mean_mag=21.1), source(nu_eff_used_in_astrometry=1.05)),
        *(source(nu_eff_used_in_astrometry=1.95), source(phot_g_mean_mag=math.nan), source(ecl_lat=math.nan)),
        source(astrometric_params_solved=SIX, pseudocolour=1.2),
        source(astrometric_params_solved=SIX, pseudocolour=1.8),
        source(astrometric_params_solved=TWO, parallax=math.nan),
        source(astrometric_params_solved=0),
    ]
    assert np.isnan(zero_points(sources)).all()
    assert zero_points([]).shape == (0,)


def test_stars_together_and_alone_agree_without_warnings(gaia_file):
    sources = read_sources(gaia_file("cone_search.json"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = zero_points(sources)
        alone = np.array([zero_points([one])[0] for one in sources])
    np.testing.assert_array_equal(together, alone)
    solved = np.array([one.astrometric_params_solved for one in sources])
    assert np.isnan(together[solved == TWO]).all() and np.isfinite(together[solved == FIVE]).sum() >= 25
    assert np.nanmax(np.abs(together)) < 0.1


def test_the_zero_point_is_subtracted():
    one = source()
    (found,) = correct_parallaxes([one])
    zero = zero_points([one])[0]
    assert found.zero_point == zero < 0 and found.value == 2.0 - zero > 2.0 and found.notes == ()
    assert found.error == pytest.approx(math.hypot(1.10 * 0.1, SYSTEMATIC))


def test_outside_the_validity_the_mean_is_subtracted_and_the_error_is_larger():
    (found,) = correct_parallaxes([source(phot_g_mean_mag=5.0)])
    assert found.value == 2.0 - MEAN_ZERO_POINT and "zero point is not known" in found.notes[0]
    factor = error_factor(5.0)
    assert found.error == pytest.approx(math.sqrt((factor * 0.1) ** 2 + SYSTEMATIC**2 + MEAN_ZERO_POINT_ERROR**2))


def test_positions_alone_have_no_parallax():
    two = source(astrometric_params_solved=TWO, parallax=math.nan, parallax_error=math.nan)
    found = correct_parallaxes([two, source(), two])
    assert found[0] is None and found[2] is None and found[1] is not None


def test_factors_of_isolated_stars():
    """Figure 15 of El-Badry et al. (2021): 1.3 at G 12.65, 1.1 to 1.15 on both sides, near 1 at G 18."""
    assert error_factor(12.65) == pytest.approx(0.21 + 1.141 + 0.0040 * 12.65 - 0.00062 * 12.65**2)
    assert error_factor(12.65) == pytest.approx(1.30, abs=0.01)
    assert error_factor(18.0) == error_factor(20.0) == 1.10, "the least"
    assert error_factor(2.0) == error_factor(7.0) and 1.1 <= error_factor(math.nan) < 1.15
    assert all(1.1 <= error_factor(g) < 1.31 for g in np.linspace(3, 22, 200))


def test_a_large_ruwe_widens():
    assert error_factor(15.0, 1.4) == error_factor(15.0, math.nan) == error_factor(15.0)
    growing = [error_factor(15.0, ruwe, 2.0) for ruwe in (1.41, 1.8, 3.0, 10.0, 100.0)]
    assert growing == sorted(growing) and 2.0 < growing[0] and growing[-1] < 4.0
    assert all(math.isfinite(error_factor(15.0, 5.0, value)) for value in (-3.0, 0.0, math.nan, 100.0))
    plain, wide = correct_parallaxes([source(), source(ruwe=2.5)])
    assert wide.error > 2 * plain.error and "RUWE 2.5" in wide.notes[0] and wide.value == plain.value
