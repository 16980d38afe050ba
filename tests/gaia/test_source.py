"""Sources with possible numbers only, and identifiers as people paste them."""

from __future__ import annotations

import math

import pytest

from stellar_core.errors import IdentifierError, ParameterError
from stellar_core.gaia.source import COLUMNS, MAX_SOURCE_ID, GaiaSource, parse_source_id

NUMBER = 4583627001381815936


@pytest.mark.parametrize("text", [str(NUMBER), f" {NUMBER}\n", f"Gaia DR3 {NUMBER}", f"gaia edr3 {NUMBER}", NUMBER])
def test_an_identifier_in_any_form(text):
    assert parse_source_id(text) == NUMBER


def test_short_and_round_identifiers_are_valid():
    assert parse_source_id("4295806720") == 4295806720
    assert parse_source_id("6636090339112400000") == 6636090339112400000, "a source that Gaia has"


@pytest.mark.parametrize(
    "text", ["4.58363E+18", "4,58363E+18", "4.583627001381816e+18", "4583627001381820000", "4583627001381815936.0"]
)
def test_an_identifier_rounded_by_a_spreadsheet_gives_one_clear_sentence(text):
    with pytest.raises(IdentifierError, match="was rounded by a spreadsheet") as caught:
        parse_source_id(text)
    assert "column of text" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "12a", "1 OR 1=1", str(MAX_SOURCE_ID + 1), "9" * 20, "٤٥", "nan", None]
)
def test_anything_else_is_no_identifier(text):
    with pytest.raises(IdentifierError, match="not a source_id of Gaia"):
        parse_source_id(text)


def test_an_identifier_of_another_release_is_refused():
    with pytest.raises(IdentifierError, match="another data release"):
        parse_source_id(f"Gaia DR2 {NUMBER}")


def test_missing_numbers_are_nan_and_the_columns_are_those_of_the_archive():
    source = GaiaSource(NUMBER, 10.0, 20.0)
    assert math.isnan(source.parallax) and not source.has_parallax and source.sdss_objid == ""
    assert COLUMNS[:3] == ("source_id", "ra", "dec") and "sdss_objid" not in COLUMNS and len(COLUMNS) == 21


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("source_id", 0), ("source_id", 2**63), ("ra", 360.1), ("ra", math.nan), ("dec", -91.0), ("dec", math.inf)),
        *(("parallax", 1e5), ("parallax_error", -0.1), ("parallax_error", 0.0), ("pmra", 1e6), ("ruwe", -1.0)),
        *(("phot_g_mean_mag", 99.0), ("phot_g_mean_mag", math.inf), ("astrometric_params_solved", 7)),
        *(("astrometric_params_solved", 3), ("ecl_lat", 100.0), ("pseudocolour", 1e9)),
    ],
)
def test_impossible_numbers_are_refused(name, value):
    good = {"source_id": NUMBER, "ra": 10.0, "dec": 20.0, "parallax": 1.0, "parallax_error": 0.1}
    GaiaSource(**good, astrometric_params_solved=31)
    with pytest.raises(ParameterError):
        GaiaSource(**{**good, name: value})


def test_a_five_parameter_solution_without_a_parallax_is_refused():
    with pytest.raises(ParameterError, match="but no parallax"):
        GaiaSource(NUMBER, 10.0, 20.0, astrometric_params_solved=31)
    assert not GaiaSource(NUMBER, 10.0, 20.0, astrometric_params_solved=3).has_parallax
