"""MOCK releases: tables and columns of SDSS, separate true values, matching files."""

import json
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest

from stellar_core.errors import ParameterError, StorageError
from stellar_core.mock.catalogue_writer import rows_by_plate, write_release
from stellar_core.mock.database import TABLES, write_database
from stellar_core.mock.fit.instrument import fit_instruments
from stellar_core.mock.gaia import COLUMNS as COLUMNS_OF_GAIA
from stellar_core.mock.instrument import load_instrument
from stellar_core.mock.plates import N_STARS
from stellar_core.mock.spectrograph import LOGLAM_STEP, LOGLAM_ZERO, N_PIXEL
from stellar_core.mock.survey import EDITION
from stellar_core.mock.truth import COLUMNS
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.sdss.readers import read_spectrum
from stellar_core.sdss.star_id import StarId


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    seen = []
    written = write_release(30, folder, progress=lambda *state: seen.append(state))
    assert seen[0] == ("MOCK stars", 0, 30) and ("MOCK stars", 30, 30) in seen and seen[-1] == ("MOCK spectra", 30, 30)
    assert not list(folder.rglob("*.tmp"))
    return folder, written


def test_catalogue_and_truth_are_separate(release):
    folder, written = release
    catalogue, truth = (pd.read_parquet(folder / f"{name}.parquet") for name in ("catalogue", "truth"))
    assert len(catalogue) == len(truth) == written["stars"] == 30
    assert catalogue.attrs == truth.attrs == {"mock_edition": EDITION, "seed": written["seed"]}
    assert written["edition"] == EDITION
    spectroscopic = {"specObjID", "plate", "mjd", "fiberID", "class", "z", "zErr", "snMedian"}
    assert spectroscopic | {"teffadop", "loggadop", "fehadop"} <= set(catalogue)
    names = ("psfMag", "psfMagErr", "extinction", "modelMag")
    assert {f"{name}_{band}" for name in names for band in "ugriz"} <= set(catalogue)
    assert not any(name.startswith("true_") for name in catalogue) and set(COLUMNS) <= set(truth)
    assert catalogue.specObjID.is_unique and catalogue.specObjID.equals(truth.specObjID)
    assert set(catalogue.instrument) == {"SDSS", "BOSS"} and set(catalogue.programname) == {"MOCK"}
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


def test_database_has_the_tables_and_keys_of_sdss(release):
    folder, written = release
    flat = pd.read_parquet(folder / "catalogue.parquet")
    assert written["database"] == str(folder / "catalogue.duckdb")
    with duckdb.connect(written["database"], read_only=True) as connection:
        joined = connection.execute(
            "SELECT s.specObjID, s.bestObjID, s.z, t.teffadop, p.psfMag_r, p.objID, s.programname FROM SpecObj AS s "
            "JOIN sppParams AS t ON t.specObjID = s.specObjID JOIN PhotoObj AS p ON p.objID = s.bestObjID"
        ).df()
        view = connection.execute("SELECT * FROM catalogue").df()
        counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES]
        what, seed, edition = connection.execute("SELECT what, seed, edition FROM about").fetchone()
        listed = {name: connection.execute(f"DESCRIBE {name}").fetchall() for name in TABLES}
    assert counts == [30, 30, 30, 30] and len(joined) == 30
    assert (
        what.startswith("MOCK")
        and (seed, edition) == (written["seed"], EDITION)
        and set(joined.programname) == {"MOCK"}
    )
    # Ids are whole numbers inside and text at the edge: rounding would change the last digits.
    assert joined.specObjID.dtype == np.uint64 and joined.objID.dtype == np.int64
    assert list(joined.specObjID.astype(str)) == list(flat.specObjID) == list(view.specObjID)
    assert list(joined.objID.astype(str)) == list(flat.bestObjID) and flat.bestObjID.is_unique
    assert all(StarId.of(r.plate, r.mjd, r.fiberID, r.run2d).specobjid == r.specObjID for r in flat.itertuples())
    assert set(COLUMNS_OF_GAIA) <= set(view) and view.gaia_parallax_mas.notna().sum() > 20
    for name in ("teffadop", "psfMag_r", "z"):
        assert np.array_equal(joined[name], flat[name]) and joined[name].dtype == np.float32
    pd.testing.assert_frame_equal(view[list(flat)], flat, check_dtype=False)
    for name, columns in listed.items():
        assert [(column[0], column[1].replace("FLOAT", "REAL")) for column in columns] == list(TABLES[name].items())
        assert not any("true" in column[0].lower() for column in columns)


