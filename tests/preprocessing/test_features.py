"""The 29 photometric features."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.photometry import Photometry
from stellar_core.preprocessing.features import FEATURE_NAMES, features, features_batch

MAGS = np.array([18.9, 17.8, 17.3, 17.1, 17.0])
ERRORS = np.array([0.03, 0.01, 0.01, 0.01, 0.02])
EXTINCTION = np.array([0.24, 0.19, 0.13, 0.10, 0.07])


def test_there_are_29_distinct_names():
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == 29


def test_no_feature_is_an_atmospheric_parameter():
    forbidden = ("teff", "logg", "feh", "elodie", "sspp")
    assert not [name for name in FEATURE_NAMES if any(word in name.lower() for word in forbidden)]


def test_values_by_name():
    values = dict(zip(FEATURE_NAMES, features(Photometry(MAGS, ERRORS, EXTINCTION, MAGS + 0.05))))
    assert values["psfMag_u"] == 18.9
    assert values["psfMagErr_z"] == 0.02
    assert values["extinction_g"] == 0.19
    assert values["corrected_psfMag_r"] == pytest.approx(17.17)
    assert values["u-g"] == pytest.approx((18.9 - 0.24) - (17.8 - 0.19))
    assert values["i-z"] == pytest.approx((17.1 - 0.10) - (17.0 - 0.07))
    assert values["modelMag_i"] == pytest.approx(17.15)


def test_missing_values_affect_only_dependent_features():
    mags = MAGS.copy()
    mags[0] = -9999
    values = dict(zip(FEATURE_NAMES, features(Photometry(mags, ERRORS, EXTINCTION, MAGS))))
    missing = {name for name, value in values.items() if np.isnan(value)}
    assert missing == {"psfMag_u", "corrected_psfMag_u", "u-g"}
    assert np.isnan(features(None)).all()


def test_batch_equals_single_stars():
    rng = np.random.default_rng(0)
    mags = MAGS + rng.normal(size=(7, 5))
    batch = features_batch(mags, np.tile(ERRORS, (7, 1)), np.tile(EXTINCTION, (7, 1)), mags)
    assert batch.shape == (7, 29)
    for row, star in zip(batch, mags):
        np.testing.assert_array_equal(row, features(Photometry(star, ERRORS, EXTINCTION, star)))


def test_wrong_shapes_are_refused():
    with pytest.raises(ParameterError, match="one shape"):
        features_batch(MAGS, ERRORS, EXTINCTION, MAGS)
