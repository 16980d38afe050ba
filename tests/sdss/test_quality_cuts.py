"""The paper's quality cuts: thresholds, unusual tables, and agreement with SQL."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stellar_core.errors import ParameterError
from stellar_core.photometry import BANDS
from stellar_core.sdss.quality_cuts import COLUMNS, QualityCuts

GOOD = {
    "class": "STAR",
    "zErr": 2e-5,
    "snMedian": 35.0,
    **{
        "teffadop": 5800.0,
        "loggadop": 4.4,
        "fehadop": -0.5,
        "teffadopunc": 40.0,
        "loggadopunc": 0.1,
        "fehadopunc": 0.05,
    },
    **{f"psfMagErr_{band}": 0.02 for band in BANDS},
    **{f"extinction_{band}": 0.1 for band in BANDS},
}


def table(**changes):
    """A row that passes for each value of each column changed, with that one change."""
    rows = [GOOD | {column: value} for column, values in changes.items() for value in values]
    return pd.DataFrame(rows or [GOOD])


def sql_mask(frame, condition):
    """Which rows a database says pass, by their position."""
    with duckdb.connect() as connection:
        connection.register("frame", frame.assign(position=np.arange(len(frame))))
        connection.execute("CREATE TABLE stars AS SELECT * FROM frame")
        found = [row for (row,) in connection.execute(f"SELECT position FROM stars WHERE {condition}").fetchall()]
    return np.isin(np.arange(len(frame)), found)


@pytest.mark.parametrize(
    ("column", "passes", "fails"),
    [
        ("class", ["STAR", "STAR  ", b"STAR  ", "star"], ["GALAXY", b"QSO", "", None, "STARS"]),
        ("zErr", [1e-6, 0.00019], [0.0002, 0.001, 0.0, -1.0, -9999.0, np.nan]),
        ("snMedian", [20.1, 80.0], [20.0, 5.0, -9999.0, np.nan, np.inf]),
        ("psfMagErr_u", [0.001, 0.099], [0.1, 0.5, 0.0, -1000.0, -9999.0, np.nan]),
        ("psfMagErr_z", [0.099], [0.1]),
        ("extinction_u", [0.0, 2.0], [-0.001, -9999.0, np.nan]),
        ("extinction_z", [0.0], [-0.001]),
        ("teffadop", [3500.0, 10000.0], [3499.0, 10001.0, -9999.0, np.nan]),
        ("loggadop", [0.0, 5.0], [-9.999, -9999.0, np.nan]),
        ("fehadop", [-4.0, 0.5], [-9.999, -9999.0, np.nan]),
        ("teffadopunc", [149.0], [150.0, 0.0, -9999.0, np.nan]),
        ("loggadopunc", [0.49], [0.5, -9.999, np.nan]),
        ("fehadopunc", [0.29], [0.3, -9.999, np.nan]),
    ],
)
def test_each_threshold(column, passes, fails):
    cuts = QualityCuts()
    assert cuts.mask(table(**{column: passes})).all()
    assert not cuts.mask(table(**{column: fails})).any()


def test_the_columns_are_named_as_in_any_sdss_table():
    fits_names = {"zErr": "Z_ERR", "snMedian": "SN_MEDIAN_ALL", "teffadop": "TEFF_ADOP", "teffadopunc": "TEFF_ADOP_UNC"}
    for rename in (str.upper, str.lower, lambda name: fits_names.get(name, name), lambda name: name.replace("_", "")):
        frame = table(snMedian=[19.0, 21.0]).rename(columns=rename)
        assert QualityCuts().mask(frame).tolist() == [False, True]
    dr7 = {"teffadop": "teffa", "teffadopunc": "teffaErr", "fehadop": "feha", "loggadopunc": "loggaErr"}
    assert QualityCuts().mask(table().rename(columns=dr7)).all()


@pytest.mark.parametrize("kind", [">f4", "<f8", "Float64", "object", "string"])
def test_numbers_of_any_type(kind):
    frame = table(snMedian=[19.0, 21.0, np.nan])
    frame["snMedian"] = frame["snMedian"].to_numpy().astype(kind) if kind[0] in "<>" else frame["snMedian"].astype(kind)
    assert QualityCuts().mask(frame).tolist() == [False, True, False]


def test_all_missing_columns_are_listed_in_one_sentence():
    frame = table().drop(columns=["zErr", "extinction_g"])
    with pytest.raises(ParameterError, match="lacks columns that the quality cuts need: zErr, extinction_g.") as raised:
        QualityCuts().mask(frame)
    assert raised.value.value == ["zErr", "extinction_g"] and "\n" not in str(raised.value)
    assert QualityCuts(z_err=None, extinction=None).mask(frame).all()


def test_a_column_present_under_two_names_is_refused():
    with pytest.raises(ParameterError, match="zErr twice, as 'zErr' and 'Z_ERR'"):
        QualityCuts().mask(table().assign(Z_ERR=0.1))


def test_apply_does_not_change_the_rows():
    frame = table(snMedian=[5.0, 30.0, 40.0]).assign(specObjID=["1", "2", "3"])
    frame.index = [7, 8, 9]
    kept = QualityCuts().apply(frame)
    assert list(kept.index) == [8, 9] and list(kept.specObjID) == ["2", "3"] and list(kept) == list(frame)
    assert len(QualityCuts().apply(frame[:0])) == 0


def test_report_counts_the_effect_of_each_cut():
    frame = table(snMedian=[5.0, 30.0, np.nan], zErr=[0.1])
    frame.loc[0, "zErr"] = 1.0
    counts = {count.cut: count for count in QualityCuts().report(frame)}
    assert (counts["zErr < 0.0002"].failed, counts["zErr < 0.0002"].lost, counts["zErr < 0.0002"].left) == (2, 2, 2)
    assert (counts["snMedian > 20"].failed, counts["snMedian > 20"].lost, counts["snMedian > 20"].left) == (2, 1, 1)
    assert (
        list(counts)[-1].startswith("fehadop") and counts[list(counts)[-1]].left == QualityCuts().mask(frame).sum() == 1
    )
    assert sum(count.lost for count in counts.values()) + 1 == len(frame)


def test_all_cuts_switched_off():
    nothing = QualityCuts(**dict.fromkeys(QualityCuts.__dataclass_fields__))
    assert nothing.columns == () and nothing.where() == "1 = 1" and nothing.report(table()) == []
    assert nothing.mask(pd.DataFrame({"a": [1, 2]})).tolist() == [True, True]


@pytest.mark.parametrize(
    "wrong", [{"z_err": -1.0}, {"z_err": np.nan}, {"teff": (9000.0, 3500.0)}, {"kind": "STAR' OR '1'='1"}, {"kind": ""}]
)
def test_invalid_thresholds_are_refused(wrong):
    with pytest.raises(ParameterError):
        QualityCuts(**wrong)


def test_an_alias_must_be_an_identifier():
    with pytest.raises(ParameterError, match="not a table alias"):
        QualityCuts().where(spec="s; DROP TABLE stars")


def test_sql_over_the_three_tables_of_sdss():
    frame = table(snMedian=[5.0, 30.0], teffadop=[-9999.0, 6000.0], extinction_r=[-0.1, 0.2]).assign(specObjID=range(6))
    with duckdb.connect() as connection:
        for name in ("SpecObj", "sppParams", "PhotoObj"):
            part = frame[["specObjID", *(column for column, (home, _) in COLUMNS.items() if home == name)]]
            connection.register("part", part)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM part")
        query = (
            "SELECT s.specObjID FROM SpecObj s JOIN sppParams t ON t.specObjID = s.specObjID "
            f"JOIN PhotoObj p ON p.specObjID = s.specObjID WHERE {QualityCuts().where()} ORDER BY 1"
        )
        assert connection.execute(query).fetchall() == [(1,), (3,), (5,)]


EDGES = [
    -9999.0,
    -1000.0,
    -9.999,
    -1.0,
    0.0,
    2e-5,
    0.0002,
    0.1,
    0.3,
    0.5,
    20.0,
    150.0,
    3500.0,
    10000.0,
    np.nan,
    np.inf,
    5800.0,
]


@settings(max_examples=15, deadline=None)
@given(data=st.data(), kind=st.sampled_from([np.float32, np.float64]))
def test_function_and_sql_agree(data, kind):
    """On fill values, NaN and the thresholds themselves, in single and double precision."""
    value = st.one_of(st.sampled_from(EDGES), st.floats(0, 1e4, width=32))
    numbers = [column for column in COLUMNS if column != "class"]
    rows = []
    for _ in range(20):
        changed = data.draw(st.lists(st.sampled_from(numbers), max_size=3))
        row = GOOD | {column: data.draw(value) for column in changed}
        if changed and data.draw(st.booleans()):
            row[changed[0]] = np.nextafter(kind(row[changed[0]]), kind(data.draw(st.sampled_from([-1e9, 1e9]))))
        rows.append(row | {"class": data.draw(st.sampled_from(["STAR", "STAR  ", "GALAXY"]))})
    frame = pd.DataFrame(rows).astype(dict.fromkeys(numbers, kind))
    for cuts in (QualityCuts(), QualityCuts(teff=None, z_err=0.3)):
        assert np.array_equal(cuts.mask(frame), sql_mask(frame, cuts.where("", "", "")))


def test_nan_in_a_database_does_not_pass():
    """DuckDB orders NaN above every number."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE stars (snMedian REAL)")
        connection.execute("INSERT INTO stars VALUES ('NaN'::REAL), (NULL), (25.0)")
        off = {name: None for name in QualityCuts.__dataclass_fields__ if name != "sn_median"}
        found = connection.execute(
            f"SELECT count(*) FROM stars WHERE {QualityCuts(**off).where('', '', '')}"
        ).fetchone()
    assert found == (1,)