def test_cuts_keep_the_stars_of_the_database_query(release, tmp_path):
    folder, whole = release
    written = write_release(30, tmp_path, cuts=QualityCuts(), spectra=False)
    kept, truth = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("catalogue", "truth"))
    with duckdb.connect(whole["database"], read_only=True) as connection:
        found = connection.execute(
            "SELECT CAST(s.specObjID AS VARCHAR) FROM SpecObj s JOIN sppParams t ON t.specObjID = s.specObjID "
            f"JOIN PhotoObj p ON p.objID = s.bestObjID WHERE {QualityCuts().where()}"
        ).fetchall()
    assert 0 < written["stars"] < 30 and written["stars"] == len(kept) == written["cuts"][-1]["left"]
    assert sorted(row[0] for row in found) == sorted(kept.specObjID) and kept.specObjID.equals(truth.specObjID)
    assert kept.snMedian.min() > 20
    with pytest.raises(ParameterError, match="None of the 3 MOCK stars passes"):
        write_release(3, tmp_path / "none", cuts=QualityCuts(sn_median=1000.0))
    assert not (tmp_path / "none").exists()


def test_a_missing_parallax_is_null_in_the_database(release, tmp_path):
    flat = pd.read_parquet(release[0] / "catalogue.parquet")
    flat.loc[2, ["gaia_parallax_mas", "gaia_parallax_err_mas", "gaia_ruwe"]] = np.nan
    missing = int(flat.gaia_parallax_mas.isna().sum())
    with duckdb.connect(str(write_database(flat, tmp_path / "catalogue.duckdb", 1)), read_only=True) as connection:
        query = "SELECT count(*) FROM GaiaSource WHERE gaia_parallax_mas IS NULL AND gaia_ruwe IS NULL"
        assert connection.execute(query).fetchone()[0] == missing >= 1


def test_a_database_that_cannot_be_written_leaves_nothing(release, tmp_path):
    flat = pd.read_parquet(release[0] / "catalogue.parquet")
    with pytest.raises(StorageError, match="cannot be written"):
        write_database(flat, tmp_path / "nowhere" / "catalogue.duckdb", 1)
    with pytest.raises(StorageError, match="cannot be written"):
        write_database(flat.assign(specObjID="no number"), tmp_path / "catalogue.duckdb", 1)
    assert not list(tmp_path.iterdir())
    (tmp_path / "catalogue.duckdb.tmp").write_text("left by a run that was cut off")
    assert write_database(flat, tmp_path / "catalogue.duckdb", 1).stat().st_size > 0


def test_rows_by_plate_gives_the_number_of_stars():
    for stars in (1, 7, 400, N_STARS):
        rows = rows_by_plate(stars)
        assert sum(len(take) for take in rows.values()) == stars
    assert len(rows_by_plate(384)) > 380
    for stars in (0, -1, N_STARS + 1):
        with pytest.raises(ParameterError):
            rows_by_plate(stars)


@pytest.mark.slow
def test_command(tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "stellar_core", *arguments], capture_output=True, text=True)

    done = run("mock", "--stars", "2", "--out", str(tmp_path / "out"), "--seed", "5", "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert written["mock"] is True and written["stars"] == 2 and written["seed"] == 5
    assert len(list((tmp_path / "out").rglob("*.fits"))) == 2
    bare = run("mock", "--stars", "8", "--out", str(tmp_path / "bare"), "--cuts", "--no-spectra")
    assert bare.returncode == 0 and "MOCK survey" in bare.stdout
    assert sorted(path.name for path in (tmp_path / "bare").iterdir()) == [
        "catalogue.duckdb",
        "catalogue.parquet",
        "truth.parquet",
    ]
    bad = run("mock", "--stars", "0", "--out", str(tmp_path / "bad"))
    assert bad.returncode == 2 and bad.stdout == "" and bad.stderr.count("\n") == 1 and "166625" in bad.stderr


def neighbours(taps):
    """Median correlation of neighbouring pixels of noise made by moving averages (n_tap, n_node)."""
    return np.median((taps[1:] * taps[:-1]).sum(axis=0) / (taps**2).sum(axis=0))


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


@pytest.mark.slow
def test_an_instrument_fitted_to_mock_files_equals_the_original(tmp_path):
    """Closure: error model, line spread, noise and sky residuals fitted to 120 mock files."""
    write_release(120, tmp_path)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in tmp_path.glob("spectra/*/*.fits"):
        path.rename(flat / path.name)
    arrays, _ = fit_instruments(flat)
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
        left, again = tool.residuals, lambda key: arrays[f"{name}.residuals.{key}"]
        assert np.abs(neighbours(again("filter")) - neighbours(left.filter)) < 0.05
        assert np.median(np.abs(again("ripple") / left.ripple - 1)) < 0.25
        assert rms(again("scale_components")) == pytest.approx(rms(left.scale_components), rel=0.3)
        assert rms(again("sky_gains")) == pytest.approx(rms(left.sky_gains), rel=0.7)
        assert arrays[f"{name}.log_sky"][0] == pytest.approx(tool.log_sky[0], abs=0.3)


def test_error_if_the_folder_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be written"):
        write_release(1, tmp_path / "file" / "below")
