"""Tracks and isochrones from the shipped table."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.isochrones import load_tracks
from stellar_core.isochrones.tracks import COLUMNS, HE_BURNING, HE_END, LAST_EEP, RGB_TIP, TAMS, ZAMS, assemble


@pytest.fixture(scope="module")
def tracks():
    return load_tracks()


def test_table_covers_the_whole_life(tracks):
    assert tracks.eep[0] == ZAMS and tracks.eep[-1] == LAST_EEP
    assert {TAMS, RGB_TIP, HE_BURNING, HE_END} <= set(tracks.eep.tolist())
    assert tracks.mass[0] == pytest.approx(0.1) and tracks.mass[-1] == pytest.approx(8.0)
    assert tracks.feh[0] == -2.5 and tracks.feh[-1] == 0.5


def test_age_never_falls_along_a_track(tracks):
    steps = np.diff(tracks.log_age, axis=-1)
    assert (steps[np.isfinite(steps)] >= 0).all()


def test_interpolation_is_exact_at_nodes(tracks):
    i, j, k = 9, 21, 100
    point = tracks.at(tracks.mass[j], tracks.feh[i], tracks.eep[k])
    for name in COLUMNS:
        assert getattr(point, name) == pytest.approx(getattr(tracks, name)[i, j, k], abs=1e-12)


def test_interpolation_between_nodes_is_linear_in_log_mass(tracks):
    j = 21
    middle = np.sqrt(tracks.mass[j] * tracks.mass[j + 1])
    point = tracks.at(middle, 0.0, 353)
    low, high = (tracks.at(tracks.mass[j + s], 0.0, 353).log_age for s in (0, 1))
    assert point.log_age == pytest.approx(0.5 * (low + high), abs=1e-10)


def test_points_outside_the_table_are_nan(tracks):
    assert np.isnan(tracks.at(9.0, 0.0, 353).log_age)
    assert np.isnan(tracks.at(1.0, 0.7, 353).log_age)
    assert np.isnan(tracks.at(0.3, 0.0, 700).log_age), "a 0.3 Msun track stops at the end of the main sequence"
    assert np.isnan(tracks.at(-1.0, 0.0, 353).log_age)


def test_a_short_track_does_not_affect_its_neighbours(tracks):
    assert tracks.track(0.3, 0.0).eep[-1] == TAMS
    assert tracks.track(0.8, 0.0).eep[-1] == LAST_EEP


def test_sun_on_its_track(tracks):
    sun = tracks.track(1.0, 0.0)
    at_sun = np.interp(np.log10(4.57e9), sun.log_age, sun.teff), np.interp(np.log10(4.57e9), sun.log_age, sun.logg)
    assert at_sun[0] == pytest.approx(5772, abs=120)
    assert at_sun[1] == pytest.approx(4.438, abs=0.03)
    assert np.interp(np.log10(4.57e9), sun.log_age, sun.log_luminosity) == pytest.approx(0.0, abs=0.06)


def test_giants_have_lost_mass(tracks):
    star = tracks.track(1.0, 0.0)
    assert star.current_mass[star.eep == TAMS] == pytest.approx(1.0, rel=0.005)
    assert 0.90 < float(star.current_mass[star.eep == HE_BURNING][0]) < 0.99


def test_isochrone_has_one_age(tracks):
    for log_age, feh in ((9.66, 0.0), (9.3, 0.2), (10.1, -1.4), (8.5, -0.3)):
        points = tracks.isochrone(log_age, feh)
        again = tracks.at(points.mass, feh, points.eep)
        assert np.abs(again.log_age - log_age).max() < 2e-3
        assert (np.diff(points.eep) > 0).all() and (np.diff(points.mass) > -1e-9).all()


def test_stars_inverts_tracks(tracks):
    rng = np.random.default_rng(5)
    mass, feh, eep = rng.uniform(0.7, 3, 500), rng.uniform(-2, 0.4, 500), rng.uniform(210, 600, 500)
    true = tracks.at(mass, feh, eep)
    found = tracks.stars(mass, feh, true.log_age)
    assert np.nanmax(np.abs(found.log_age - true.log_age)) < 1e-9
    assert np.nanmedian(np.abs(found.eep - eep)) < 1e-6


def test_dead_and_unborn_stars_are_nan(tracks):
    found = tracks.stars([2.0, 1.0], [0.0, 0.0], [10.0, 5.0])
    assert np.isnan(found.log_teff).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.isochrone(9.0, 1.0),
        lambda t: t.isochrone(np.nan, 0.0),
        lambda t: t.track(20.0, 0.0),
        lambda t: t.track(1.0, -3.0),
        lambda t: t.column("luminosity"),
    ],
)
def test_impossible_requests_are_refused(tracks, call):
    with pytest.raises(ParameterError):
        call(tracks)


def test_an_incomplete_track_is_completed_and_marked():
    mass, eep = np.array([1.0, 1.1, 1.2]), np.arange(202, 206)
    base = np.broadcast_to(np.linspace(9, 9.3, 4), (1, 3, 4)).copy()
    columns = {name: base.copy() for name in COLUMNS}
    for column in columns.values():
        column[0, 1, 2:] = np.nan
    whole = {name: np.concatenate([c, c]) for name, c in columns.items()}
    tracks = assemble(np.array([0.0, 0.5]), mass, eep, whole, "made up")
    assert not tracks.real[0, 1, 2:].any() and tracks.real[0, 1, :2].all()
    assert tracks.log_age[0, 1, 3] == pytest.approx(9.3, abs=1e-6)
    assert tracks.points(real_only=True).mass.size == tracks.real.sum()
