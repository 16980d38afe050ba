"""Gaia's values of MOCK stars: errors, colours, pairs, and columns."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.bolometric_corrections import load_all_bands
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.gaia.zero_point import SYSTEMATIC, error_factor
from stellar_core.mock.binaries import with_companion
from stellar_core.mock.catalogue_writer import catalogue_columns
from stellar_core.mock.gaia import (
    COLUMNS,
    NO_PARALLAX,
    ZERO_POINT,
    GaiaBatch,
    observe_gaia,
    parallax_error,
    true_magnitudes,
)
from stellar_core.mock.plates import gaia_of_plate, make_plate
from stellar_core.mock.population import draw
from stellar_core.mock.survey import SEED, MockSurvey
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.star_id import StarId

SUN = {"teff": 5772.0, "logg": 4.44, "feh": 0.0, "log_radius": 0.0, "distance_pc": 10.0, "mass_ratio": 0.0}


@pytest.fixture(scope="module")
def observed():
    """20,000 stars of the population, and Gaia's values of them."""
    stars = draw(20_000, np.random.default_rng(3))
    return stars, observe_gaia(stars, stars.ebv, np.random.default_rng(4))


def normalised(stars, gaia):
    return (gaia.parallax - 1000.0 / stars.distance_pc) / gaia.parallax_error


def like(stars, **values):
    """The same stars with some values replaced by a constant."""
    return replace(stars, **{name: np.full(len(stars), value) for name, value in values.items()})


def test_errors_are_those_of_dr3(observed):
    """Medians of DR3 for G of 15, 17, 18, 19, 20."""
    assert parallax_error(np.array([15.0, 17, 18, 19, 20])) == pytest.approx([0.026, 0.07, 0.13, 0.25, 0.55], rel=0.05)
    stars, gaia = observed
    for g in (15.0, 17.0, 18.0, 19.0):
        near = gaia.has_parallax & (np.abs(gaia.magnitudes[:, 0] - g) < 0.1) & (stars.mass_ratio == 0)
        expected = np.hypot(error_factor(g) * parallax_error(g), SYSTEMATIC)
        assert np.median(gaia.parallax_error[near]) == pytest.approx(expected, rel=0.06)
    bright, faint = (np.median(gaia.magnitude_errors[np.abs(gaia.magnitudes[:, 0] - g) < 0.1], 0) for g in (15, 19))
    assert (bright < [0.004, 0.006, 0.005]).all() and faint == pytest.approx([0.0043, 0.052, 0.025], rel=0.2)


def test_sun():
    stars = like(draw(5, np.random.default_rng(0)), **SUN)
    stars = replace(stars, secondary_flux=np.zeros((5, 5)))
    magnitudes, _ = true_magnitudes(stars, np.zeros(5), np.zeros(5, bool))
    assert magnitudes[:, 0] == pytest.approx(4.65, abs=0.03)
    assert magnitudes[:, 1] - magnitudes[:, 2] == pytest.approx(0.79, abs=0.03)


def test_parallaxes_of_single_stars_scatter_by_their_errors_about_the_residual_zero_point(observed):
    stars, gaia = observed
    single = gaia.has_parallax & (stars.mass_ratio == 0)
    error = gaia.parallax[single] - 1000.0 / stars.distance_pc[single]
    assert normalised(stars, gaia)[single].std() == pytest.approx(1.04, abs=0.04)
    bright = gaia.parallax_error[single] < 0.05
    assert np.mean(error[bright]) == pytest.approx(ZERO_POINT, abs=0.003)
    # The formal errors are too small by 10 to 20 per cent.
    far = single & (gaia.magnitudes[:, 0] > 17)
    formal = (gaia.parallax - 1000.0 / stars.distance_pc)[far] / parallax_error(gaia.magnitudes[far, 0])
    assert 1.08 < formal.std() < 1.25


def test_ruwe_tells_pairs_from_single_stars(observed):
    stars, gaia = observed
    single, high = stars.mass_ratio == 0, gaia.ruwe > 1.4
    assert np.median(gaia.ruwe[single & gaia.has_parallax]) == pytest.approx(1.0, abs=0.01)
    assert high[single].mean() < 0.01 and 0.08 < high[~single].mean() < 0.2
    # The error grows with RUWE, by less than the orbits shift the parallax.
    wrong = np.abs(normalised(stars, gaia)) > 3
    assert wrong[single].mean() < 0.01 and 3 * wrong[single].mean() < wrong[high].mean() < 0.1
    assert 0 < gaia.non_single_star.sum() < 0.01 * len(gaia)
    assert (gaia.ruwe[gaia.non_single_star == 1] > 1.4).all() and not gaia.non_single_star[single].any()


def test_some_stars_have_no_parallax(observed):
    _, gaia = observed
    missing = ~gaia.has_parallax
    assert NO_PARALLAX * 0.7 < missing.mean() < 0.02
    assert np.isnan(gaia.parallax_error[missing]).all() and np.isnan(gaia.ruwe[missing]).all()
    assert np.isfinite(gaia.magnitudes).all() and not gaia.non_single_star[missing].any()
    assert gaia.astrometry(int(np.flatnonzero(missing)[0])) is None


