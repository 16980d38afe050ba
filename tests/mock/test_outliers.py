"""Faults of astrometry: wrong matches, doubled parallaxes, equal pairs."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.mock.outliers import EQUAL_PAIR, doubled_parallaxes, equal_pairs, wrong_matches
from stellar_core.mock.plates import gaia_of_plate, make_plate
from stellar_core.mock.survey import SEED
from stellar_core.preprocessing.features import FEATURE_NAMES, features_batch


@pytest.fixture(scope="module")
def gaia():
    return gaia_of_plate(SEED, 16000)


def test_a_wrong_match_is_another_star_of_similar_brightness(gaia):
    wrong = wrong_matches(gaia, np.random.default_rng(0))
    assert wrong.has_parallax.all() and len(wrong) == len(gaia)
    assert not (wrong.parallax == gaia.parallax).any() and set(wrong.parallax) <= set(gaia.parallax)
    assert np.median(np.abs(wrong.magnitudes - gaia.magnitudes)[:, 0]) < 0.3
    few = gaia.select(np.flatnonzero(gaia.has_parallax)[:2])
    assert sorted(wrong_matches(few, np.random.default_rng(1)).parallax) == sorted(few.parallax)
    assert (wrong_matches(few, np.random.default_rng(1)).parallax != few.parallax).all()
    with pytest.raises(ParameterError, match="needs two stars with parallax; there are 1"):
        wrong_matches(few.select(slice(1)), np.random.default_rng(0))


def test_doubled_parallaxes(gaia):
    assert np.array_equal(doubled_parallaxes(gaia).parallax, 2 * gaia.parallax, equal_nan=True)
    assert np.array_equal(doubled_parallaxes(gaia).parallax_error, gaia.parallax_error, equal_nan=True)


def test_equal_pairs_are_brighter_in_all_bands_and_of_the_same_colour(gaia):
    seen = make_plate(SEED, 16000).photometry
    features = features_batch(seen.psf_mag, seen.psf_mag_err, seen.extinction, seen.model_mag).astype(np.float32)
    pairs, bright = equal_pairs(gaia, features)
    assert gaia.magnitudes - pairs.magnitudes == pytest.approx(0.7526, abs=1e-4)
    assert np.array_equal(pairs.parallax, gaia.parallax, equal_nan=True) and bright.dtype == np.float32
    expected = features_batch(seen.psf_mag - EQUAL_PAIR, seen.psf_mag_err, seen.extinction, seen.model_mag - EQUAL_PAIR)
    assert bright == pytest.approx(expected, abs=1e-4)
    assert [name for name, moved in zip(FEATURE_NAMES, (bright != features).any(axis=0)) if moved][0] == "psfMag_u"
