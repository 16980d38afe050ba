"""MOCK stars: valid values, separate splits, inputs without truth."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from stellar_core.datasets import memmap_stars
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import Inputs, Labels, make_stars
from stellar_core.errors import ParameterError
from stellar_core.galaxy import STRAGGLERS
from stellar_core.mock.gaia import observe_gaia
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.training.batches import Batches

DATA = DataConfig(stars=100, calibration=100, test=100)


@pytest.fixture(scope="module")
def stars():
    return make_stars(120, DATA, "train")


def test_mock_stars_have_valid_values(stars):
    assert 100 <= len(stars) <= 120
    assert stars.inputs.flux.shape == (len(stars), 6800) and stars.inputs.features.shape == (len(stars), 29)
    assert np.isfinite(stars.inputs.flux).all() and np.isfinite(stars.inputs.features).all()
    assert (stars.inputs.flux[~stars.inputs.coverage] == 1.0).all()
    assert (stars.truth.log_age <= np.log10(13.8e9)).all()
    assert (stars.truth.log_age <= stars.truth.track_log_lifetime + 1e-6).all()


def test_blue_stragglers_are_in_training_sets_only(monkeypatch):
    """Their ages are those of their population, which no single star of such a spectrum has."""
    from stellar_core.datasets import mock_stars
    from stellar_core.mock.population import draw

    def merged(n, *arguments, **options):
        stars = draw(40 * n, *arguments, **options)
        return stars.select(np.flatnonzero(stars.component == STRAGGLERS)[: n // 2 * 2][:n])

    monkeypatch.setattr(mock_stars, "draw", merged)
    train, test = (make_stars(60, DATA, split) for split in ("train", "test"))
    assert len(train) > 40 and len(test) == 0
    assert (train.truth.log_age > 9.8).all() and np.median(train.labels.log_age) < 9.8
    for lifetime in (train.truth.log_lifetime, train.truth.track_log_lifetime):
        assert (train.truth.log_age <= lifetime).all()


def test_splits_differ_and_depend_on_the_seed_only(stars):
    again, other = make_stars(120, DATA, "train"), make_stars(120, DATA, "test")
    assert np.array_equal(stars.inputs.flux, again.inputs.flux)
    assert not set(stars.truth.log_age.tolist()) & set(other.truth.log_age.tolist())


def test_inputs_are_flux_coverage_and_29_photometric_features(stars):
    assert list(Inputs.__dataclass_fields__) == ["flux", "coverage", "features", "root_ivar"]
    batch = Batches(stars, torch.device("cpu"))(np.arange(4))
    assert set(batch) == {*Inputs.__dataclass_fields__, *Labels.__dataclass_fields__}
    kinds = ("psfMag_", "psfMagErr_", "extinction_", "corrected_psfMag_", "modelMag_")
    assert all(name.startswith(kinds) or name in ("u-g", "g-r", "r-i", "i-z") for name in FEATURE_NAMES)


def test_no_feature_determines_a_true_value(stars):
    columns = np.column_stack(
        [stars.truth.atmosphere, stars.truth.log_age, stars.labels.atmosphere, stars.labels.log_age]
    )
    correlation = np.corrcoef(stars.inputs.features.T, columns.T)[:29, 29:]
    assert np.abs(correlation).max() < 0.99


def test_labels_have_pipeline_errors(stars):
    difference = stars.labels.atmosphere - stars.truth.atmosphere
    assert difference.std(axis=0) == pytest.approx(DATA.spp_errors, rel=0.25)


def test_choices_are_words_and_settings_without_them_mean_the_old_labels():
    for name in ("pipeline", "look_up"):
        with pytest.raises(ParameterError, match=f"{name} must be one of"):
            DataConfig(**{name: "other"})
    old = {key: value for key, value in asdict(DATA).items() if key not in ("pipeline", "look_up")}
    assert DataConfig.from_dict(old) == DATA == replace(DATA, pipeline="independent", look_up="nearest")


def test_parallaxes_are_those_of_the_stars_and_change_nothing_else(stars, monkeypatch):
    from stellar_core.datasets import mock_stars

    gaia = stars.gaia
    assert len(gaia) == len(stars) and gaia.has_parallax.mean() > 0.9
    r = stars.inputs.features[:, FEATURE_NAMES.index("psfMag_r")]
    assert np.abs(np.median(gaia.magnitudes[:, 0] - r)) < 0.3 and np.std(gaia.magnitudes[:, 0] - r) < 0.5
    few = memmap_stars.select(stars, np.array([5, 2]))
    assert np.array_equal(few.gaia.parallax, gaia.parallax[[5, 2]], equal_nan=True)

    def other(stars, ebv, rng):
        rng.random(77)
        return observe_gaia(stars, ebv, rng)

    monkeypatch.setattr(mock_stars, "observe_gaia", other)
    again = make_stars(120, DATA, "train")
    assert not np.array_equal(again.gaia.parallax, gaia.parallax, equal_nan=True)
    for part in ("inputs", "labels", "truth"):
        for name, values in vars(getattr(stars, part)).items():
            assert np.array_equal(values, getattr(getattr(again, part), name)), name
