"""Catalogues with parallaxes: what enters the posterior, chunks that resume, and rows without a parallax."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.catalogue import parallax_posteriors
from stellar_core.catalogue.builder import POSTERIOR, make_catalogue
from stellar_core.catalogue.parallax_posteriors import COLUMNS, has_parallax, infer_in_chunks, observations
from stellar_core.catalogue.table import Catalogue
from stellar_core.dust_map import SFD_COEFFICIENTS
from stellar_core.errors import RunError, StorageError
from stellar_core.isochrones.label import FLAGS, label_table
from stellar_core.mock.catalogue_writer import write_release
from stellar_core.survey.parallaxes import COLUMNS as GAIA_COLUMNS

#: MOCK stars of a catalogue.
N_STARS = 40


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """The catalogue and the true values of MOCK stars."""
    folder = tmp_path_factory.mktemp("release")
    write_release(N_STARS, folder, spectra=False)
    return folder


@pytest.fixture(scope="module")
def survey(release) -> pd.DataFrame:
    return pd.read_parquet(release / "catalogue.parquet")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The MOCK catalogue with parallaxes, made in one go."""
    return make_catalogue(tmp_path_factory.mktemp("catalogue") / "stars.parquet", N_STARS, gaia=True)


@pytest.fixture
def store(survey, tmp_path) -> Path:
    """A store whose last stars were not looked up."""
    rows = survey.assign(specObjID=survey["specObjID"].astype("uint64"))
    folder = tmp_path / "store"
    folder.mkdir()
    rows.drop(columns=[name for name in rows if name.startswith("gaia_")]).to_parquet(folder / "catalogue.parquet")
    known = rows.iloc[:30].rename(columns={"specObjID": "specobjid"}).assign(gaia_source_id="17", gaia_notes=None)
    known[["specobjid", *GAIA_COLUMNS]].to_parquet(folder / "gaia-00000.parquet")
    return folder


def test_far_stars_have_the_extinction_of_the_map_and_bright_ones_no_saturated_magnitude(survey):
    some = survey[has_parallax(survey)].head(4).reset_index(drop=True)
    some[[f"extinction_{band}" for band in "ugriz"]] = 0.1 * SFD_COEFFICIENTS
    some["ra"], some["dec"] = 192.86, [27.13, 27.13, 27.13, -10.0]  # the pole of the Galaxy, and 53 degrees from it
    some["gaia_parallax_err_mas"], some["gaia_parallax_mas"] = 0.05, [2.5, 2.6, -0.3, 2.1]
    some.loc[0, ["psfMag_g", "psfMag_r"]] = 14.6, 14.4
    found = observations(some)
    np.testing.assert_allclose(found["av_mag"], [0.2742, np.nan, 0.2742, np.nan], rtol=1e-5)
    np.testing.assert_allclose(found["av_err_mag"], [0.0739, np.nan, 0.0739, np.nan], atol=1e-4)
    assert np.isnan(found.loc[0, "r_mag"]) and found.loc[0, "g_mag"] == pytest.approx(14.6)
    assert found.loc[3, "parallax_mas"] == 2.1 and found.loc[3, "G_mag"] == some.loc[3, "gaia_G_mag"]
    assert (found["teff_err_K"] == 75).all() and (found["logg_dex"] == some["loggadop"]).all()


def test_the_catalogue_has_the_posterior_with_the_parallax(whole, survey, release):
    stars = pd.read_parquet(whole)
    assert [path.name for path in whole.parent.iterdir()] == ["stars.parquet"] and len(stars) == N_STARS
    has = has_parallax(survey)
    assert (stars["specObjID"] == survey["specObjID"]).all() and has.sum() > 30
    assert (stars["parallax_used"] == (has & stars["log_age_mean"].notna())).all()
    np.testing.assert_array_equal(stars["gaia_parallax_mas"], survey["gaia_parallax_mas"])
    asked = label_table(observations(survey[has]).reset_index(drop=True).iloc[:5])
    for name in ("log_age_mean", "mass_p84", "distance_pc_p16", "av_mag_mean", "companion_probability"):
        np.testing.assert_allclose(stars.loc[has, name].iloc[:5], asked[name], rtol=1e-5)
    assert stars.loc[has, "light_used"].str.startswith("parallax, ").all()
    assert set("; ".join(stars["flag"][stars["flag"] != ""]).split("; ")) <= {*FLAGS, ""}
    true = pd.read_parquet(release / "truth.parquet")["true_distance"].to_numpy()
    good = stars["parallax_used"] & (stars["gaia_parallax_mas"] > 10 * stars["gaia_parallax_err_mas"])
    assert good.sum() > 5 and np.median(np.abs(stars["distance_pc_mean"] / true - 1)[good]) < 0.08


