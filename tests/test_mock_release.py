"""Mock files and catalogues: SDSS's own layout, read back whole, truth in its own table."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from stellar_core.errors import ArchiveError, ParameterError, SpectrumError
from stellar_core.mock.files import BRIGHTSKY, NODATA, write_spec_lite
from stellar_core.mock.instrument import load_instrument
from stellar_core.mock.instrument_fit import LOGLAM_STEP, LOGLAM_ZERO, N_PIXEL, learn
from stellar_core.mock.plates import N_STARS
from stellar_core.mock.release import choose, write_release
from stellar_core.mock.survey import MockSurvey
from stellar_core.mock.truth import COLUMNS
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum


@pytest.fixture(scope="module")
def frame():
    survey = MockSurvey()
    return survey.frame(survey.star_ids(16002)[5])


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    seen = []
    written = write_release(12, folder, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)
    return folder, written


def test_our_reader_gives_the_star_back(frame, tmp_path):
    spectrum = frame.spectrum
    path = write_spec_lite(spectrum, tmp_path / f"spec-{spectrum.name}.fits", frame.wdisp, frame.sky)
    again = read_spectrum(path)
    assert again.name == spectrum.name and again.source == "mock"
    assert again.redshift == pytest.approx(spectrum.redshift, rel=1e-6)
    assert np.allclose(again.wavelength, spectrum.wavelength, rtol=3e-7)
    assert np.allclose(again.flux, spectrum.flux, rtol=1e-6) and np.allclose(again.ivar, spectrum.ivar, rtol=1e-6)
    assert np.array_equal(again.good, spectrum.good)
    for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag"):
        assert getattr(again.photometry, name) == pytest.approx(getattr(spectrum.photometry, name), abs=1e-4)
    for key in ("plate", "mjd", "fiber", "run2d", "specobjid", "class", "subclass", "zwarning"):
        assert again.meta[key] == spectrum.meta[key], key
    assert list(tmp_path.iterdir()) == [path]


def test_layout_of_real_files(frame, tmp_path, shared_data):
    from astropy.io import fits

    path = write_spec_lite(frame.spectrum, tmp_path / "a.fits", frame.wdisp, frame.sky)
    real_path = shared_data / "sdss" / "spec-4068-55445-0924.fits"
    with fits.open(path) as mock, fits.open(real_path) as real:
        mock.verify("exception")
        assert [hdu.name for hdu in mock] == [hdu.name for hdu in real[:4]]
        assert mock[1].data.dtype == real[1].data.dtype
        assert mock[3].data.dtype.names == real[3].data.dtype.names
        for column in mock[2].columns:
            if column.name in real[2].columns.names and "A" not in column.format:
                assert column.format == real[2].columns[column.name].format, column.name
        assert mock[0].header["MOCK"] is True
        for key in ("PLATEID", "MJD", "FIBERID", "COEFF0", "COEFF1", "BUNIT", "PLUG_RA", "RUN2D", "VACUUM"):
            assert key in mock[0].header and key in real[0].header


def test_masks(frame, tmp_path):
    from astropy.io import fits

    path = write_spec_lite(frame.spectrum, tmp_path / "a.fits", frame.wdisp, frame.sky)
    with fits.open(path) as hdus:
        data = hdus[1].data
        assert np.array_equal((data["and_mask"] & NODATA) > 0, data["ivar"] == 0)
        line = np.argmin(np.abs(10.0 ** data["loglam"] - 5578.9))
        assert data["or_mask"][line] & BRIGHTSKY
        assert np.mean((data["or_mask"] & BRIGHTSKY) > 0) < 0.3
        assert 0.5 < np.median(data["wdisp"]) < 1.5 and np.median(data["sky"]) > 1


def test_what_cannot_be_written(frame, tmp_path):
    nameless = Spectrum(frame.spectrum.wavelength, frame.spectrum.flux, frame.spectrum.ivar)
    with pytest.raises(SpectrumError, match="plate, mjd"):
        write_spec_lite(nameless, tmp_path / "a.fits")
    uneven = Spectrum(np.linspace(4000, 5000, 100), np.ones(100), np.ones(100), meta=frame.spectrum.meta)
    with pytest.raises(SpectrumError, match="1e-4"):
        write_spec_lite(uneven, tmp_path / "a.fits")
    assert not list(tmp_path.iterdir())


def test_catalogue_and_truth_are_apart(release):
    folder, written = release
    catalogue, truth = (pd.read_parquet(folder / f"{name}.parquet") for name in ("catalogue", "truth"))
    assert len(catalogue) == len(truth) == written["stars"] == 12
    spectroscopic = {"specObjID", "plate", "mjd", "fiberID", "class", "z", "zErr", "snMedian"}
    assert spectroscopic | {"teffadop", "loggadop", "fehadop"} <= set(catalogue)
    names = ("psfMag", "psfMagErr", "extinction", "modelMag")
    assert {f"{name}_{band}" for name in names for band in "ugriz"} <= set(catalogue)
    assert not any(name.startswith("true_") for name in catalogue) and set(COLUMNS) <= set(truth)
    assert catalogue.specObjID.is_unique and catalogue.specObjID.equals(truth.specObjID)
    assert set(catalogue.instrument) == {"SDSS", "BOSS"}
    offset = np.abs(catalogue.teffadop - truth.true_teff)
    assert 0 < offset.median() < 300


def test_files_of_the_release_agree_with_its_catalogue(release):
    folder, _ = release
    catalogue = pd.read_parquet(folder / "catalogue.parquet")
    for row in catalogue.head(3).itertuples():
        name = f"spec-{row.plate}-{row.mjd}-{row.fiberID:04d}.fits"
        spectrum = read_spectrum(folder / "spectra" / str(row.plate) / name)
        assert spectrum.meta["specobjid"] == row.specObjID
        assert spectrum.snr == pytest.approx(row.snMedian, rel=0.05)
        assert spectrum.photometry.psf_mag[2] == pytest.approx(row.psfMag_r, abs=1e-4)
        assert spectrum.redshift == pytest.approx(row.z, rel=1e-5)


def test_any_number_of_stars():
    for stars in (1, 7, 400, N_STARS):
        rows = choose(stars)
        assert sum(len(take) for take in rows.values()) == stars
    assert len(choose(384)) > 380
    for stars in (0, -1, N_STARS + 1):
        with pytest.raises(ParameterError):
            choose(stars)


def test_command(tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "stellar_core", *arguments], capture_output=True, text=True)

    done = run("mock", "--stars", "2", "--out", str(tmp_path / "out"), "--seed", "5", "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert written["mock"] is True and written["stars"] == 2 and written["seed"] == 5
    assert len(list((tmp_path / "out").rglob("*.fits"))) == 2
    bad = run("mock", "--stars", "0", "--out", str(tmp_path / "bad"))
    assert bad.returncode == 2 and bad.stdout == "" and bad.stderr.count("\n") == 1 and "166625" in bad.stderr


def test_learning_from_mock_files_gives_the_instrument_back(tmp_path):
    """Closure: error model, line-spread and noise learned again from 120 mock files."""
    write_release(120, tmp_path)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in tmp_path.glob("spectra/*/*.fits"):
        path.rename(flat / path.name)
    arrays, _ = learn(flat)
    wavelength = 10.0 ** (LOGLAM_ZERO + LOGLAM_STEP * np.arange(N_PIXEL))
    for name, high in (("SDSS", 9100), ("BOSS", 10000)):
        tool, use = load_instrument(name), (wavelength > 4000) & (wavelength < high)
        ratio = np.log(arrays[f"{name}.photon"][use] / tool.photon[use])
        assert np.median(np.abs(ratio)) < 0.15
        ratio = np.log(arrays[f"{name}.noise_scale"][use] / tool.noise_scale[use])
        assert np.median(np.abs(ratio)) < 0.06 and abs(np.median(ratio)) < 0.02
        ratio = arrays[f"{name}.background"][use] / tool.background[use]
        assert abs(np.median(np.log(ratio))) < 0.25
        assert np.median(np.abs(arrays[f"{name}.wdisp"] / tool.wdisp - 1)) < 0.03
        assert np.median(np.abs(arrays[f"{name}.correlation"] - tool.correlation)) < 0.05
        assert arrays[f"{name}.sky_gain"][0] == pytest.approx(tool.sky_gain[0], rel=0.5)
        assert arrays[f"{name}.log_sky"][0] == pytest.approx(tool.log_sky[0], abs=0.3)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchiveError, match="cannot be written"):
        write_release(1, tmp_path / "file" / "below")
