"""The choice of a source: motion, brightness, neighbours."""

from __future__ import annotations

import math

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time

from stellar_core.gaia.matching import RADIUS, match, separations
from stellar_core.gaia.source import GaiaSource
from stellar_core.gaia.targets import GAIA_EPOCH, Target

#: G 17.5 for these magnitudes.
MAGS = {"g": 18.0, "r": 17.6, "i": 17.45}
EXPECTED = 18.0 - 0.1064 - 0.4964 * 0.55 - 0.09339 * 0.55**2 + 0.004444 * 0.55**3


def source(number: int = 1, east: float = 0.0, north: float = 0.0, ra: float = 182.0, dec: float = 30.0, **values):
    """A source some arcsec east and north of a position, of the expected brightness."""
    place = {"ra": ra + east / 3600 / math.cos(math.radians(dec)), "dec": dec + north / 3600}
    return GaiaSource(128 * number, **{**place, "pmra": 0.0, "pmdec": 0.0, "phot_g_mean_mag": EXPECTED, **values})


def target(**values) -> Target:
    return Target(**{"ra": 182.0, "dec": 30.0, **MAGS, **values})


@pytest.mark.parametrize(("ra", "dec"), [(182.0, 30.0), (0.0001, -89.5), (359.9999, 89.9), (10.0, 0.0)])
def test_motion_as_astropy_has_it(ra, dec):
    """Fast stars at any latitude: SkyCoord's positions at the epoch at which the distance is least."""
    rng = np.random.default_rng(5)
    here = SkyCoord(ra * u.deg, dec * u.deg)
    placed = here.directional_offset_by(rng.uniform(0, 360, 20) * u.deg, rng.uniform(0, 30, 20) * u.arcsec)
    moving = SkyCoord(
        placed.ra,
        placed.dec,
        pm_ra_cosdec=rng.normal(0, 1000, 20) * u.mas / u.yr,
        pm_dec=rng.normal(0, 1000, 20) * u.mas / u.yr,
        obstime=Time(GAIA_EPOCH, format="jyear"),
        distance=10 * u.pc,
    )
    sources = [
        GaiaSource(128, float(one.ra.deg), float(one.dec.deg), float(one.pm_ra_cosdec.value), float(one.pm_dec.value))
        for one in moving
    ]
    epochs = np.linspace(1998.7, 2009.9, 57)
    expected = np.min(
        [moving.apply_space_motion(Time(epoch, format="jyear")).separation(here).arcsec for epoch in epochs], axis=0
    )
    found = separations(Target(ra, dec), sources)
    assert np.all(found <= expected + 0.01) and np.all(found >= expected - 0.25), "between two epochs of the grid"
    fixed = separations(Target(ra, dec, epochs=(2000.0, 2000.0)), sources)
    there = moving.apply_space_motion(Time(2000.0, format="jyear")).separation(here).arcsec
    np.testing.assert_allclose(fixed, there, atol=0.02)


def test_a_star_of_high_proper_motion_is_found_where_it_was():
    """3 arcsec/yr: 36 arcsec from its place in SDSS by 2016, with another star at that place."""
    fast = source(1, east=30.0, north=-20.0, pmra=2500.0, pmdec=-1666.7)
    found = match(target(), [source(2, east=0.3, phot_g_mean_mag=15.0), fast])
    assert found.source == fast and found.separation < 0.1 and not found.ambiguous
    assert match(target(epochs=(2009.9, 2009.9)), [fast]).source is None, "it had not been there in 2009"


def test_a_passing_star_is_not_the_star():
    """A fast star that was here in 1990, before SDSS, is no match."""
    passed = source(1, east=26.0, pmra=1000.0)
    assert match(target(), [passed]).source is None
    assert separations(target(), [passed])[0] == pytest.approx(8.7, abs=0.1)


