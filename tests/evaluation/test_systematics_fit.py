"""Fit of the systematic errors of the tracks, on MOCK stars with a planted correction and on the Sun."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stellar_core.errors import ParameterError
from stellar_core.evaluation.systematics_fit import STEPS, equations, fit, galactic_offset, half_of, locate, usable
from stellar_core.isochrones.systematics import ModelErrors, load_model_errors
from stellar_core.isochrones.track_table import load_tracks

#: Close to what the Sun asks for, which is among the equations.
PLANTED = ModelErrors(0.060, 0.0016, 0.010, 0.012)


def mock_stars(rng: np.random.Generator) -> pd.DataFrame:
    """60 MOCK dwarfs and 60 red giants of tracks with the planted correction; exact, with small errors."""
    dwarf = np.arange(120) < 60
    mass = np.where(dwarf, rng.uniform(0.8, 1.15, 120), rng.uniform(0.9, 1.6, 120))
    feh = rng.uniform(-0.4, 0.3, 120)
    points = PLANTED.corrected(load_tracks()).at(mass, feh, np.where(dwarf, rng.uniform(300, 400, 120), 530.0))
    observed = points.feh_surface.copy()
    for _ in range(20):
        observed = points.feh_surface - galactic_offset(observed, np.full(120, 0.05))[0]
    return pd.DataFrame(
        {
            "star": [f"MOCK {k}" for k in range(120)],
            "sample": np.where(dwarf, "kages", "apokasc2"),
            "system": "",
            "kic": np.arange(120.0),
            "evol_state": np.where(dwarf, np.nan, 1),
            "repeated": False,
            "teff_K": points.teff,
            "logg_dex": points.logg,
            "feh_dex": observed,
            "teff_err_K": 20.0,
            "logg_err_dex": 0.005,
            "feh_err_dex": 0.05,
            "true_mass_msun": mass,
            "true_mass_err_msun": 0.01,
        }
    )


def test_a_star_of_the_tracks_is_located():
    tracks = load_tracks()
    points = tracks.at(np.array([0.9, 1.05, 1.2]), np.array([-0.4, 0.1, 0.0]), np.array([350.0, 320.0, 550.0]))
    found = locate(tracks, points.mass, points.logg, points.feh_surface, np.zeros(3, bool))
    np.testing.assert_allclose(found.log_teff, points.log_teff, atol=0.0005)
    np.testing.assert_allclose(found.log_age, points.log_age, atol=0.01)


def test_a_log_g_off_the_tracks_is_not_located():
    found = locate(load_tracks(), np.array([1.0]), np.array([4.9]), np.array([0.0]), np.zeros(1, bool))
    assert np.isnan(found.log_teff).all()


def test_a_clump_star_stands_at_the_mean_of_core_helium_burning():
    tracks = load_tracks()
    phase = tracks.at(1.3, 0.0, np.arange(631.0, 708.0))
    metallicity = np.full(2, phase.feh_surface.mean())
    found = locate(tracks, np.full(2, 1.3), np.array([2.0, 2.8]), metallicity, np.ones(2, bool))
    assert found.logg[0] == pytest.approx(found.logg[1])
    assert phase.logg.min() < found.logg[0] < phase.logg.max()
    assert phase.log_teff.min() < found.log_teff[0] < phase.log_teff.max()


def test_metal_poor_stars_are_richer_than_their_iron():
    mean, spread = galactic_offset(np.array([-1.5, -0.6, 0.1]), np.full(3, 0.05))
    assert mean[0] > 0.15 > mean[1] > 0.03 > abs(mean[2])
    assert (spread > 0).all()


@pytest.mark.slow
def test_a_planted_correction_is_recovered():
    stars = usable(mock_stars(np.random.default_rng(3)))
    assert len(stars) == 120
    found, covariance = equations(stars, load_tracks()).solve()
    off = found - [getattr(PLANTED, name) for name in STEPS]
    assert (np.abs(off) < 2.5 * np.sqrt(np.diag(covariance))).all()
    assert np.abs(off[0]) < 0.01 and np.abs(off[1:3]).max() < 0.001


def test_halves_keep_binaries_and_stars_together():
    stars = mock_stars(np.random.default_rng(0)).iloc[:6].assign(kic=np.nan, system=["A", "A", "B", "B", "", ""])
    half = half_of(stars)
    assert half[0] == half[1] and half[2] == half[3] and half[0] != half[2]


def test_repeated_photometric_and_massive_clump_stars_are_not_fitted():
    stars = mock_stars(np.random.default_rng(0))
    stars.loc[0, "repeated"], stars.loc[1, "sample"] = True, "chaplin2014_photometric"
    stars.loc[118:, "evol_state"] = 2
    stars.loc[118:, "true_mass_msun"] = [1.5, 2.5]
    assert 118 in usable(stars).index
    assert not {0, 1, 119} & set(usable(stars).index)


def test_tables_without_giants_are_refused():
    with pytest.raises(ParameterError, match="no stars of apokasc2"):
        fit()  # the shipped tables


def test_shipped_values_come_from_halves_that_agree():
    from stellar_core.files import read_json
    from stellar_core.isochrones.systematics import HOME

    card, shipped = read_json(HOME / "card.json"), load_model_errors()
    for name in STEPS:
        a, b = (card["halves"][half]["parameters"][name] for half in ("a", "b"))
        error = np.hypot(*(card["halves"][half]["errors"][name] for half in ("a", "b")))
        assert abs(a - b) < 2 * error
        assert min(a, b) - 0.1 * error <= getattr(shipped, name) <= max(a, b) + 0.1 * error