def test_magnitudes_are_those_of_the_population_in_other_bands(observed):
    """The same stars in r, by the same corrections: G - r follows the colour."""
    stars, gaia = observed
    table = load_all_bands()
    assert table.bands[5:8] == ("G", "BP", "RP")
    single = stars.mass_ratio == 0
    red = stars.magnitudes[:, 1] - stars.magnitudes[:, 2]
    line = np.polyfit(red[single], gaia.magnitudes[single, 0] - stars.magnitudes[single, 2], 3)
    assert np.std(gaia.magnitudes[single, 0] - stars.magnitudes[single, 2] - np.polyval(line, red[single])) < 0.03
    # A pair at rest on the same line: both stars are counted in G as in r, unless Gaia resolves them.
    near = ~single & (stars.log_period < 5)
    left = gaia.magnitudes[:, 0] - stars.magnitudes[:, 2] - np.polyval(line, red)
    assert np.abs(np.median(left[near])) < 0.01 and np.std(left[near]) < 0.05


def test_companions_brighten_g_as_r_unless_they_are_resolved():
    stars = draw(2000, np.random.default_rng(1))
    stars = stars.select(stars.mass_ratio > 0.9)
    none = np.zeros(len(stars), bool)
    alone, dark = true_magnitudes(replace(stars, secondary_flux=np.zeros((len(stars), 5))), stars.ebv, none)
    in_r = -with_companion(np.zeros((len(stars), 5)), stars.secondary_flux)[:, 2]
    for resolved in (False, True):
        found, light = true_magnitudes(stars, stars.ebv, none | resolved)
        gain = alone - found
        assert gain[:, 0] == pytest.approx(0.0 if resolved else in_r, abs=0.04)
        assert (gain[:, 1:] > 0.5 * in_r[:, None]).all() and (light == dark).all() == resolved
    assert np.median(in_r) > 0.5


def test_stars_of_one_field_share_the_residual_zero_point():
    stars = like(draw(4000, np.random.default_rng(2)), mass_ratio=0.0)
    error = lambda seed, one: np.nanmean(
        (
            observe_gaia(stars, stars.ebv, np.random.default_rng(seed), one_field=one).parallax
            - 1000.0 / stars.distance_pc
        )[stars.magnitudes[:, 2] < 16]
    )
    together, apart = (np.std([error(seed, one) for seed in range(12)]) for one in (True, False))
    assert together > 3 * apart and together == pytest.approx(0.010, rel=0.6)


def test_astrometry_of_a_star_of_the_survey():
    survey = MockSurvey()
    stars = [survey.star_ids(plate)[row] for plate in (16011, 16000, 16011) for row in (3, 1)]
    together = survey.gaia(stars)
    for row, star in enumerate(stars):
        one, place = survey.astrometry(star), make_plate(SEED, star.plate).row(star.fiber)
        assert one == together.astrometry(row) == gaia_of_plate(SEED, star.plate).astrometry(place)
        assert one.origin == "MOCK survey" and "MOCK" in one.notes[0] and one.source_id == "" and one.zero_point == 0
        assert list(one.magnitudes) == ["G", "BP", "RP"] and one.ruwe > 0.7
    with_parallax, without = (survey.spectrum(stars[0], gaia=gaia) for gaia in (True, False))
    assert with_parallax.astrometry == survey.astrometry(stars[0]) and without.astrometry is None
    assert np.array_equal(with_parallax.flux, without.flux)
    assert survey.astrometry(stars[0]) != MockSurvey(1).astrometry(MockSurvey(1).star_ids(16011)[3])
    assert len(survey.gaia([])) == 0 and not together.astrometry(0).parallax == together.astrometry(1).parallax
    with pytest.raises(ArchiveError, match="no plate 15999"):
        survey.astrometry(StarId.of(15999, 52000, 1))


def test_the_columns_of_a_plate():
    plate, gaia = make_plate(SEED, 16003), gaia_of_plate(SEED, 16003)
    columns = catalogue_columns(plate, SEED)
    assert list(columns)[-len(COLUMNS) :] == list(COLUMNS) and COLUMNS[0] == "gaia_parallax_mas"
    for name, values in (
        ("parallax_mas", gaia.parallax),
        ("parallax_err_mas", gaia.parallax_error),
        ("ruwe", gaia.ruwe),
    ):
        assert np.array_equal(columns[f"gaia_{name}"], values.astype(np.float32), equal_nan=True)
    for index, band in enumerate(("G", "BP", "RP")):
        assert np.array_equal(columns[f"gaia_{band}_mag"], gaia.magnitudes[:, index].astype(np.float32))
        assert np.array_equal(columns[f"gaia_{band}_err_mag"], gaia.magnitude_errors[:, index].astype(np.float32))
    assert columns["gaia_non_single_star"].dtype == np.int32


def test_stars_that_pass_the_cuts_have_good_parallaxes():
    """Seven in ten have a parallax of more than five times its error, half of more than ten."""
    import pandas as pd

    table = pd.concat([pd.DataFrame(catalogue_columns(make_plate(SEED, n), SEED)) for n in range(16000, 16010)])
    table = table[QualityCuts().mask(table)]
    ratio = table.gaia_parallax_mas / table.gaia_parallax_err_mas
    assert (ratio > 5).mean() == pytest.approx(0.71, abs=0.04) and (ratio > 10).mean() == pytest.approx(0.48, abs=0.04)


def test_batches_need_a_value_for_every_star(observed):
    _, gaia = observed
    with pytest.raises(ParameterError, match="20000 stars of Gaia have 19999 values of ruwe"):
        replace(gaia, ruwe=gaia.ruwe[1:])
    parts = [gaia.select(slice(0, 5)), gaia.select(np.arange(5, 9))]
    assert np.array_equal(GaiaBatch.join(parts).magnitudes, gaia.magnitudes[:9])
