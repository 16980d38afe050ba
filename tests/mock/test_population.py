"""The drawn population: on the tracks, inside the selection, like the real catalogue."""

import numpy as np
import pytest

from stellar_core.abundances import metallicity_offset
from stellar_core.errors import ParameterError
from stellar_core.galaxy import COMPONENTS, HALO, STRAGGLERS, THICK_DISC, THIN_DISC
from stellar_core.isochrones import load_tracks, track_log_lifetime
from stellar_core.mock.binaries import unresolved_share
from stellar_core.mock.fit.population import fit_selection
from stellar_core.mock.photometry import observe_photometry
from stellar_core.mock.population import draw
from stellar_core.mock.population_cells import R_NODES, make_cells
from stellar_core.mock.selection import Selection
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR
from stellar_core.stages import STAGES


@pytest.fixture(scope="module")
def stars():
    return draw(30_000, np.random.default_rng(1))


def test_stars_lie_on_the_tracks(stars):
    some = stars.select(slice(0, 2000))
    points = load_tracks().at(some.mass, some.init_mh, some.eep)
    assert some.teff == pytest.approx(points.teff)
    assert some.logg == pytest.approx(points.logg)
    assert some.feh - some.init_feh == pytest.approx(points.feh_surface - some.init_mh)
    assert some.apparent_log_age == pytest.approx(points.log_age)
    # log g agrees with mass and radius; stars lose some mass as giants.
    left = 10.0 ** (some.logg - 4.43807 + 2 * some.log_radius)
    assert np.all(left < 1.01 * some.mass) and np.all(left > 0.4 * some.mass)


def test_selection_and_physics(stars):
    selection = Selection()
    for name, values in vars(stars).items():
        if name in ("log_period", "secondary_teff", "secondary_logg", "secondary_feh"):
            assert np.isnan(values[stars.mass_ratio == 0]).all(), name
        else:
            assert np.isfinite(values).all(), name
    assert np.isfinite(stars.log_period[stars.mass_ratio > 0]).all()
    assert stars.teff.min() >= selection.teff[0] and stars.teff.max() <= selection.teff[1]
    assert stars.feh.min() >= selection.feh[0] and stars.feh.max() <= selection.feh[1]
    r = stars.magnitudes[:, 2]
    assert np.mean((r >= selection.bright) & (r <= selection.faint)) > 0.99
    assert r.min() > selection.bright - 0.1 and r.max() < selection.faint + 0.1
    assert np.all(10**stars.log_age <= 13.8e9) and np.all(stars.log_age <= stars.log_lifetime)


def test_populations_differ_as_they_should(stars):
    thin, thick, halo = (stars.select(stars.component == k) for k in range(3))
    assert np.median(thin.feh) > np.median(thick.feh) > np.median(halo.feh)
    assert np.median(thin.log_age) < np.median(thick.log_age) < np.median(halo.log_age) + 0.1
    assert np.median(thin.distance_pc) < np.median(thick.distance_pc) < np.median(halo.distance_pc)
    assert np.std(thin.velocity_kms) < np.std(thick.velocity_kms) < np.std(halo.velocity_kms)
    assert len(halo) / len(stars) == pytest.approx(0.27, abs=0.08)


def test_tracks_are_entered_at_the_metallicity_of_the_enhanced_mixture(stars):
    """A star enhanced in alpha has the Teff and age of the scaled-solar track at its [M/H], at its [Fe/H] not."""
    assert stars.init_mh == pytest.approx(stars.init_feh + metallicity_offset(stars.alpha_fe))
    halo = stars.select((stars.component == HALO) & (stars.alpha_fe > 0.2) & (stars.init_feh > -2.4))
    tracks = load_tracks()
    right, wrong = (tracks.at(halo.mass, metals, halo.eep) for metals in (halo.init_mh, halo.init_feh))
    assert halo.teff == pytest.approx(right.teff) and halo.apparent_log_age == pytest.approx(right.log_age)
    assert np.nanmedian(wrong.teff - halo.teff) > 50


def test_abundances_follow_the_components(stars):
    for index, component in enumerate(COMPONENTS):
        mine = stars.select(stars.component == index)
        scatter = mine.alpha_fe - component.alpha_mean(mine.init_feh)
        assert np.mean(scatter) == pytest.approx(0.0, abs=0.02), component.name
        assert np.std(scatter) == pytest.approx(component.alpha_spread, abs=0.012), component.name
    thin, thick = (stars.select(stars.component == index) for index in (THIN_DISC, THICK_DISC))
    # What is selected by magnitude and colour differs from the volume's mean, less than half its spread.
    assert np.mean(thin.init_feh) == pytest.approx(COMPONENTS[THIN_DISC].feh_mean, abs=0.08)
    assert np.mean(thick.init_feh) == pytest.approx(COMPONENTS[THICK_DISC].feh_mean, abs=0.08)
    assert np.std(thick.init_feh) == pytest.approx(COMPONENTS[THICK_DISC].feh_spread, abs=0.03)


