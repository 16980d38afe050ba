"""Magnitudes, parallax and extinction in the posterior of a star."""

import numpy as np
import pandas as pd
import pytest

from stellar_core.bolometric_corrections import load_all_bands
from stellar_core.errors import ParameterError
from stellar_core.isochrones import AlphaEnhancement, infer_posterior
from stellar_core.isochrones.photometric_likelihood import ZERO_POINT, PhotometricLikelihood

SUN, SSPP = (5772.0, 4.438, 0.0), (75.0, 0.20, 0.10)
PLAIN = {"alpha": AlphaEnhancement(0.0), "systematics": False}


def sun_at(parsec, av=0.0, brighter=0.0, bands="ugrizGJ", error=0.02):
    """Magnitudes of the Sun."""
    table = load_all_bands()
    correction, extinction = table.at(np.array([5772.0]), np.array([4.438]), np.array([0.0]))
    magnitude = 4.74 - correction[0] + av * extinction[0] + 5.0 * np.log10(parsec / 10.0) - brighter
    return {band: (magnitude[table.bands.index(band)], error) for band in bands}


@pytest.fixture(scope="module")
def alone():
    return infer_posterior(*SUN, SSPP, **PLAIN)


def test_parallax_constrains_gravity_and_age(alone):
    light = PhotometricLikelihood(sun_at(200.0), parallax=5.0, parallax_error=0.05)
    found = infer_posterior(*SUN, SSPP, photometry=light, **PLAIN)
    assert found.interval("logg").std < 0.5 * alone.interval("logg").std
    assert found.interval("logg").mean == pytest.approx(4.438, abs=0.06)
    low, high = found.quantiles("log_age", [0.025, 0.975])
    assert low < np.log10(4.57e9) < high
    distance, extinction = found.distance_and_extinction()
    assert distance.p16 < 200.0 < distance.p84 and distance.std < 3.0
    assert extinction.p16 < 0.1


def test_colours_alone_hardly_constrain_gravity(alone):
    found = infer_posterior(*SUN, SSPP, photometry=PhotometricLikelihood(sun_at(200.0)), **PLAIN)
    assert found.interval("teff").std < alone.interval("teff").std
    assert found.interval("logg").std > 0.05
    distance, _ = found.distance_and_extinction()
    assert distance.p025 < 200.0 < distance.p975 and distance.std > 10.0


def test_a_negative_parallax_is_data():
    light = PhotometricLikelihood(sun_at(8000.0), parallax=-0.05, parallax_error=0.1)
    far = PhotometricLikelihood(sun_at(8000.0), parallax=1.0, parallax_error=0.1)
    ages = [infer_posterior(*SUN, SSPP, photometry=one, **PLAIN) for one in (light, far)]
    assert ages[0].distance_and_extinction()[0].median > 4000.0
    assert ages[0].interval("logg").median < ages[1].interval("logg").median


def test_known_extinction_is_used_and_unknown_is_found():
    behind = sun_at(200.0, av=1.0)
    known = PhotometricLikelihood(behind, 5.0, 0.05, av=1.0, av_error=0.05)
    unknown = PhotometricLikelihood(behind, 5.0, 0.05)
    for light in (known, unknown):
        found = infer_posterior(5772.0, 4.438, 0.0, (40.0, 0.2, 0.1), photometry=light, **PLAIN)
        assert found.distance_and_extinction()[1].median == pytest.approx(1.0, abs=0.35)
        assert found.interval("logg").median == pytest.approx(4.438, abs=0.1)


def test_an_unresolved_companion_is_allowed_for():
    """A pair of Suns is 0.75 mag brighter; without companions it would be a subgiant of log g 4.1."""
    pair = PhotometricLikelihood(sun_at(200.0, brighter=0.75), 5.0, 0.02)
    found = infer_posterior(*SUN, (75.0, 0.1, 0.1), photometry=pair, **PLAIN)
    assert found.interval("logg").median > 4.3
    low, high = found.quantiles("log_age", [0.025, 0.975])
    assert low < np.log10(4.57e9) < high


def test_distance_integral_equals_a_sum():
    """Against a brute sum over distance and companions, for one sample."""
    light = PhotometricLikelihood({"G": (11.3, 0.02)}, parallax=4.0, parallax_error=0.3, av=0.0, av_error=1e-3)
    found = infer_posterior(*SUN, (20.0, 0.02, 0.02), photometry=light, **PLAIN)
    samples = found.samples.select(np.arange(0, len(found.samples), 50))
    ours = light.log_likelihood(samples)
    table = load_all_bands()
    correction, _ = table.at(10.0**samples.log_teff, samples.logg, samples.feh_surface)
    absolute = 4.74 - 5 * samples.log_radius - 10 * (samples.log_teff - np.log10(5772.0)) - correction[:, 5]
    distance = np.geomspace(20.0, 5000.0, 20001)
    prior = distance**3 * np.exp(-distance / 1350.0)
    parallax = 0.99 * np.exp(-0.5 * ((1000.0 / distance - 4.0) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi))
    parallax += 0.01 / (16.0 * (4.0 + np.hypot(0.3, 0.3)))
    plain = np.zeros(len(samples))
    for brighter, share in zip((0.0, 0.1, 0.3, 0.5, 0.7), (0.78, 0.10, 0.05, 0.04, 0.03)):
        off = 11.3 - (absolute[:, None] - brighter + 5 * np.log10(distance / 10.0))
        plain += share * (np.exp(-0.5 * (off / light.modulus.spread) ** 2) * prior * parallax).sum(axis=1)
    plain = np.log(plain)
    assert ours - ours.max() == pytest.approx(plain - plain.max(), abs=0.02)


@pytest.mark.parametrize("giants", [False, True])
def test_zero_points_bring_the_colours_to_those_of_the_gaia_benchmark_stars(shared_data, giants):
    stars = pd.read_csv(shared_data / "real_ages" / "gaia_benchmark_stars_v3.csv")
    near = stars["logg_dex"] < 3.5 if giants else (stars["logg_dex"] > 3.5) & (stars["teff_K"] > 5000)
    stars = stars[near & stars["teff_K"].between(4300, 7000)]
    table = load_all_bands()
    correction, _ = table.at(*stars[["teff_K", "logg_dex", "feh_dex"]].to_numpy(float).T)
    model = {band: ZERO_POINT.get(band, 0.0) - correction[:, table.bands.index(band)] for band in ("G", "BP", "RP")}
    observed = {band: stars[f"phot_{band.lower()}_mean_mag"] for band in model}
    for blue, red in (("BP", "G"), ("G", "RP")):
        off = (observed[blue] - observed[red]) - (model[blue] - model[red])
        assert len(off.dropna()) > 50 and abs(off.median()) < 0.015


@pytest.mark.parametrize(
    "bad",
    [
        {"magnitudes": {"r": (15.0, 0.0)}},
        {"magnitudes": {"r": (np.nan, 0.02)}},
        {"magnitudes": {"x": (15.0, 0.02)}},
        {"magnitudes": {"r": (15.0, 0.02)}, "parallax": 5.0},
        {"magnitudes": {"r": (15.0, 0.02)}, "parallax": 5.0, "parallax_error": 0.0},
        {"magnitudes": {"r": (15.0, 0.02)}, "av": 0.1},
        {"parallax": 5.0, "parallax_error": 0.1},
    ],
)
def test_invalid_photometry_is_refused(bad):
    with pytest.raises(ParameterError):
        PhotometricLikelihood(**bad)
