"""Gaia's magnitudes and their errors; G from SDSS's magnitudes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stellar_core.bolometric_corrections import load_all_bands
from stellar_core.gaia.magnitudes import colour_excess, magnitudes, predicted_g
from stellar_core.gaia.response import read_sources
from stellar_core.gaia.source import GaiaSource


def source(**changes) -> GaiaSource:
    values = {
        **{"source_id": 128, "ra": 10.0, "dec": 20.0, "phot_bp_rp_excess_factor": 1.21},
        **{"phot_g_mean_mag": 15.0, "phot_g_mean_flux_over_error": 1000.0},
        **{"phot_bp_mean_mag": 15.4, "phot_bp_mean_flux_over_error": 100.0},
        **{"phot_rp_mean_mag": 14.5, "phot_rp_mean_flux_over_error": 200.0},
    }
    return GaiaSource(**values | changes)


def test_errors_are_those_of_the_flux_and_of_the_zero_point():
    found, notes = magnitudes(source())
    assert notes == () and {band: value for band, (value, _) in found.items()} == {"G": 15.0, "BP": 15.4, "RP": 14.5}
    assert found["G"][1] == pytest.approx(math.hypot(1.0857 / 1000, 0.0028), rel=1e-3)
    assert found["BP"][1] == pytest.approx(math.hypot(1.0857 / 100, 0.0028), rel=1e-3)
    assert magnitudes(source(phot_g_mean_flux_over_error=1e6))[0]["G"][1] == pytest.approx(0.0028, rel=1e-3), "floor"


def test_missing_bands_are_left_out():
    bare = source(phot_bp_mean_mag=math.nan, phot_rp_mean_mag=math.nan, phot_bp_rp_excess_factor=math.nan)
    assert set(magnitudes(bare)[0]) == {"G"}
    assert magnitudes(source(phot_g_mean_mag=math.nan, phot_bp_mean_mag=math.nan, phot_rp_mean_mag=math.nan)) == (
        {},
        (),
    )
    assert "G" not in magnitudes(source(phot_g_mean_flux_over_error=0.0))[0]
    assert magnitudes(source(phot_g_mean_flux_over_error=math.nan))[0]["G"][1] > 0.02


def test_faint_bp_is_not_used():
    faint = source(phot_g_mean_mag=19.9, phot_bp_mean_mag=20.4, phot_rp_mean_mag=19.4, phot_bp_rp_excess_factor=1.22)
    assert set(magnitudes(faint)[0]) == {"G", "RP"}


def test_colours_that_contradict_g_are_not_used(gaia_file):
    found, notes = magnitudes(source(phot_bp_rp_excess_factor=1.6))
    assert set(found) == {"G"} and "BP and RP are not used" in notes[0]
    sources = read_sources(gaia_file("cone_search.json"))
    excess = np.array([colour_excess(one) for one in sources])
    assert abs(np.nanmedian(excess)) < 1.5 and np.nanmedian(np.abs(excess)) < 3, "in units of the scatter"


@pytest.mark.parametrize(
    ("use", "most"), [("gi", 0.05), ("ri", 0.05), ("gr", 0.10), ("r", 0.20)], ids=["g and i", "r and i", "g and r", "r"]
)
def test_g_is_predicted_for_dwarfs_and_giants_with_extinction(use, most):
    """Against the magnitudes of MIST, which the relations know nothing of but for that of g and r."""
    rng = np.random.default_rng(3)
    teff, giant = rng.uniform(4200.0, 7500.0, 400), np.arange(400) < 100
    teff[giant] = rng.uniform(4200.0, 5300.0, 100)
    logg = np.where(giant, 2.5, 4.3)
    correction, extinction = load_all_bands().at(teff, logg, rng.uniform(-2.0, 0.2, 400))
    mags = 10.0 - correction + extinction * rng.uniform(0.0, 0.5, 400)[:, None]
    _, g, r, i, _, true = mags[:, :6].T
    bands = {"g": g, "r": r, "i": i}
    found = np.array([predicted_g(**{b: bands[b][k] for b in use}) for k in range(400)])
    assert np.abs(found - true).max() < 2.2 * most and np.std(found - true) < most and abs(np.mean(found - true)) < most


def test_without_magnitudes_nothing_is_predicted():
    assert math.isnan(predicted_g()) and math.isnan(predicted_g(g=15.0)) and predicted_g(r=15.0) == 15.0
    assert predicted_g(g=15.0, r=14.6, i=-99.0) == pytest.approx(predicted_g(g=15.0, r=14.6)), "an impossible colour"