def test_blue_stragglers_are_as_old_as_their_population(stars):
    merged = stars.select(stars.component == STRAGGLERS)
    others = stars.select(stars.component != STRAGGLERS)
    assert len(merged) / len(stars) == pytest.approx(0.05, abs=0.02)
    assert np.all(merged.log_age > merged.apparent_log_age) and 10 ** merged.log_age.min() >= 7e9
    assert np.array_equal(others.log_age, others.apparent_log_age)
    # The time left is that of the single star it looks like.
    single = track_log_lifetime(merged.mass, merged.init_mh, load_tracks())
    left = 10.0**merged.log_lifetime - 10.0**merged.log_age
    assert left == pytest.approx(np.maximum(10.0**single - 10.0**merged.apparent_log_age, 0), rel=1e-6, abs=1e4)
    assert np.all(merged.mass_ratio == 0)


def test_pairs_are_selected_by_their_common_light(stars):
    """Pairs weighted by the volume of their primary over their own have the share of pairs in a volume of space."""
    cells = make_cells(load_tracks(), Selection())
    some = stars.select(np.isin(stars.component, (THICK_DISC, HALO)))
    both = some.magnitudes[:, 2] - 5 * np.log10(some.distance_pc / 10)
    alone = both + 2.5 * np.log10(1 + some.secondary_flux[:, 2])
    volume = lambda r: np.array([np.interp(m, R_NODES, cells.volume[k]) for m, k in zip(r, some.component)])
    ratio, pair = volume(both) / volume(alone), some.mass_ratio > 0
    odds = unresolved_share(some.mass) / (1 - unresolved_share(some.mass))
    assert np.sum(1 / ratio[pair]) / np.sum(odds[~pair]) == pytest.approx(1.0, abs=0.04)
    assert pair.sum() / np.sum(odds[~pair]) > 1.05


def test_dwarfs_of_type_f_g_k_dominate(stars):
    share = dict(zip(STAGES, np.bincount(stars.stage, minlength=5) / len(stars)))
    assert share["Hot"] + share["Medium"] + share["Cool"] > 0.75
    assert min(share.values()) > 0.03


def test_cells_are_weighted_by_the_time_spent():
    """Along one track, natural draws fall in proportion to time x nothing else at fixed volume."""
    tracks = load_tracks()
    cells = make_cells(tracks, Selection(), colours=False)
    middle = 0.5 * (cells.low + cells.high)
    one = (cells.component == 0) & (np.abs(middle[:, 0] - 0.05) < 0.008) & (np.abs(middle[:, 1] - 0.0625) < 0.01)
    main = one & (middle[:, 2] < 454)
    ends = (
        tracks.at(10 ** middle[main, 0], middle[main, 1], cells.low[main, 2]),
        tracks.at(10 ** middle[main, 0], middle[main, 1], cells.high[main, 2]),
    )
    spent = 10 ** ends[1].log_age - 10 ** ends[0].log_age
    bright = np.abs(cells.absolute_r[main] - np.median(cells.absolute_r[main])) < 0.15
    ratio = (cells.weight[main] / spent)[bright]
    assert bright.sum() > 10 and np.std(ratio) / np.mean(ratio) < 0.2


def test_flatten_covers_rare_stars(stars):
    even = draw(10_000, np.random.default_rng(2), flatten=1.0)
    half = draw(10_000, np.random.default_rng(2), flatten=0.5)

    def boxes(drawn):
        histogram, _ = np.histogramdd(
            np.column_stack([drawn.teff, drawn.logg, drawn.feh]),
            bins=(13, 10, 8),
            range=((3500, 10000), (0, 5), (-2.8, 0.6)),
        )
        return np.count_nonzero(histogram)

    assert boxes(stars.select(slice(0, 10_000))) < boxes(half) < boxes(even)
    assert np.mean(even.logg < 3) > 2 * np.mean(stars.logg < 3)


def test_reproducible_and_checked():
    first, second = (draw(50, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first.magnitudes, second.magnitudes)
    assert len(draw(0, np.random.default_rng(9))) == 0
    with pytest.raises(ParameterError):
        draw(-1, np.random.default_rng(0))
    with pytest.raises(ParameterError):
        draw(5, np.random.default_rng(0), flatten=2.0)
    with pytest.raises(ParameterError):
        Selection(bright=20.0)


def test_colours_and_metals_of_the_catalogue(stars, shared_data):
    """Percentiles of colours within 0.04 mag (u-g: 0.07) and of [Fe/H] within 0.25 dex of 27,901 SDSS stars."""
    import pandas as pd

    real = pd.read_csv(shared_data / "catalogue" / "sdss_colours_feh.csv")
    seen = observe_photometry(stars.magnitudes, stars.ebv, np.random.default_rng(0)).psf_mag
    colours = -np.diff(seen, axis=1)
    for values, name, limit in zip(colours.T, ("u_g", "g_r", "r_i", "i_z"), (0.07, 0.04, 0.04, 0.04)):
        for percent in (16, 50, 84):
            assert np.percentile(values, percent) == pytest.approx(np.percentile(real[name], percent), abs=limit), name
    for percent in (16, 50, 84):
        assert np.percentile(stars.feh, percent) == pytest.approx(np.percentile(real.feh_dex, percent), abs=0.25)


def test_shipped_colour_selection_equals_one_fitted_to_the_catalogue(shared_data):
    arrays, _ = fit_selection(shared_data / "catalogue" / "sdss_colours_feh.csv")
    shipped, _ = read_model(TRAINED_DIR / "mock-population")
    assert np.allclose(arrays["chance"], shipped["chance"], atol=1e-5)
