"""MOCK photometry: colours of the Sun, dust, errors, and colours of real stars."""

import numpy as np
import pytest

from stellar_core.bolometric_corrections import RV, apparent_magnitudes, load_all_bands, load_bolometric
from stellar_core.dust_map import SFD_COEFFICIENTS
from stellar_core.mock.fit.photometry import build, zero_points
from stellar_core.mock.photometry import DEPTH, observe_photometry, redden, reddening_curve
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR
from stellar_core.preprocessing.features import features_batch


def sun(n=1, ebv=0.0, distance=10.0):
    one = np.ones(n)
    return apparent_magnitudes(5772 * one, 4.438 * one, 0 * one, 0 * one, distance * one, ebv * one)


def test_colours_and_magnitude_of_the_sun():
    """SDSS: M_g 5.12, u-g 1.43, g-r 0.44, r-i 0.11, i-z 0.03."""
    mags = sun()[0]
    assert abs(mags[1] - 5.12) < 0.1
    assert -np.diff(mags) == pytest.approx([1.43, 0.44, 0.11, 0.03], abs=0.1)


def test_distance_dust_and_radius():
    near, far = sun(distance=10.0), sun(distance=1000.0)
    assert far - near == pytest.approx(10.0)
    dusty = sun(ebv=0.1) - sun()
    assert np.all(np.diff(dusty[0]) < 0)
    assert dusty[0] == pytest.approx(0.1 / 0.86 * SFD_COEFFICIENTS, rel=0.08)
    one = np.ones(1)
    larger = apparent_magnitudes(5772 * one, 4.438 * one, 0 * one, 0.5 * one, 10 * one, 0 * one)
    assert larger - sun() == pytest.approx(-2.5)


def test_the_sun_in_gaia_and_2mass():
    """M_G 4.65, BP-RP 0.79, J-Ks 0.37 (Vega)."""
    table = load_all_bands()
    correction, extinction = table.at(np.array([5772.0]), np.array([4.438]), np.array([0.0]))
    sun = dict(zip(table.bands, 4.74 - correction[0]))
    assert sun["G"] == pytest.approx(4.65, abs=0.03)
    assert sun["BP"] - sun["RP"] == pytest.approx(0.79, abs=0.03)
    assert sun["J"] - sun["Ks"] == pytest.approx(0.37, abs=0.03)
    assert sun["r"] == pytest.approx(apparent_magnitudes(*np.array([[5772.0], [4.438], [0], [0], [10], [0]]))[0, 2])
    assert dict(zip(table.bands, extinction[0]))["Ks"] < 0.15 < 0.8 < dict(zip(table.bands, extinction[0]))["G"] < 0.9


def test_interpolation_is_exact_at_nodes():
    table = load_bolometric()
    correction, extinction = table.at(table.teff[[5]], table.logg[[7]], table.feh[[3]])
    assert correction[0] == pytest.approx(table.correction[5, 7, 3])
    assert extinction[0] == pytest.approx(table.extinction[5, 7, 3])
    middle, _ = table.at(table.teff[5:7].mean(keepdims=True), table.logg[[7]], table.feh[[3]])
    assert middle[0] == pytest.approx(table.correction[5:7, 7, 3].mean(0))


def test_errors_are_those_of_the_survey():
    rng = np.random.default_rng(0)
    bright = observe_photometry(np.full((4000, 5), 16.0), np.full(4000, 0.03), rng)
    assert np.all(np.median(bright.psf_mag_err, axis=0) < 0.02) and np.all(bright.psf_mag_err > 0.005)
    faint = observe_photometry(np.tile(DEPTH, (4000, 1)), np.full(4000, 0.03), rng)
    assert np.median(faint.psf_mag_err, axis=0) == pytest.approx(0.21, rel=0.1)
    pull = (bright.psf_mag - 16.0) / bright.psf_mag_err
    assert np.std(pull, axis=0) == pytest.approx(1.0, rel=0.1)
    assert np.all(np.abs(np.mean(pull, axis=0)) < 0.1)
    assert np.median(bright.extinction, axis=0) == pytest.approx(0.03 / 0.86 * SFD_COEFFICIENTS, rel=0.05)
    assert np.all(bright.extinction > 0)
    shared = np.corrcoef((faint.psf_mag - DEPTH)[:, 2], (faint.model_mag - DEPTH)[:, 2])[0, 1]
    assert 0.8 < shared < 0.98


def test_photometry_gives_twenty_nine_features():
    batch = observe_photometry(sun(50, ebv=0.05, distance=900.0), np.full(50, 0.05), np.random.default_rng(1))
    features = features_batch(batch.psf_mag, batch.psf_mag_err, batch.extinction, batch.model_mag)
    assert features.shape == (50, 29) and np.isfinite(features).all()
    # Corrected colours are those of the unreddened star within the errors.
    assert np.median(features[:, 20:24], axis=0) == pytest.approx(-np.diff(sun()[0]), abs=0.03)


def test_spectra_are_reddened_in_double_precision():
    """The bits of every MOCK spectrum depend on it."""
    assert redden(np.ones((1, 6800), np.float32), np.array([0.2])).dtype == np.float64


def test_reddened_spectra_and_magnitudes_agree():
    curve = reddening_curve()
    assert curve.shape == (6800,) and curve[5470 - 3600] == pytest.approx(1.0, abs=0.03)
    dimmed = -2.5 * np.log10(redden(np.ones((1, 6800)), np.array([0.2]))[0] / 1.0)
    expected = RV * 0.2 * load_bolometric().extinction[9, 9, 10]
    for band, pivot in ((1, 4686), (2, 6166), (3, 7480), (4, 8932)):
        assert dimmed[pivot - 3600] == pytest.approx(expected[band], rel=0.06)


def test_shipped_table_equals_one_built_from_the_data(shared_data):
    arrays, _ = build(shared_data)
    shipped, _ = read_model(TRAINED_DIR / "mock-photometry")
    for key, value in arrays.items():
        assert np.allclose(value, shipped[key], rtol=1e-4, atol=1e-4), key


def test_no_zero_point_offset_from_real_stars_remains(shared_data):
    left = zero_points(load_bolometric(), shared_data / "catalogue" / "sdss_colours_feh.csv")
    assert np.abs(left).max() < 0.005
