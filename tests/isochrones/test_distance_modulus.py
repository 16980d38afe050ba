"""Density of the distance modulus: parallaxes of all kinds."""

import numpy as np
import pytest

from stellar_core.isochrones.distance_modulus import DISTANCES, MODULI, DistanceModulus


def mean_distance(one):
    shares = one.parts[0]
    return float((DISTANCES * shares).sum() / shares.sum())


@pytest.mark.parametrize("error", [0.2, 0.01, 1e-5])
def test_a_parallax_gives_its_distance_however_precise(error):
    assert mean_distance(DistanceModulus(0.03, 5.0, error)) == pytest.approx(200.0, rel=0.03)


def test_the_parallax_enters_as_a_gaussian():
    """Against a plain product with the volume of space, where the right parallax dominates."""
    plain, known = DistanceModulus(0.03).parts[0], DistanceModulus(0.03, 2.0, 0.2).parts[0]
    near = np.abs(1000.0 / DISTANCES - 2.0) < 0.6
    expected = np.exp(-0.5 * ((1000.0 / DISTANCES[near] - 2.0) / 0.2) ** 2)
    ratio = known[near] / plain[near] / expected
    assert ratio == pytest.approx(np.full(near.sum(), ratio[0]), rel=0.01)


def test_a_negative_parallax_means_far():
    assert mean_distance(DistanceModulus(0.03, -0.1, 0.1)) > mean_distance(DistanceModulus(0.03, 0.5, 0.1))


def test_a_companion_makes_the_star_seem_nearer():
    one = DistanceModulus(0.03, 10.0, 0.01)
    low, high = one.limits(8.0)
    assert low == pytest.approx(5.0 - 0.75, abs=0.2) and high == pytest.approx(5.1, abs=0.1)
    at = lambda modulus: np.eye(MODULI.size)[int(np.argmin(np.abs(MODULI - modulus)))]
    assert one.fraction(at(4.4), light=0.3) > 0.95 and one.fraction(at(5.0), light=0.3) < 0.05


def test_far_from_the_parallax_the_parallax_is_wrong():
    one = DistanceModulus(0.03, 10.0, 0.01)
    at = lambda modulus: np.eye(MODULI.size)[int(np.argmin(np.abs(MODULI - modulus)))]
    assert one.fraction(at(5.0), wrong=True) < 0.01 and one.fraction(at(7.0), wrong=True) > 0.99
    assert 3.0 < one.depth < 20.0 and DistanceModulus(0.03).depth == np.inf


def test_distances_of_the_modulus_of_the_magnitudes():
    one = DistanceModulus(0.03, 10.0, 0.5)
    shares = np.exp(-0.5 * ((MODULI - 5.0) / 0.03) ** 2) * np.exp(one.log_integral)
    density = one.distances(shares)
    assert density.sum() == pytest.approx(1.0) and (density * DISTANCES).sum() == pytest.approx(100.0, rel=0.02)
