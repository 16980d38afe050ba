"""Written CSV holds no formula, and numbers stay as they are."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pyarrow as pa
import pytest

from stellar_core.batch.columns import batch_table, schema
from stellar_core.batch.input_lists import read_list
from stellar_core.export import frame_to_csv, table_bytes
from stellar_core.export.text import harmless

RISKY = ("=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(1)", "\t=1", "\r=1")


@pytest.mark.parametrize("cell", RISKY)
def test_a_formula_gets_an_apostrophe(cell):
    assert harmless(cell) == "'" + cell.replace("\r", " ")


def test_a_line_break_within_a_cell_begins_no_row_with_a_formula():
    assert list(csv.reader(io.StringIO(frame_to_csv(pd.DataFrame({"a": ["b\r=1+1", "c\n=1+1"]})), newline="")))[1:] == [
        ["b =1+1"],
        ["c\n=1+1"],
    ]


@pytest.mark.parametrize(
    "cell", ["-12.3", "+5", "-1e-3", "-00:00:24.5", "+12 30 00", "266-51602-31", "", "a=b", -1.5, None, True]
)
def test_numbers_and_names_are_unchanged(cell):
    assert harmless(cell) is cell


def test_a_data_frame_has_no_formula_in_cells_or_titles():
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
    table = batch_table(lambda: [chunk], {})
    first, row = list(csv.reader(io.StringIO(table_bytes(".csv", table).decode())))
    assert first == names and row[names.index(text)] == "'=1+1"
    ecsv = table_bytes(".ecsv", table).decode()
    assert "=1+1" in ecsv and "'=1+1" not in ecsv
    assert list(read_list(io.BytesIO(b"specobjid\n'4565636362342690816\n"), "x")) == ["4565636362342690816"]
