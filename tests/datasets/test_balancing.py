"""Balancing: undersampling, class weights equal to scikit-learn's, separate validation stars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from stellar_core.datasets.balancing import class_weights, partition, split, undersample


@pytest.fixture
def stage():
    return np.random.default_rng(0).choice(5, 1000, p=[0.4, 0.3, 0.15, 0.1, 0.05])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_undersampling_keeps_the_same_number_of_each_stage(values, seed):
    stage = np.array(values)
    rows = undersample(stage, seed)
    present, counts = np.unique(stage, return_counts=True)
    kept, numbers = np.unique(stage[rows], return_counts=True)
    assert np.array_equal(kept, present) and (numbers == counts.min()).all()
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(rows, undersample(stage, seed))


def test_undersampling_depends_on_the_seed(stage):
    assert not np.array_equal(undersample(stage, 0), undersample(stage, 1))


def test_class_weights_equal_those_of_scikit_learn(stage):
    expected = compute_class_weight("balanced", classes=np.arange(5), y=stage)
    assert class_weights(stage) == pytest.approx(expected, rel=1e-6)
    assert (class_weights(stage)[stage]).mean() == pytest.approx(1.0, rel=1e-5)
    without = stage[stage != 3]
    assert class_weights(without)[3] == 1.0 and class_weights(without)[4] > 3


def test_validation_stars_are_separate_and_depend_on_the_seed():
    rows, held = split(1000, 0.15, 3)
    assert len(held) == 150 and np.array_equal(np.sort(np.concatenate([rows, held])), np.arange(1000))
    assert np.array_equal(held, split(1000, 0.15, 3)[1]) and not np.array_equal(held, split(1000, 0.15, 4)[1])
    assert abs(held.mean() - 500) < 100
    rows, held = split(10, 0.0, 0)
    assert np.array_equal(rows, np.arange(10)) and not len(held)


def test_undersampling_reduces_training_and_validation_stars(stage):
    plain = partition(stage, 0.2, 0, "none")
    assert [len(rows) for rows in plain] == [800, 200]
    for whole, cut in zip(plain, partition(stage, 0.2, 0, "undersample")):
        assert np.isin(cut, whole).all()
        assert len(set(np.bincount(stage[cut]))) == 1 and len(cut) == 5 * np.bincount(stage[whole]).min()
