"""The catalogue: what it holds, that it can be asked but not changed, and that making it survives its page."""

import numpy as np
import pandas as pd
import pytest

from stellar_core.catalogue import worker
from stellar_core.catalogue.making import make_catalogue
from stellar_core.catalogue.table import Catalogue
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.isochrones import posterior


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    told = []
    made = make_catalogue(tmp_path_factory.mktemp("catalogue") / "stars.parquet", 60, lambda *state: told.append(state))
    assert told[-1] == ("ages", 60, 60) and [file.name for file in made.parent.iterdir()] == ["stars.parquet"]
    return made


@pytest.fixture(scope="module")
def catalogue(path):
    return Catalogue.open(path)


def test_ages_are_the_isochrones_of_the_pipelines_values_and_no_truth_is_in(path):
    stars = pd.read_parquet(path)
    row = stars[stars.stage.notna()].iloc[0]
    found = posterior(float(row.teff), float(row.logg), float(row.feh), (75.0, 0.20, 0.10))
    assert row.log_age_mean == pytest.approx(found.interval("log_age").mean, abs=0.02)
    assert stars.specObjID.is_unique and stars.specObjID.map(type).eq(str).all()
    assert not [name for name in stars.columns if "true" in name.lower()]


def test_ranges_boxes_and_stages_choose_stars(catalogue, path):
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


@pytest.mark.parametrize("column", ('teff" OR 1=1 --', "nothing"))
def test_unknown_columns_are_refused(catalogue, column):
    for ask in (catalogue.limits, lambda name: catalogue.rows({name: (0, 1)}), lambda name: catalogue.arrays((name,), {})):
        with pytest.raises(ParameterError, match="no column"):
            ask(column)


def test_sql_reads(catalogue):
    found = catalogue.sql("SELECT stage, count(*) AS n FROM stars GROUP BY stage -- a comment\n;")
    assert found.n.sum() == 60
    assert len(catalogue.sql("SELECT * FROM range(1000000)")) == 10_000


@pytest.mark.parametrize(
    "text",
    ("DROP TABLE stars", "SELECT 1; DROP TABLE stars", "", "no sql", "UPDATE stars SET teff = 1", "SET memory_limit='9GB'",
     "SELECT * FROM read_csv('/etc/passwd')", "COPY stars TO '/tmp/x'", "SELECT * FROM nothing", "ATTACH 'x.db'", "INSTALL httpfs"),
)  # fmt: skip
def test_sql_can_only_read_this_table(catalogue, text):
    with pytest.raises(ParameterError, match="SELECT|SQL"):
        catalogue.sql(text)
    assert catalogue.count() == 60


def test_endless_sql_is_stopped(catalogue, monkeypatch):
    from stellar_core.catalogue import table

    monkeypatch.setattr(table, "MAX_SECONDS", 0.3)
    with pytest.raises(ParameterError, match="took longer"):
        catalogue.sql("SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c WHERE a.range + b.range * c.range = -1")


def test_a_damaged_file_and_a_full_disk_are_one_sentence(tmp_path):
    (tmp_path / "stars.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ArchiveError, match="cannot be read"):
        Catalogue.open(tmp_path / "stars.parquet")
    with pytest.raises(ArchiveError, match="cannot be written"):
        make_catalogue(tmp_path / "stars.parquet" / "x" / "y.parquet", 10)


def test_one_process_makes_it_and_a_failure_says_why(tmp_path, monkeypatch):
    from filelock import FileLock

    path = tmp_path / "stars.parquet"
    assert worker.state(path) == worker.State(False)
    with FileLock(tmp_path / "stars.parquet.lock"):
        assert worker.state(path).running
        with pytest.raises(ParameterError, match="already"):
            worker.work(path, 10)

    def fail(*_):
        raise ArchiveError("The disk is full.")

    monkeypatch.setattr(worker, "make_catalogue", fail)
    with pytest.raises(ArchiveError):
        worker.work(path, 10)
    assert worker.state(path) == worker.State(False, "The disk is full.", 0.0, True)
