"""VOTable and JSON of the real archive, whole and damaged."""

from __future__ import annotations

import json
import random

import pytest

from stellar_core.errors import ArchiveError
from stellar_core.gaia.tables import MAX_BYTES, OverflowedError, is_votable, read_table, reply_columns
from stellar_core.network.retries import TransientError
from tests.standin.gaia_tables import FIELDS, error_table, json_table, votable

ROW = [4583627001381815936, 268.0676646661466, 26.50748605871529, *([1.0] * 16), 31, 0, None]


@pytest.mark.parametrize("form", ["votable", "votable_plain", "json"])
def test_the_three_formats_say_the_same(form):
    data = json_table(FIELDS, [ROW]) if form == "json" else votable(FIELDS, [ROW], form)
    columns = read_table(data)
    assert list(columns) == list(FIELDS)
    assert [values[0] for values in columns.values()][:-1] == ROW[:-1]
    assert columns["ipd_frac_multi_peak"] == [None], "masked"


def test_real_votables_of_both_forms(gaia_file):
    plain = read_table(gaia_file("1710099405832VAL-result.vot").read_bytes())
    assert plain["source_id"] == [4583627001381815936, 5348723816842275584] and len(plain) == 152
    assert plain["ra"] == [268.0676646661466, 171.55081173633306] and plain["rv_nb_transits"] == [31, 28]
    assert plain["vbroad_nb_transits"] == [31, None], "an empty cell is a missing value"
    assert plain["duplicated_source"] == [False, False] and plain["phot_variable_flag"] == ["VARIABLE", "VARIABLE"]
    binary = read_table(gaia_file("job_1.vot").read_bytes())
    assert binary == {
        **{"alpha": [1.0, 3.0, 5.0], "delta": [2.0, 4.0, 6.0]},
        **{"source_id": ["a", "b", "c"], "table1_oid": [1, 2, 3]},
    }


def test_real_json(gaia_file):
    one = read_table(gaia_file("launch_job.json").read_bytes())
    assert one["source_id"] == [5937144193345094528] and one["parallax"] == [0.029992199777711163]
    many = read_table(gaia_file("cone_search.json").read_bytes())
    assert len(many["source_id"]) == 50 and many["parallax"].count(None) == 6, "positions without a parallax"


@pytest.mark.parametrize("name", ["1710099405832VAL-result.vot", "job_1.vot", "launch_job.json"])
def test_a_table_cut_short_anywhere_is_refused(gaia_file, name):
    data = gaia_file(name).read_bytes().rstrip()
    for end in random.Random(4).sample(range(len(data)), 60):
        with pytest.raises(ArchiveError):
            read_table(data[:end])


def test_damaged_bytes_give_a_table_or_one_sentence(gaia_file):
    rng = random.Random(7)
    for name in ("job_1.vot", "1710099405832VAL-result.vot", "launch_job.json"):
        data = gaia_file(name).read_bytes()
        for _ in range(60 if len(data) < 5000 else 12):
            damaged = bytearray(data)
            for place in rng.sample(range(len(data)), 3):
                damaged[place] = rng.randrange(256)
            try:
                read_table(bytes(damaged))
            except ArchiveError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("words", "permanent"),
    [
        ("Cannot parse query 'SELECT'", True),
        ("1 unresolved identifiers: pmx [l.1 c.8 - l.1 c.11]", True),
        ("Query timed out while parsing", False),
        ("Too many connections. Try again later", False),
        ("Something else", False),
    ],
)
def test_reported_errors(words, permanent):
    with pytest.raises(ArchiveError, match=words[:12]) as caught:
        reply_columns(error_table(words))
    assert isinstance(caught.value, TransientError) is not permanent


def test_the_report_of_success_is_needed():
    whole = votable(FIELDS, [ROW])
    assert reply_columns(whole)["ra"] == [ROW[1]]
    with pytest.raises(OverflowedError):
        reply_columns(votable(FIELDS, [ROW], overflow=True))
    silent = whole.replace(b'<INFO name="QUERY_STATUS" value="OK"/>', b"")
    with pytest.raises(TransientError, match="does not report success"):
        reply_columns(silent)
    assert read_table(silent)["ra"] == [ROW[1]], "a file may be written by another program"


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"<html></html>", b"{}", b"[]", b'{"metadata": [], "data": []}', b"a,b\n1,2\n", b"\x89PNG", b"{" * 9000),
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><VOTABLE></VOTABLE>',
        b'<?xml version="1.0"?><VOTABLE version="1.3"></VOTABLE>',
        json.dumps({"metadata": [{"name": "a"}], "data": [[1, 2]]}).encode(),
        json.dumps({"metadata": [{"name": "a"}], "data": 5}).encode(),
        json.dumps({"metadata": 5, "data": []}).encode(),
    ],
)
def test_what_is_no_table_gives_one_sentence(data):
    with pytest.raises(ArchiveError) as caught:
        read_table(data, "stars.vot")
    assert "stars.vot is not a table of the Gaia archive" in str(caught.value)


def test_large_files_are_refused_unread():
    with pytest.raises(ArchiveError, match="larger than 50 MB"):
        read_table(b" " * (MAX_BYTES + 1))
    assert is_votable(b"  <VOTABLE>") and not is_votable(b"<VOTABLES>")
