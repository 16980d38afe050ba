"""Sources from replies and files, and what is refused."""

from __future__ import annotations

import math

import pytest

from stellar_core.errors import ArchiveError, StorageError
from stellar_core.gaia.response import parse_reply, read_sources, refusal_of
from stellar_core.gaia.source import COLUMNS, FIVE, SIX, TWO
from stellar_core.gaia.tables import OverflowedError
from stellar_core.network.retries import TransientError
from tests.standin.gaia_tables import FIELDS, error_table, json_table, votable

ASKED = {name: FIELDS[name] for name in COLUMNS} | {"sdss_objid": ("long", "", "")}
GOOD = {
    **{"source_id": 4583627001381815936, "ra": 10.0, "dec": -20.0, "pmra": 1.0, "pmdec": -2.0},
    **{"parallax": -0.25, "parallax_error": 0.125, "ruwe": 1.5, "phot_g_mean_mag": 17.5},
    **{"astrometric_params_solved": 95, "non_single_star": 1, "sdss_objid": 1237654652031435034},
}


def reply(changes: dict | None = None, fields: dict = ASKED, **options) -> bytes:
    values = GOOD | (changes or {})
    return votable(fields, [[values.get(name) for name in fields]], **options)


def test_a_row_becomes_a_source():
    ((source, extra),) = parse_reply(reply())
    assert {name: getattr(source, name) for name in GOOD if name != "sdss_objid"} == {
        name: value for name, value in GOOD.items() if name != "sdss_objid"
    }
    assert source.sdss_objid == "1237654652031435034" and extra == [] and math.isnan(source.phot_bp_mean_mag)
    assert source.astrometric_params_solved == SIX and source.parallax == -0.25, "a negative parallax is a measurement"


def test_the_object_of_sdss_may_be_text_or_absent():
    text = json_table(ASKED, [[(GOOD | {"sdss_objid": "1237654652031435034 "}).get(name) for name in ASKED]])
    assert read_sources(text)[0].sdss_objid == "1237654652031435034"
    for absent in (None, 0):
        assert parse_reply(reply({"sdss_objid": absent}))[0][0].sdss_objid == ""


def test_masked_numbers_are_nan():
    masked = {"parallax": None, "parallax_error": None, "ruwe": None, "astrometric_params_solved": 3, "pmra": None}
    ((source, _),) = parse_reply(reply(masked))
    assert math.isnan(source.parallax) and math.isnan(source.pmra) and not source.has_parallax
    assert source.astrometric_params_solved == TWO


def test_the_number_of_the_star_is_handed_on():
    fields = {"star": ("int", "", "")} | ASKED
    ((_, extra),) = parse_reply(reply({"star": 7}, fields), extra=("star",))
    assert extra == [7]


@pytest.mark.parametrize(
    "changes",
    [
        *({"source_id": None}, {"source_id": -5}, {"ra": None}, {"ra": 400.0}, {"dec": math.nan}),
        *({"parallax": 1e6}, {"parallax": math.inf}, {"parallax_error": -1.0}, {"parallax_error": None}),
        *({"phot_g_mean_mag": -99.0}, {"astrometric_params_solved": 4}, {"pmdec": -math.inf}, {"ruwe": -3.0}),
    ],
)
def test_absurd_numbers_are_refused(changes):
    with pytest.raises(TransientError, match="damaged row"):
        parse_reply(reply(changes))


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "", "empty response"),
        (b"  \n", "application/x-votable+xml", "empty response"),
        (b"<!DOCTYPE html><html>maintenance</html>", "", "web page"),
        (reply(), "text/html", "web page"),
        (b'{"metadata": [], "data": []}', "application/json", 'did not send a VOTable but \'{"metadata"'),
        (b"source_id,ra\n1,2\n", "text/csv", "did not send a VOTable"),
        (reply()[:-30], "", "cut short"),
        (votable({"ra": ("double", "deg", "")}, [[1.0]]), "", "did not send the column source_id"),
        (error_table("Query timed out"), "", "could not run the query: Query timed out"),
    ],
)
def test_what_is_no_reply_is_transient(data, kind, words):
    with pytest.raises(TransientError, match=words):
        parse_reply(data, kind)


def test_a_refused_query_and_a_cut_table_are_not_repeated():
    with pytest.raises(ArchiveError, match="refused the query: Cannot parse") as caught:
        parse_reply(error_table("Cannot parse query"))
    assert not isinstance(caught.value, TransientError)
    with pytest.raises(OverflowedError):
        parse_reply(reply(overflow=True))


def test_the_error_in_the_body_of_a_reply():
    assert "Cannot parse" in str(refusal_of(error_table("Cannot parse query")))
    assert refusal_of(b"<html></html>") is None and refusal_of(reply()) is None


def test_a_real_votable_by_name(gaia_file):
    first, second = read_sources(gaia_file("1710099405832VAL-result.vot"))
    assert (first.source_id, second.source_id) == (4583627001381815936, 5348723816842275584)
    assert (first.parallax, first.ra, first.dec) == (2.3034086430210925, 268.0676646661466, 26.50748605871529)
    assert first.parallax_error == pytest.approx(0.03333763) and first.ruwe == pytest.approx(1.0828559)
    assert first.phot_g_mean_mag == pytest.approx(7.0120187) and first.astrometric_params_solved == FIVE
    assert second.ipd_frac_multi_peak == 12 and math.isnan(second.pseudocolour) and first.non_single_star == 0
    assert read_sources(str(gaia_file("1710099405832VAL-result.vot"))) == [first, second]
    assert read_sources(gaia_file("1710099405832VAL-result.vot").read_bytes()) == [first, second]


def test_real_json_files_by_name(gaia_file):
    (source,) = read_sources(gaia_file("launch_job.json"))
    assert (source.source_id, source.parallax) == (5937144193345094528, 0.029992199777711163)
    assert not source.has_parallax, "the file has no error of the parallax"
    sources = read_sources(gaia_file("cone_search.json"))
    solved = [source.astrometric_params_solved for source in sources]
    assert (solved.count(FIVE), solved.count(SIX), solved.count(TWO)) == (27, 17, 6)
    assert all(source.has_parallax == (kind != TWO) for source, kind in zip(sources, solved))


def test_other_tables_and_absent_files_give_one_sentence(gaia_file, tmp_path):
    with pytest.raises(ArchiveError, match="job_1.vot has no column ra"):
        read_sources(gaia_file("job_1.vot"))
    with pytest.raises(StorageError, match="cannot be read: No such file"):
        read_sources(tmp_path / "absent.vot")
    with pytest.raises(StorageError, match="cannot be read"):
        read_sources(tmp_path)
    (tmp_path / "rounded.json").write_bytes(json_table(FIELDS, [[4.583627e18, 1.0, 2.0, *([None] * 19)]]))
    with pytest.raises(ArchiveError, match="Row 1 of rounded.json is damaged: source_id is '4.58"):
        read_sources(tmp_path / "rounded.json")
    huge = (
        b'{"metadata": [{"name": "source_id"}, {"name": "ra"}, {"name": "dec"}], "data": [[1, 1'
        + b"0" * 400
        + b", 2]]}"
    )
    with pytest.raises(ArchiveError, match="Row 1 of The table is damaged"):
        read_sources(huge)
