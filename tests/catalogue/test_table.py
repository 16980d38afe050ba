"""The catalogue of MOCK stars and of a store: its contents and its queries."""

import numpy as np
import pandas as pd
import pytest

from stellar_core.catalogue.builder import STEPS, finished_share, make_catalogue
from stellar_core.catalogue.surveys import surveys
from stellar_core.catalogue.table import Catalogue
from stellar_core.errors import ParameterError, StorageError
from stellar_core.isochrones import infer_posterior
from stellar_core.mock.catalogue_writer import write_release
from stellar_core.stages import STAGES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    told = []
    made = make_catalogue(tmp_path_factory.mktemp("catalogue") / "stars.parquet", 60, lambda *state: told.append(state))
    assert told[-1] == ("ages", 60, 60) and [file.name for file in made.parent.iterdir()] == ["stars.parquet"]
    return made


@pytest.fixture(scope="module")
def catalogue(path):
    return Catalogue.open(path)


def test_ages_are_posteriors_from_sspp_parameters_and_no_true_value_is_included(path):
    stars = pd.read_parquet(path)
    row = stars[stars.stage.notna()].iloc[0]
    found = infer_posterior(float(row.teff), float(row.logg), float(row.feh), (75.0, 0.20, 0.10))
    assert row.log_age_mean == pytest.approx(found.interval("log_age").mean, abs=0.02)
    assert stars.specObjID.is_unique and stars.specObjID.map(type).eq(str).all()
    assert not [name for name in stars.columns if "true" in name.lower()]


def test_limits_and_stages_select_stars(catalogue, path):
    stars = pd.read_parquet(path)
    low, high = catalogue.limits("teff")
    assert (low, high) == (stars.teff.min(), stars.teff.max()) and catalogue.count() == 60
    middle = float(stars.teff.median())
    chosen = catalogue.rows({"teff": (middle, high)})
    assert len(chosen) == (stars.teff >= middle).sum() == catalogue.count({"teff": (middle, high)})
    assert chosen.snMedian.is_monotonic_decreasing and len(catalogue.rows({}, most=5)) == 5
    stage = stars.stage.value_counts().index[0]
    assert catalogue.count({}, (stage,)) == (stars.stage == stage).sum()
    arrays = catalogue.arrays(("teff", "log_age_mean"), {"teff": (middle, high)})
    assert arrays["teff"].min() >= middle and np.isnan(arrays["log_age_mean"]).sum() == chosen.log_age_mean.isna().sum()


def test_ages_and_lifetimes_are_columns_in_gyr(catalogue, path, tmp_path):
    stars = pd.read_parquet(path)
    rows = catalogue.rows({"age_gyr": (0.0, 13.9)}, most=60)
    found = stars.set_index("specObjID").loc[rows.specObjID]
    np.testing.assert_allclose(rows.age_gyr, 10 ** (found.log_age_median - 9), rtol=1e-5)
    np.testing.assert_allclose(rows.lifetime_gyr_p84, 10 ** (found.log_lifetime_p84 - 9), rtol=1e-5)
    assert (rows.age_gyr_p16 <= rows.age_gyr).all() and (rows.age_gyr <= rows.age_gyr_p84).all() and len(rows) > 50
    stars.drop(columns=["log_age_median"]).to_parquet(tmp_path / "before.parquet")
    before = Catalogue.open(tmp_path / "before.parquet").rows({}, most=60).set_index("specObjID")
    np.testing.assert_allclose(before.age_gyr.loc[rows.specObjID], 10 ** (found.log_age_mean - 9), rtol=1e-5)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    assert list(Catalogue.open(tmp_path / "other.parquet").columns) == ["a"]


def test_shares_of_the_steps_follow_each_other():
    assert finished_share("starting", 0.5) == 0.0 and finished_share("MOCK stars", 1.0) == STEPS["ages"][0]
    assert finished_share("ages", 1.0) == pytest.approx(1.0) and finished_share("ages with parallaxes", 0.3) == 0.3


@pytest.mark.parametrize("column", ('teff" OR 1=1 --', "nothing"))
def test_unknown_columns_are_refused(catalogue, column):
    for ask in (
        catalogue.limits,
        lambda name: catalogue.rows({name: (0, 1)}),
        lambda name: catalogue.arrays((name,), {}),
    ):
        with pytest.raises(ParameterError, match="no column"):
            ask(column)


def test_a_damaged_file_and_a_full_disk_give_an_error(tmp_path):
    (tmp_path / "stars.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StorageError, match="cannot be read"):
        Catalogue.open(tmp_path / "stars.parquet")
    with pytest.raises(StorageError, match="cannot be written"):
        make_catalogue(tmp_path / "stars.parquet" / "x" / "y.parquet", 10)


def test_stages_are_numbers_in_arrays(catalogue, path):
    stars = pd.read_parquet(path)
    found = catalogue.arrays(("stage", "plate"), {})
    expected = stars.stage.map({name: k for k, name in enumerate(STAGES)}).astype(float)
    assert (
        sorted(found["stage"][np.isfinite(found["stage"])]) == sorted(expected.dropna()) and len(found["plate"]) == 60
    )


def test_a_store_gives_the_same_table(path, tmp_path):
    release = tmp_path / "release"
    write_release(60, release, spectra=False)
    rows = pd.read_parquet(release / "catalogue.parquet")
    rows["specObjID"] = rows.specObjID.astype("uint64")
    rows.loc[0, "psfMag_r"] = -9999.0
    (tmp_path / "store").mkdir()
    rows.to_parquet(tmp_path / "store" / "catalogue.parquet")
    made = pd.read_parquet(make_catalogue(tmp_path / "survey.parquet", store=tmp_path / "store"))
    mock = pd.read_parquet(path)
    assert list(made.columns) == list(mock.columns) and list(made.specObjID) == list(mock.specObjID)
    assert np.isnan(made.r0[0]) and np.allclose(made.log_age_mean, mock.log_age_mean, equal_nan=True)
    with pytest.raises(StorageError, match="store"):
        make_catalogue(tmp_path / "x.parquet", store=tmp_path / "none")


def test_a_fetched_survey_is_listed_when_it_is_complete(tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    assert [survey.key for survey in surveys()] == ["mock"]
    (tmp_path / "survey" / "store").mkdir(parents=True)
    (tmp_path / "survey" / "store" / "store.json").write_text('{"mock": false}')
    mock, fetched = surveys()
    assert fetched.title == "SDSS DR17, fetched" and not fetched.mock and fetched.path.parent == mock.path.parent
    (tmp_path / "survey" / "store" / "store.json").write_text('{"mock": true}')
    assert surveys()[1].mock and "MOCK" in surveys()[1].title
