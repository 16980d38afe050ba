"""Lists as people keep them: every kind of table names the same stars, and damage is one sentence."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.batch.input_lists import find_columns, read_list
from stellar_core.errors import ParameterError, StellarError
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import MockSurvey
from stellar_core.sdss.identifiers import parse

IDS = ("4565636362342690816", "18014398823905122304")
NUMBERS = ((266, 51602, 31), (4055, 55359, 408))


def read(data: bytes) -> list[str]:
    return list(read_list(io.BytesIO(data), "stars"))


def written(table: Table, form: str, **options) -> bytes:
    out = io.StringIO() if form.startswith("ascii") else io.BytesIO()
    table.write(out, format=form, **options)
    return out.getvalue().encode() if form.startswith("ascii") else out.getvalue()


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.ecsv", "ascii.csv", "ascii.tab", "ascii.commented_header"])
def test_tables_of_astropy_keep_all_digits_in_every_format(form):
    table = Table(
        {
            "z": [0.1, 0.2],
            "specObjID": np.array(IDS, np.uint64).astype(object).astype(str)
            if form == "votable"
            else np.array(IDS, np.uint64),
        }
    )
    assert read(written(table, form)) == list(IDS)


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.ecsv", "ascii.csv", "ascii.tab"])
def test_plate_mjd_and_fiber_identify_a_star_in_every_format(form):
    plate, mjd, fiber = np.array(NUMBERS).T
    table = Table({"FIBERID": fiber, "S.PLATE" if form == "ascii.csv" else "PLATE": plate, "MJD": mjd.astype(float)})
    assert read(written(table, form)) == ["266-51602-31", "4055-55359-408"]


def test_the_column_run2d_is_used():
    text = b"plate,mjd,fiberid,run2d\n2888,54529,10,103\n2888,54529,11,nonsense\n"
    first, second = read(text)
    assert parse(first).run2d == "103" and second == "2888-54529-11"


def test_positions_identify_stars_without_other_columns():
    text = b"name ra  dec\nA 147.32107 -0.00657\nB 5 1e-3\nC 09:49:17.1 -00:00:23\n"
    assert read(text) == ["147.3210700 -0.0065700", "5.0000000 0.0010000", "09:49:17.1 -00:00:23"]
    assert all(parse(found).ra >= 0 for found in read(text))


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.ecsv"])
def test_units_of_positions_are_converted(form):
    table = Table({"ra": [2.5, 0.1] * u.rad, "dec": [-30.0, 60.0] * u.arcmin})
    found = [parse(text) for text in read(written(table, form))]
    np.testing.assert_allclose([place.ra for place in found], np.degrees([2.5, 0.1]), atol=1e-6)
    np.testing.assert_allclose([place.dec for place in found], [-0.5, 1.0], atol=1e-6)
    if form == "fits":
        return  # has no hours
    hours = Table({"RAJ2000": [9.821] * u.hourangle, "DEJ2000": [1.5] * u.deg})
    assert parse(read(written(hours, form))[0]).ra == pytest.approx(147.315)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_sexagesimal_positions_ignore_the_unit_of_their_column():
    table = Table({"ra": ["09 49 17.06"], "dec": ["12 34 56"]})
    table["ra"].unit, table["dec"].unit = '"h:m:s"', '"d:m:s"'
    for form in ("fits", "votable"):
        place = parse(read(written(table, form))[0])
        assert (place.ra, place.dec) == pytest.approx((147.32108, 12.58222), abs=1e-4)


def test_a_unit_that_is_not_an_angle_gives_an_error():
    with pytest.raises(ParameterError, match="not an angle"):
        read(written(Table({"ra": [2.5] * u.km, "dec": [1.0] * u.deg}), "fits"))


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("none", 1),
        ("--", 1),
        ("[deg]", 1),
        ("J2000", 1),
        ("DEGREES", 1),
        ("RAD", 180 / np.pi),
        ("radians", 180 / np.pi),
        ("h", 15),
        ("mas", 1 / 3.6e6),
    ],
)
def test_units_are_recognised_in_all_spellings(unit, scale):
    table = fits.BinTableHDU.from_columns(
        [fits.Column("RA", "D", array=[3.0], unit=unit), fits.Column("DEC", "D", array=[5.0])]
    )
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(out)
    assert parse(read(out.getvalue())[0]).ra == pytest.approx(3.0 * scale, abs=1e-6)


def test_units_of_a_parquet_table_of_astropy_are_converted(tmp_path):
    Table({"ra": [2.5] * u.rad, "dec": [30.0] * u.arcmin}).write(tmp_path / "a.parquet")
    place = parse(read((tmp_path / "a.parquet").read_bytes())[0])
    assert (place.ra, place.dec) == pytest.approx((143.23945, 0.5), abs=1e-4)


def test_right_ascension_wraps_around():
    text = b"ra,dec\n-12.3,5\n360,5\n359.99999999,5\n0,-0.1\n-0.0,5\n"
    assert read(text) == [
        "347.7000000 5.0000000",
        *["0.0000000 5.0000000"] * 2,
        "0.0000000 -0.1000000",
        "0.0000000 5.0000000",
    ]
    assert [parse(found).dec for found in read(text)] == [5, 5, 5, -0.1, 5]


def test_file_names_are_not_column_titles():
    assert read(b"M67_a,b.fits\nM67_c.fits\n") == ["M67_a,b.fits", "M67_c.fits"]


@pytest.mark.parametrize(
    "text", [b"run,camcol\n266,31\n", b"source_id;Teff;logg\n1;2;3\n", b"# mine\nname\tmag_g\nA\t5\n"]
)
def test_a_text_table_without_identifier_columns_is_refused(text):
    with pytest.raises(ParameterError, match="no columns that identify stars, only"):
        read(text)


def test_columns_of_the_same_name_give_an_error():
    out = io.BytesIO()
    pq.write_table(pa.table([[1.0], [2.0], [3.0]], names=["ra", "ra", "dec"]), out)
    with pytest.raises(ParameterError, match="same name"):
        read(out.getvalue())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "  "])
def test_text_tables_with_all_delimiters_and_line_ends(mark, end):
    lines = [
        "#Table1",
        mark.join(["z", "SpecObj.specObjID", "ra", "dec"]),
        *(mark.join(["0.1", one, "1.5", "2.5"]) for one in IDS),
        "",
    ]
    assert read(end.join(lines).encode()) == list(IDS)
    assert read(b"\xef\xbb\xbf" + end.join(lines[1:]).encode()) == list(IDS)
    assert read(end.join(lines).encode("utf-16")) == list(IDS)


def test_plate_mjd_and_fiber_replace_a_rounded_specobjid():
    assert read(b"specobjid,plate,mjd,fiberid\n4.56564E+18,4055,55359,408\n") == ["4055-55359-408"]
    assert read(b"specobjid,plate\n4.56564E+18,4055\n") == ["4.56564E+18"]
    assert read(b"specobjid,z\n'4565636362342690816,0\n") == [IDS[0]], "an apostrophe keeps Excel from rounding"


def test_a_column_of_too_few_digits_never_identifies_another_star():
    for kind, known in ((np.float64, True), (np.float32, False)):
        values = np.array([IDS[0]], np.uint64).astype(kind)
        out = io.BytesIO()
        pq.write_table(pa.table({"specobjid": values}), out)
        for data in (
            out.getvalue(),
            written(Table({"specobjid": values}), "fits"),
            written(Table({"specobjid": values}), "votable"),
        ):
            (text,) = read(data)
            if known:
                assert parse(text).name == "4055-55359-0408"
            else:
                with pytest.raises(StellarError, match="too few digits"):
                    parse(text)


def test_an_empty_cell_gives_an_error_row_and_an_empty_line_none():
    text = b"specobjid,z\n4565636362342690816,1\n,2\n\n\n"
    assert read(text) == [IDS[0], ""]
    out = io.BytesIO()
    pd.DataFrame({"specobjid": pd.array([int(IDS[0]), None], dtype="UInt64")}).to_parquet(out)
    assert read(out.getvalue()) == [IDS[0], ""]
    masked = Table({"PLATE": np.ma.masked_array([266, 266], [False, True]), "MJD": [51602, 51602], "FIBERID": [31, 32]})
    assert read(written(masked, "votable")) == ["266-51602-31", ""]
    assert "empty" in str(list(IdentifierChunk(("",)).read())[0].spectrum)


def test_a_specobj_file_of_sdss_is_read_by_its_text_column():
    columns = [
        fits.Column("SPECOBJID", "22A", array=[f"  {IDS[0]}", f"{IDS[1]} "]),
        fits.Column("PLATE", "J", array=[4055, 16000]),
    ]
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(out)
    assert read(out.getvalue()) == list(IDS)


def test_lines_without_titles_are_read_as_lines():
    assert read(b"# mine\n266-51602-31\n\n266 51602 32\n147.3 -0.006\n") == [
        "266-51602-31",
        "266 51602 32",
        "147.3 -0.006",
    ]
    assert read(b"# ra dec plate mjd fiber specobjid: who knows\n266-51602-31\n") == ["266-51602-31"]
    assert read(b"") == [] and read(b"# nothing\n") == []


def test_a_spectrum_is_refused(tmp_path):
    survey = MockSurvey()
    path = write_spec_lite(survey.spectrum(survey.star_ids(16000)[0]), tmp_path / "spec.fits")
    with pytest.raises(ParameterError, match="no columns that identify stars"):
        read(path.read_bytes())


def test_non_ascii_characters_are_read():
    assert read("name,specobjid\nJosé,4565636362342690816\n".encode("latin-1")) == [IDS[0]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html>503</html>", "web page"),
        (b"  <HTML><body>", "web page"),
        (b"<VOTABLE><RESOURCE>", "not a VOTable"),
        (b'<?xml version="1.0"?><a/>', "not a VOTable"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"PAR1 cut", "Parquet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not text"),
        (b"\xff\xfe\x00binary", "not text"),
    ],
)
def test_other_files_give_a_one_sentence_error(data, words):
    with pytest.raises(ParameterError, match=words) as caught:
        read(data)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
@pytest.mark.parametrize("form", ["fits", "votable"])
def test_truncated_or_damaged_tables_give_a_one_sentence_error(form):
    data = written(Table({"specobjid": [str(k) for k in range(2000)]}), form)
    for cut in (len(data) // 3, 2 * len(data) // 3):
        with pytest.raises(ParameterError):
            read(data[:cut])
    rng = np.random.default_rng(0)
    for _ in range(40):
        bad = bytearray(data)
        for at in rng.integers(0, min(len(bad), 9000), 20):
            bad[at] = rng.integers(256)
        try:
            read(bytes(bad))
        except ParameterError:
            pass


def test_columns_are_found_in_any_case_and_after_a_table_name():
    assert find_columns(["z", "s.specObjID"]) == {"specobjid": 1}
    assert find_columns(["Plate", "fiber"]) == {} and find_columns([]) == {}
