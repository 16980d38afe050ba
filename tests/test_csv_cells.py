"""No CSV that is given out holds a formula, and numbers stay as they are."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pyarrow as pa
import pytest

from stellar_core.batch.columns import schema
from stellar_core.batch.input_lists import read_list
from stellar_core.batch.tables import answers_as
from stellar_core.csv_cells import frame_to_csv, harmless
from stellar_core.exports import flatten

RISKY = ("=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(1)", "\t=1", "\r=1")


@pytest.mark.parametrize("cell", RISKY)
def test_a_formula_gets_an_apostrophe(cell):
    assert harmless(cell) == "'" + cell.replace("\r", " ")


def test_a_line_break_within_a_cell_begins_no_row_with_a_formula():
    assert list(csv.reader(io.StringIO(frame_to_csv(pd.DataFrame({"a": ["b\r=1+1", "c\n=1+1"]})), newline="")))[1:] == [
        ["b =1+1"],
        ["c\n=1+1"],
    ]


@pytest.mark.parametrize("cell", ["-12.3", "+5", "-1e-3", "266-51602-31", "", "a=b", -1.5, None, True])
def test_numbers_and_names_stay(cell):
    assert harmless(cell) is cell


def test_a_table_of_pandas_has_no_formula_in_cells_or_titles():
    frame = pd.DataFrame({"=title": list(RISKY), "mixed": [-1, "=x", None, 2.5, "-3", "b"], "number": [-1.5] * 6})
    rows = list(csv.reader(io.StringIO(frame_to_csv(frame))))
    assert rows[0] == ["'=title", "mixed", "number"] and [row[0] for row in rows[1:]] == [
        harmless(cell) for cell in RISKY
    ]
    assert [row[1] for row in rows[1:]] == ["-1", "'=x", "", "2.5", "-3", "b"] and {row[2] for row in rows[1:]} == {
        "-1.5"
    }
    assert list(frame)[0] == "=title", "the table itself is not changed"


def test_the_table_of_a_batch_has_no_formula_and_reads_back():
    names = [field.name for field in schema()]
    text = next(field.name for field in schema() if str(field.type) == "string")
    chunk = pa.table(
        {field.name: pa.array(["=1+1"] if field.name == text else [None], field.type) for field in schema()}
    )
    first, row = list(csv.reader(io.StringIO(answers_as(".csv", [chunk], {}).decode())))
    assert first == names and row[names.index(text)] == "'=1+1"
    assert (
        "=1+1" in answers_as(".ecsv", [chunk], {}).decode() and "'=1+1" not in answers_as(".ecsv", [chunk], {}).decode()
    )
    assert list(read_list(io.BytesIO(b"specobjid\n'4565636362342690816\n"), "x")) == ["4565636362342690816"]


def test_a_star_s_export_has_no_formula():
    from stellar_core import exports

    class Star:
        def to_dict(self) -> dict[str, object]:
            return {"input": "=HYPERLINK(1)", "log_age": {"mean": -1.5}}

    assert flatten(Star().to_dict())["input"] == "=HYPERLINK(1)"
    row = next(csv.DictReader(io.StringIO(exports.to_csv(Star()))))
    assert row == {"input": "'=HYPERLINK(1)", "log_age_mean": "-1.5"}
