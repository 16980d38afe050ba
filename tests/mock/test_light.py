"""Spectra of pairs: shape, light by wavelength, velocity."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.mock.light import LightSources, rest_spectra
from stellar_core.mock.population import draw
from stellar_core.preprocessing.grid import GRID


def sources(teff=5800.0, logg=4.4, feh=-0.5, second=None, flux=0.0, velocity=0.0):
    """One star, and its companion of ``second`` = (Teff, log g)."""
    one = lambda value: np.array([value], float)
    other = (np.nan, np.nan) if second is None else second
    return LightSources(
        one(teff),
        one(logg),
        one(feh),
        one(other[0]),
        one(other[1]),
        one(np.nan if second is None else feh),
        np.broadcast_to(np.asarray(flux, float), (1, 5)),
        one(velocity),
    )


def spectrum(stars, seed=1):
    flux = rest_spectra(stars, np.full(1, 0.03), np.random.default_rng(seed))[0]
    return flux / np.median(flux)


def test_a_pair_of_equal_stars_has_the_spectrum_of_one():
    alone, pair = spectrum(sources()), spectrum(sources(second=(5800.0, 4.4), flux=1.0))
    assert pair == pytest.approx(alone, rel=1e-5)


def test_a_cool_companion_reddens_and_adds_its_lines():
    alone, pair = spectrum(sources()), spectrum(sources(second=(4200.0, 4.7), flux=0.15))
    ratio = pair / alone
    assert ratio[5000:6000].mean() > 1.02 > 0.98 > ratio[200:900].mean()


def test_a_companion_without_light_changes_nothing():
    assert np.array_equal(spectrum(sources(second=(3600.0, 5.0), flux=0.001)), spectrum(sources()))


def test_light_by_wavelength_agrees_with_the_bands():
    """The companion's share at the pivots of g and i is that of the magnitudes, within 3 per cent of the total."""
    atmospheres = np.array([5900.0, 4700.0]), np.array([4.3, 4.65]), np.array([-0.5, -0.5])
    magnitudes = apparent_magnitudes(*atmospheres, np.log10([1.1, 0.7]), np.full(2, 10.0), np.zeros(2))
    flux = 10.0 ** (-0.4 * (magnitudes[1] - magnitudes[0]))
    alone = rest_spectra(sources(5900.0, 4.3), np.zeros(1), np.random.default_rng(1))[0]
    both = rest_spectra(sources(5900.0, 4.3, second=(4700.0, 4.65), flux=flux), np.zeros(1), np.random.default_rng(1))[
        0
    ]
    for band, (low, high) in zip((1, 3), ((4000, 5300), (7000, 8200))):
        inside = (GRID > low) & (GRID < high)
        assert both[inside].sum() / alone[inside].sum() == pytest.approx(1 + flux[band], rel=0.03)


def test_velocities_of_a_pair_average_to_zero():
    """Two equal stars move apart by the same amount; lines become shallower and stay in place."""
    alone, pair = spectrum(sources()), spectrum(sources(second=(5800.0, 4.4), flux=1.0, velocity=120.0))
    line = slice(6565 - 3600 - 25, 6565 - 3600 + 26)
    centre = lambda flux: np.average(GRID[line], weights=(flux[line].max() - flux[line]) ** 2)
    assert pair[line].min() > alone[line].min() + 0.005
    assert centre(pair) == pytest.approx(centre(alone), abs=0.15)
    weak = spectrum(sources(second=(5800.0, 4.4), flux=0.1, velocity=120.0))
    assert centre(weak) == pytest.approx(centre(alone), abs=0.15)


def test_each_star_is_independent_of_the_others():
    from stellar_core.mock.streams import StarStreams

    stars = draw(60, np.random.default_rng(3))
    assert (stars.mass_ratio > 0).sum() > 10
    seeds = [(5, row) for row in range(60)]
    whole = rest_spectra(LightSources.of(stars), stars.ebv, StarStreams(seeds))
    for row in (*np.flatnonzero(stars.mass_ratio > 0.5)[:5], *np.flatnonzero(stars.mass_ratio == 0)[:3]):
        one = stars.select(np.array([row]))
        assert np.array_equal(rest_spectra(LightSources.of(one), one.ebv, StarStreams([seeds[row]]))[0], whole[row])
    dark = replace(LightSources.of(stars), secondary_flux=np.zeros((60, 5)))
    same = (rest_spectra(dark, stars.ebv, StarStreams(seeds)) == whole).all(axis=1)
    assert same[stars.mass_ratio == 0].all() and not same[stars.mass_ratio > 0.8].any()
