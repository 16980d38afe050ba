"""The nearest-point label of the paper."""

import numpy as np
import pytest

from stellar_core.constants import UNIVERSE_LOG_AGE
from stellar_core.errors import ParameterError
from stellar_core.isochrones import load_tracks, nearest_label
from stellar_core.stages import STAGES


def test_a_track_point_finds_itself():
    points = load_tracks().points()
    points = points.select(np.flatnonzero(points.log_age < UNIVERSE_LOG_AGE)[::5003])
    found = nearest_label(points.teff, points.logg, points.feh_surface)
    assert (found.distance < 1e-6).all()
    # two tracks may cross; nearly all points are their own nearest
    assert np.mean(np.abs(found.log_age - points.log_age) < 1e-6) > 0.95


def test_lifetime_is_the_power_law_and_stage_that_of_the_input():
    found = nearest_label([5772.0, 4800.0], [4.44, 2.5], [0.0, 0.0])
    assert found.log_lifetime == pytest.approx(10 - 2.5 * np.log10(found.mass))
    assert [STAGES[s] for s in found.stage] == ["Medium", "Red Giant"]


def test_only_real_points_within_the_age_of_the_universe():
    rng = np.random.default_rng(1)
    found = nearest_label(rng.uniform(3000, 8000, 3000), rng.uniform(0, 5, 3000), rng.uniform(-2.5, 0.5, 3000))
    inside = found.inside_models
    assert inside.mean() > 0.5
    assert (found.log_age[inside] <= UNIVERSE_LOG_AGE).all()
    assert ((found.eep[inside] >= 202) & (found.eep[inside] <= 808)).all()


def test_no_label_outside_the_models():
    found = nearest_label([30000.0, np.nan, 12000.0], [7.0, 4.0, 8.0], [0.0, 0.0, 0.0])
    assert not found.inside_models.any()
    assert np.isnan(found.log_age).all() and (found.stage == -1).all()
    assert nearest_label(30000.0, 7.0, 0.0).to_dict() is None


def test_scales_must_be_positive():
    with pytest.raises(ParameterError):
        nearest_label(5772, 4.4, 0.0, scales=(75, 0, 0.1))