def test_without_the_option_nothing_of_gaia_is_used(whole, tmp_path):
    plain = pd.read_parquet(make_catalogue(tmp_path / "stars.parquet", N_STARS))
    stars = pd.read_parquet(whole)
    assert not [name for name in plain if name.startswith(("gaia", "parallax", "distance"))]
    used = stars["parallax_used"]
    assert (stars.loc[used, "log_age_std"] < plain.loc[used, "log_age_std"]).mean() > 0.7
    without = ~stars["gaia_parallax_mas"].notna()
    np.testing.assert_allclose(
        stars.loc[without, list(POSTERIOR[:4])], plain.loc[without, list(POSTERIOR[:4])], rtol=1e-4
    )


def test_an_interrupted_run_continues_and_gives_the_same(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(parallax_posteriors, "CHUNK", 10)
    path, told = tmp_path / "stars.parquet", []

    def kill(what: str, done: int, total: int) -> None:
        if what == "ages with parallaxes" and done > 20:
            raise Killed

    with pytest.raises(Killed):
        make_catalogue(path, N_STARS, kill, gaia=True)
    parts = tmp_path / "stars.parquet.parts"
    assert not path.exists() and len(list(parts.glob("ages-*.parquet"))) == 2
    with pytest.raises(RunError, match="differs in stars, the stars' values.*remove .*stars.parquet.parts"):
        make_catalogue(path, N_STARS - 1, gaia=True)
    make_catalogue(path, N_STARS, lambda *state: told.append(state), gaia=True)
    stars = pd.read_parquet(whole)
    left = int(stars["gaia_parallax_mas"].notna().sum()) - 20
    assert [state for state in told if state[0] == "ages with parallaxes"][-1][1:] == (left, left)
    pd.testing.assert_frame_equal(pd.read_parquet(path), stars)
    assert not parts.exists()


def test_a_damaged_chunk_gives_one_sentence(survey, tmp_path):
    observed = observations(survey[has_parallax(survey)]).head(3)
    arguments = (tmp_path / "stars.parquet", {"stars": 3}, POSTERIOR, lambda *state: None)
    found = infer_in_chunks(observed, *arguments)
    assert list(found.columns) == [*POSTERIOR, *COLUMNS] and len(found) == 3
    (tmp_path / "stars.parquet.parts" / "ages-00000.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StorageError, match="ages-00000.parquet cannot be read.*Remove it"):
        infer_in_chunks(observed, *arguments)


def test_a_store_in_which_some_stars_were_not_looked_up(whole, store, tmp_path):
    made = pd.read_parquet(make_catalogue(tmp_path / "survey.parquet", store=store, gaia=True))
    mock = pd.read_parquet(whole)
    assert not made["parallax_used"][30:].any() and (made["parallax_used"] == mock["parallax_used"])[:30].all()
    np.testing.assert_allclose(made["log_age_mean"][:30], mock["log_age_mean"][:30], rtol=1e-6)
    assert made["log_age_mean"][30:].notna().any() and made["distance_pc_mean"][30:].isna().all()
    assert (made["gaia_source_id"][:30] == "17").all() and made["gaia_source_id"][30:].isna().all()
    opened = Catalogue.open(tmp_path / "survey.parquet")
    assert opened.sql("SELECT count(*) AS n FROM stars WHERE parallax_used").to_pylist() == [
        {"n": int(made["parallax_used"].sum())}
    ]
    assert opened.limits("distance_pc_mean")[0] > 0 and "gaia_source_id" not in opened.numbers


def test_a_store_without_parallaxes_gives_one_sentence(store, tmp_path):
    path = store / "gaia-00000.parquet"
    nothing = pd.read_parquet(path).assign(gaia_parallax_mas=np.float32(np.nan))
    nothing.to_parquet(path)
    with pytest.raises(StorageError, match="None of the 40 stars has a parallax. Leave out --gaia"):
        make_catalogue(tmp_path / "survey.parquet", store=store, gaia=True)
    path.unlink()
    with pytest.raises(StorageError, match="has no parallaxes.*fetch survey --gaia"):
        make_catalogue(tmp_path / "survey.parquet", store=store, gaia=True)
    assert not (tmp_path / "survey.parquet").exists()


def test_the_command_makes_it(tmp_path):
    ran = CliRunner().invoke(app, ["catalogue", "--out", str(tmp_path / "a.parquet"), "--stars", "6", "--gaia"])
    assert ran.exit_code == 0 and "MOCK catalogue" in ran.stdout, ran.output
    assert pd.read_parquet(tmp_path / "a.parquet")["parallax_used"].any()