def test_without_proper_motion_the_position_of_gaia_counts():
    still = source(1, east=1.0, pmra=math.nan, pmdec=math.nan)
    assert match(target(), [still]).separation == pytest.approx(1.0, abs=1e-3)
    assert match(target(), [source(1, east=RADIUS + 0.1, pmra=math.nan, pmdec=math.nan)]).source is None


def test_of_two_sources_that_of_the_right_brightness_is_chosen():
    nearer, right = source(1, east=0.2, phot_g_mean_mag=19.5), source(2, east=1.0)
    for order in ([nearer, right], [right, nearer]):
        found = match(target(), order)
        assert found.source == right and not found.ambiguous and found.difference == pytest.approx(0.0, abs=1e-6)
    assert "15 % of the light" in found.notes[0]


def test_two_sources_of_the_same_brightness_are_ambiguous():
    found = match(target(), [source(1, east=0.2), source(2, east=1.0, phot_g_mean_mag=EXPECTED + 0.3)])
    assert found.source.source_id == 128 and found.ambiguous
    assert found.notes[0].startswith("The match with Gaia is ambiguous: 2 sources within 1.5 arcsec")


def test_a_faint_neighbour_is_not_worth_a_word():
    found = match(target(), [source(1, east=0.1), source(2, east=1.0, phot_g_mean_mag=EXPECTED + 4.0)])
    assert found.source.source_id == 128 and not found.ambiguous and found.notes == ()


def test_a_neighbour_in_place_of_the_star_is_refused():
    """The star itself is missing in Gaia; 1.2 arcsec away there is a fainter one."""
    found = match(target(), [source(1, east=1.2, phot_g_mean_mag=20.0)])
    assert found.source is None and "is another star: SDSS's magnitudes give G 17.6" in found.notes[0]


def test_where_sdss_is_saturated_more_is_allowed():
    bright = {"g": 14.2, "r": 14.0, "i": 13.9}
    assert match(target(**bright), [source(1, phot_g_mean_mag=12.6)]).source is not None
    assert match(target(**bright), [source(1, phot_g_mean_mag=11.5)]).source is None
    assert match(target(), [source(1, phot_g_mean_mag=EXPECTED - 1.4)]).source is None


def test_without_magnitudes_the_nearest_is_chosen_and_a_second_makes_it_ambiguous():
    unknown = Target(182.0, 30.0)
    found = match(unknown, [source(1, east=1.0), source(2, east=0.4)])
    assert found.source.source_id == 256 and found.ambiguous and "by its distance" in found.notes[0]
    alone = match(unknown, [source(1, east=0.4), source(2, east=3.0)])
    assert alone.source.source_id == 128 and not alone.ambiguous and math.isnan(alone.difference)


def test_a_source_without_g_is_taken_by_its_position():
    found = match(target(), [source(1, east=0.4, phot_g_mean_mag=math.nan)])
    assert found.source is not None and math.isnan(found.difference)
    both = match(target(), [source(1, east=0.1, phot_g_mean_mag=math.nan), source(2, east=0.9)])
    assert both.source.source_id == 256 and not both.ambiguous


def test_the_cross_match_of_gaia_is_a_check_only():
    mine, other = "1237654652031435034", "1237654652031435035"
    named = source(1, sdss_objid=mine)
    assert match(target(bestobjid=mine), [named]).notes == ()
    renumbered = match(target(bestobjid=mine), [source(1, sdss_objid=other)])
    assert renumbered.source is not None and not renumbered.ambiguous, "numbers differ between releases"
    far = source(2, east=3.0, sdss_objid=mine)
    found = match(target(bestobjid=mine), [source(1, sdss_objid=other), far])
    assert found.source.source_id == 128 and found.ambiguous
    assert "Gaia's own cross-match gives this SDSS object the source 256" in found.notes[0]
    assert match(target(bestobjid=mine), [far]).source is None, "the number alone is not believed"


def test_an_empty_sky():
    found = match(target(), [])
    assert found.source is None and found.notes == (
        "Gaia DR3 has no source within 1.5 arcsec of RA 182.00000, Dec +30.00000.",
    )