def test_rows_of_real_files(shared_data):
    """The second extension of real files, as FITS pads its text: class, redshift error and S/N."""
    from astropy.io import fits

    index = pd.read_csv(shared_data / "sdss" / "index.csv")
    rows = []
    for name in index.file[index.layout == "sdss"][:30]:
        with fits.open(shared_data / "sdss" / name) as hdus:
            record = hdus[2].data[0]
        raw = {column: record[column] for column in ("Z_ERR", "SN_MEDIAN_ALL")}
        rows.append(raw | {"CLASS": record["CLASS"].ljust(6).encode()})
    frame = pd.DataFrame(rows)
    off = {name: None for name in QualityCuts.__dataclass_fields__ if name not in ("kind", "z_err", "sn_median")}
    cuts = QualityCuts(**off)
    counts = cuts.report(frame)
    assert [count.cut for count in counts] == ["class is STAR", "zErr < 0.0002", "snMedian > 20"]
    kind = np.array([value.strip() == b"STAR" for value in frame.CLASS])
    assert counts[0].left == kind.sum() < 30 and 5 < counts[-1].left < kind.sum()
    kept = cuts.apply(frame)
    assert kept.SN_MEDIAN_ALL.min() > 20 and kept.Z_ERR.max() < 0.0002 and set(kept.CLASS) == {b"STAR  "}


def test_real_pipeline_parameters(shared_data):
    """SSPP labels: nearly all that have errors pass the cuts on errors; fill values never do."""
    stars = pd.read_csv(shared_data / "catalogue" / "sspp_labels.csv")
    names = {"teff_K": "teffadop", "teff_err_K": "teffadopunc", "logg_dex": "loggadop", "logg_err_dex": "loggadopunc"}
    frame = stars.rename(columns=names | {"feh_dex": "fehadop", "sn_median": "snMedian"})
    cuts = QualityCuts(kind=None, z_err=None, psf_mag_err=None, extinction=None, feh_err=None)
    kept = cuts.apply(frame)
    known = (frame.teffadopunc > 0) & (frame.loggadopunc > 0) & (frame.snMedian > 20)
    assert 0.97 < len(kept) / known.sum() < 1.0
    assert kept.loggadop.notna().all() and kept.snMedian.min() > 20
