"""SQL of visitors: it reads one table and nothing else, within limits of time and memory."""

import pandas as pd
import pytest

from stellar_core.catalogue import query
from stellar_core.catalogue.query import run_query
from stellar_core.catalogue.table import Catalogue
from stellar_core.errors import ParameterError, StorageError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("catalogue") / "stars.parquet"
    pd.DataFrame(
        {"specObjID": [str(k) for k in range(60)], "teff": range(60), "stage": ["Hot", "Cool"] * 30}
    ).to_parquet(made)
    return made


def test_a_select_returns_columns_of_all_types(path):
    found = run_query(
        path,
        "SELECT stage, count(*) AS n, [1, 2] AS l, INTERVAL 1 DAY AS i, '\\x00'::BLOB AS b "
        "FROM stars GROUP BY stage -- why\n;",
    )
    assert found.n.sum() == 60 and list(found.l) == ["[1, 2]"] * 2 and all(isinstance(value, str) for value in found.b)


@pytest.mark.parametrize(
    "text",
    (
        "DROP TABLE stars",
        "SELECT 1; DROP TABLE stars",
        "",
        "no sql",
        "UPDATE stars SET teff = 1",
        "SET memory_limit='9GB'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "COPY stars TO '/tmp/x'",
        "SELECT * FROM nothing",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT * FROM query('DROP TABLE stars')",
        "SELECT 1) LIMIT 1; SELECT (2",
        "WITH x AS (DELETE FROM stars RETURNING *) SELECT * FROM x",
        "SELECT * FROM sqlite_scan('/etc/x', 'y')",
        "SELECT * FROM read_json('http://127.0.0.1/')",
        "CREATE TEMP TABLE a AS SELECT 1",
    ),
)
def test_a_query_can_only_read_this_table(path, text):
    catalogue = Catalogue.open(path)
    with pytest.raises(ParameterError, match="SELECT|SQL"):
        catalogue.sql(text)
    assert catalogue.count() == 60 and len(catalogue.sql("SELECT * FROM range(1000000)")) == 10_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT * FROM read_text('/etc/passwd')", "disabled"),
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
            "took longer than 2 s",
        ),
        ("SELECT repeat('a', 1000000) FROM range(100000)", "[Mm]emory|took longer"),
        ("SELECT repeat('a', 10000) FROM range(10000)", "larger than 20 MB"),
        ("SELECT 1 -- " + "x" * 10_000, "characters"),
    ],
)
def test_a_query_beyond_the_limits_is_stopped(path, text, words):
    with pytest.raises(ParameterError, match=words) as caught:
        run_query(path, text, seconds=2.0 if "RECURSIVE" in text else 30.0)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_gives_an_error_and_frees_its_slot(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    for _ in range(3):
        with pytest.raises(StorageError, match="cannot be read"):
            run_query(tmp_path / "a.parquet", "SELECT 1")
    assert query._SLOTS.acquire(blocking=False)
    query._SLOTS.release()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("DATE '290000-01-01'", "290000-01-01"),
        ("'infinity'::TIMESTAMP", "infinity"),
        ("[DATE '290000-01-01']", "[290000-01-01]"),
        ("TIMESTAMPTZ '290000-01-01'", "290000-01-01 00:00:00+00"),
        ("TIME '24:00:00'", "24:00:00"),
        ("INTERVAL 300000 YEAR", "300000 years"),
        ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"),
    ],
)
def test_values_that_pandas_cannot_hold_are_returned_as_text(path, value, shown):
    table = Catalogue.open(path).sql(f'SELECT {value} AS "a ""quoted"" name", 1.5::DOUBLE AS b, 2 AS b')
    assert table.column_names[0] == 'a "quoted" name'
    assert [str(column[0].as_py()) for column in table.columns] == [shown, "1.5", "2"]
