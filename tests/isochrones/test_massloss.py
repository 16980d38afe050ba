"""Mass loss of cool giants."""

import numpy as np
import pytest

from stellar_core.isochrones import load_tracks
from stellar_core.isochrones.massloss import COOL_WIND, ETA_REIMERS, log_mass_left
from stellar_core.isochrones.tracks import HE_END, TAMS

#: Ten steps of 10 Myr.
LOG_AGE = np.log10(1e10 + 1e7 * np.arange(11))
EVOLVED, NOT_AGB = np.ones(11, bool), np.zeros(11, bool)


def giant(log_luminosity=2.0, log_radius=1.5, mass=1.0, evolved=EVOLVED, agb=NOT_AGB):
    """log10 of the mass left along a track of constant luminosity and radius."""
    constant = np.ones(11)
    return log_mass_left(
        LOG_AGE, log_luminosity * constant, log_radius * constant, np.asarray(mass, float), evolved, agb
    )


def test_giants_lose_mass_and_never_gain_it():
    left = giant()
    assert left[0] == 0.0 and (np.diff(left) < 0).all()


def test_reimers_rate():
    """dM = 4e-13 eta L R / M per year, for a loss small against the mass."""
    lost = 1.0 - 10.0 ** giant()[-1]
    assert lost == pytest.approx(4e-13 * ETA_REIMERS * 10**2.0 * 10**1.5 * 1e8, rel=0.01)


def test_loss_grows_with_luminosity_and_radius_and_falls_with_mass():
    assert giant(log_luminosity=2.5)[-1] < giant()[-1]
    assert giant(log_radius=1.7)[-1] < giant()[-1]
    assert 1 - 10.0 ** giant(mass=2.0)[-1] < 1 - 10.0 ** giant()[-1]


def test_dwarfs_and_hot_stars_lose_nothing():
    assert (giant(evolved=np.zeros(11, bool)) == 0).all()
    hot = 2 * 0.5 + 4 * np.log10(1.2 * COOL_WIND / 5772.0)
    assert (giant(log_luminosity=hot, log_radius=0.5) == 0).all()


def test_bloecker_wind_of_luminous_agb_stars_is_faster():
    bright = dict(log_luminosity=3.2, log_radius=1.8)
    assert giant(**bright, agb=np.ones(11, bool))[-1] < giant(**bright)[-1]


def test_mass_left_of_a_solar_track():
    """With the efficiencies of MIST, 1 Msun loses a few per cent before the AGB and keeps at least 40 %."""
    tracks = load_tracks()
    sun = tracks.track(1.0, 0.0)
    left = 10.0 ** log_mass_left(
        sun.log_age, sun.log_luminosity, sun.log_radius, np.asarray(1.0), sun.eep > TAMS, sun.eep > HE_END
    )
    assert left[sun.eep <= TAMS] == pytest.approx(1.0)
    assert 0.90 < np.interp(HE_END, sun.eep, left) < 0.99
    assert (np.diff(left) <= 0).all() and left[-1] > 0.4


def test_ended_tracks_stay_nan():
    ended = LOG_AGE.copy()
    ended[6:] = np.nan
    left = log_mass_left(ended, np.full(11, 2.0), np.full(11, 1.5), np.asarray(1.0), EVOLVED, NOT_AGB)
    assert np.isfinite(left[:6]).all() and np.isnan(left[6:]).all()
