"""SQL responses are validated when they are parsed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellar_core.errors import ArchiveError
from stellar_core.network.retries import TransientError
from stellar_core.sdss.sql_response import number, parse_rows, whole_number

WHOLE = b"#Table1\nspecobjid,z,n_rows\n10081308165788686336,-1.2E-05,1000002\n299497923312379904,null,1000002\n"
ROWS = [("10081308165788686336", "-1.2E-05"), ("299497923312379904", "null")]


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        WHOLE.removeprefix(b"#Table1\n"),
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE.rstrip(),
        WHOLE.replace(b",", b", "),
        WHOLE.replace(b"-1.2E-05", b'"-1.2E-05"'),
        WHOLE.upper().replace(b"NULL", b"null").replace(b"#TABLE1", b"#Table1"),
    ],
)
def test_tables_in_all_forms_that_servers_send(data):
    assert parse_rows(data, ["specObjID", "z"]) == ROWS


@pytest.mark.parametrize(
    "data", [b"#Table1\nspecObjID,z,n_rows\n", b"No objects have been found\n", b"No rows returned."]
)
def test_responses_without_rows(data):
    assert parse_rows(data, ["specObjID", "z"]) == []


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "", "empty response"),
        (b"specobjid,z,n_rows\n" + b"1" * 140_000 + b",2,1000001\n", "", "not a table"),
        (b" \n", "", "empty response"),
        (b"<!DOCTYPE html><html>down</html>", "text/plain", "web page"),
        (b"\r\n\n<!doctype html>\r\n", "", "web page"),
        (WHOLE, "text/html", "web page"),
        (b'<?xml version="1.0"?>', "", "web page"),
        (b"\xff\xfe\x00", "", "not text"),
        (b'{"detail": 1}', "application/json", "columns requested"),
        (b"specobjid,n_rows\n1,1000001\n", "", "columns requested"),
        (b"z,specobjid,n_rows\n1,1,1000001\n", "", "columns requested"),
        (
            b'error_message\n"ERROR: Maximum 60 queries allowed per minute. Rejected query: SELECT \n a "\n',
            "",
            "too many queries",
        ),
        (b"error_message\nExecution Timeout Expired.\n", "", "could not run"),
        (b"specobjid,z,n_rows\n1,2,1000002\n", "", "cut short after row 1"),
        (b"specobjid,z,n_rows\n1,2\n", "", "cut short"),
    ],
)
def test_other_responses_are_transient_errors(data, kind, words):
    with pytest.raises(TransientError, match=words) as caught:
        parse_rows(data, ["specObjID", "z"], kind)
    assert "\n" not in str(caught.value)


def test_too_many_queries_require_a_pause():
    with pytest.raises(TransientError) as caught:
        parse_rows(b"error_message\nERROR: Maximum 60 queries allowed per minute.\n", ["z"])
    assert caught.value.wait > 5


def test_an_invalid_query_is_not_transient():
    with pytest.raises(ArchiveError, match="refused the query: Invalid column name") as caught:
        parse_rows(b"#Table1\nerror_message\nInvalid column name 'zz'.\n", ["z"])
    assert not isinstance(caught.value, TransientError)


@given(st.integers(0, len(WHOLE) - 2))
def test_a_response_cut_anywhere_is_never_accepted(end):
    try:
        rows = parse_rows(WHOLE[:end], ["specObjID", "z"])
    except TransientError:
        return
    assert rows == [], "a header alone: the client then asks for the count"


@pytest.mark.parametrize("rows", [1, 9, 10, 11, 100, 101])
def test_no_number_of_rows_hides_a_cut(rows):
    data = b"z,n_rows\n" + b"".join(b"%d,%d\n" % (row, 1_000_000 + rows) for row in range(rows))
    assert len(parse_rows(data, ["z"])) == rows
    for end in range(len(b"z,n_rows\n") + 1, len(data) - 1):
        with pytest.raises(TransientError):
            parse_rows(data[:end], ["z"])


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_an_archive_error(data):
    try:
        parse_rows(data, ["z"])
    except ArchiveError as error:
        assert "\n" not in str(error)


def test_cells():
    assert number("1.5E-3") == 0.0015 and math.isnan(number("")) and math.isnan(number("NULL"))
    assert whole_number("18014399648538843136") == 18014399648538843136
    for read, cell in ((number, "abc"), (whole_number, "1.5"), (whole_number, ""), (whole_number, "1e18")):
        with pytest.raises(TransientError):
            read(cell)
