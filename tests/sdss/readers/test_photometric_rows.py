"""Photometry of catalogue rows: PSFFLUX, CALIBFLUX, extinction of the row or of the dust map, and damaged rows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stellar_core.dust_map import SFD_COEFFICIENTS, load_dust_map
from stellar_core.photometry import Photometry
from stellar_core.sdss.readers import read_spectrum
from stellar_core.sdss.readers.photometric_rows import CALIBRATION_ERROR, asinh_magnitude, photometry_of
from tests.sdss.readers.test_spectra import as_bytes, coadd, row

PLACE = (147.3, -0.04)
#: PSFFLUX and CALIBFLUX of the SDSS spectrum 4068-55445-0924, a star.
PSF = np.array([43.7754, 44.7126, 30.5031, 23.8992, 16.0390])
CALIB = np.array([45.5020, 43.2545, 30.0846, 23.6148, 16.0686])
IVAR = np.array([1.26, 2.75, 7.44, 2.30, 0.906])
BOSS = {"psfflux": PSF, "psfflux_ivar": IVAR, "modelflux": PSF, "modelflux_ivar": IVAR}
LEGACY = {"calibflux": CALIB, "calibflux_ivar": IVAR, "spectroflux": np.ones(5)}


def test_calibflux_of_a_star_is_its_psf_flux_in_the_ab_system():
    imaging, calibration = photometry_of(BOSS, *PLACE), photometry_of(LEGACY, *PLACE)
    np.testing.assert_allclose(calibration.psf_mag, imaging.psf_mag, atol=5e-4)
    np.testing.assert_array_equal(calibration.model_mag, calibration.psf_mag)
    np.testing.assert_allclose(calibration.psf_mag_err, np.hypot(imaging.psf_mag_err, CALIBRATION_ERROR), rtol=0.05)
    assert calibration.complete and calibration.source.startswith("CALIBFLUX of the spectrum file")


def test_extinction_is_that_of_the_row_else_of_the_dust_map_else_unknown():
    own = np.array([0.249, 0.194, 0.134, 0.100, 0.074])
    assert photometry_of({**BOSS, "extinction": own}, *PLACE).extinction == pytest.approx(own)
    found = photometry_of({**LEGACY, "extinction": np.zeros(5)}, *PLACE)
    assert found.extinction == pytest.approx(float(load_dust_map().reddening(*PLACE)) * SFD_COEFFICIENTS)
    assert found.source.endswith("extinction of the SFD map")
    unknown = photometry_of(LEGACY)
    assert np.isnan(unknown.extinction).all() and np.isfinite(unknown.psf_mag).all() and not unknown.complete


@pytest.mark.parametrize("five", [np.ones(4), np.ones((1, 5)), 1.0, "bright", None, np.array(["a"] * 5)])
def test_a_column_of_another_form_is_no_photometry(five):
    assert photometry_of({"calibflux": five, "calibflux_ivar": IVAR}, *PLACE) is None
    assert photometry_of({"calibflux": CALIB, "calibflux_ivar": five}, *PLACE) is None


@pytest.mark.parametrize(("flux", "ivar"), [(np.nan, 1.0), (np.inf, 1.0), (9.0, 0.0), (9.0, -1.0), (9.0, np.nan)])
def test_a_band_without_a_measurement_is_missing(flux, ivar):
    damaged, weights = CALIB.copy(), IVAR.copy()
    damaged[2], weights[2] = flux, ivar
    found = photometry_of({"calibflux": damaged, "calibflux_ivar": weights}, *PLACE)
    assert np.isnan(found.psf_mag[2]) and np.isfinite(found.psf_mag[[0, 1, 3, 4]]).all() and not found.complete
    nothing = {"calibflux": np.full(5, flux), "calibflux_ivar": np.full(5, ivar)}
    assert photometry_of(nothing, *PLACE) is None


def test_a_bright_band_of_low_signal_to_noise_is_no_measurement():
    found = photometry_of({"calibflux": CALIB, "calibflux_ivar": np.full(5, 0.01)}, *PLACE)
    assert np.isfinite(found.psf_mag).tolist() == [False, False, False, True, True]  # above and below 30 nanomaggies


def test_a_faint_negative_flux_is_a_measurement():
    flux = np.array([-0.1, 0.5, 2.0, 8.0, 20.0])
    found = photometry_of({"calibflux": flux, "calibflux_ivar": np.full(5, 9.0)}, *PLACE)
    assert found.complete and found.psf_mag[0] > 24


def test_bands_that_the_pipeline_rejected_are_not_read_from_the_imaging_either():
    rejected = {**BOSS, "calibflux": CALIB, "calibflux_ivar": IVAR * [1, 0, 1, 1, 1]}
    assert np.isfinite(photometry_of(rejected, *PLACE).psf_mag).tolist() == [True, False, True, True, True]
    unmatched = {**BOSS, "calibflux": CALIB, "calibflux_ivar": 0 * IVAR}
    assert photometry_of(unmatched, *PLACE).complete


def test_calibflux_stands_in_where_the_imaging_is_incomplete():
    partly = {**BOSS, **LEGACY, "psfflux_ivar": IVAR * [0, 1, 1, 1, 1]}
    assert photometry_of(partly, *PLACE).source.startswith("CALIBFLUX")
    assert photometry_of({**BOSS, **LEGACY}, *PLACE).source.startswith("imaging photometry")
    without_model = {"psfflux": PSF, "psfflux_ivar": IVAR}
    assert not photometry_of(without_model, *PLACE).complete


@given(
    *(arrays(np.float32, 5, elements=st.floats(width=32)) for _ in range(5)),
    st.none() | st.floats(-90, 360),
    st.none() | st.floats(-90, 360),
)
def test_no_row_warns_or_fails(psf, psf_ivar, calib, calib_ivar, extinction, ra, dec):
    names = ("psfflux", "psfflux_ivar", "calibflux", "calibflux_ivar", "extinction")
    row = dict(zip(names, (psf, psf_ivar, calib, calib_ivar, extinction)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = photometry_of(row, ra, dec)
    assert found is None or isinstance(found, Photometry)
    if found is not None and found.complete:
        assert (found.psf_mag_err > 0).all() and (np.abs(found.psf_mag) < 35).all()


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("4E", np.ones(4)),
        ("6E", np.ones(6)),
        ("E", 1.0),
        ("20A", "bright"),
        ("5L", np.ones(5, bool)),
        ("5C", np.ones(5)),
    ],
)
def test_a_file_with_a_column_of_another_form_is_read_without_photometry(form, value):
    columns = [fits.Column("PLATE", "J", array=[266]), fits.Column("CALIBFLUX", form, array=[value])]
    columns += [fits.Column("CALIBFLUX_IVAR", "5E", array=[np.ones(5)]), fits.Column("PLUG_RA", "D", array=[10.0])]
    spectrum = read_spectrum(as_bytes(coadd(), fits.BinTableHDU.from_columns(columns)))
    assert spectrum.photometry is None and spectrum.snr > 0


@pytest.mark.parametrize(("ra", "dec"), [(np.nan, np.nan), (-9999.0, -9999.0), (1e300, 45.0)])
def test_a_file_without_a_position_has_photometry_of_unknown_extinction(ra, dec):
    row_ = row(**{"plate": 266, "plug_ra": ra, "plug_dec": dec, "calibflux": CALIB, "calibflux_ivar": IVAR})
    found = read_spectrum(as_bytes(coadd(), row_)).photometry
    assert np.isfinite(found.psf_mag).all() and np.isnan(found.extinction).all() and not found.complete
    assert found.source.endswith("extinction unknown")


def test_magnitudes_are_asinh_magnitudes():
    magnitude, error = asinh_magnitude(np.array([100.0, 1, 0, -1, 100]), np.array([1.0, 1, 1, 1, 0]))
    assert magnitude[0] == pytest.approx(17.5, abs=1e-4) and error[0] == pytest.approx(0.010857, rel=1e-3)
    assert magnitude[2] == pytest.approx(-2.5 * np.log10(1.2e-10)) and magnitude[3] > -2.5 * np.log10(1.8e-10)
    assert np.isnan(magnitude[4]) and np.isnan(error[4])


def test_real_files_agree_with_their_own_imaging(shared_data):
    compared = 0
    for path in sorted((shared_data / "sdss").glob("spec-[34]*.fits")):
        with fits.open(path) as file:
            row = file[2].data[0] if len(file) > 2 else None
            names = {} if row is None else {name.lower(): row[name] for name in file[2].columns.names}
        if "psfmag" not in names or not (names["calibflux_ivar"] > 0).all():
            continue
        own = {name: names[name] for name in ("calibflux", "calibflux_ivar", "extinction")}
        difference = photometry_of(own).psf_mag - names["psfmag"]
        if np.abs(difference).max() < 0.2:  # of a star: galaxies have fiber fluxes
            np.testing.assert_allclose(difference, 0.0, atol=0.002)
            compared += 1
    assert compared >= 2


def test_real_legacy_stars_have_complete_photometry(shared_data):
    found = [read_spectrum(path).photometry for path in sorted((shared_data / "sdss").glob("spec-04*.fits"))]
    assert len(found) >= 15 and all(one.complete for one in found)
    colours = np.array([one.psf_mag[:4] - one.psf_mag[1:] - one.extinction[:4] + one.extinction[1:] for one in found])
    assert 0.7 < np.median(colours[:, 0]) < 1.1 and 0.2 < np.median(colours[:, 1]) < 0.5  # F and G stars
