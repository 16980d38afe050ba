"""Parsing of identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellar_core.errors import IdentifierError
from stellar_core.sdss.identifiers import PlateFiber, Position, StarId, parse

SAS = "https://data.sdss.org/sas/dr17"


@pytest.mark.parametrize(
    "text",
    [
        "266-51602-31",
        "0266-51602-0031",
        " 266 51602 31 ",
        "266,51602,31",
        "266, 51602, 31",
        "266/51602/31",
        "266\t51602\t31",
        "266\u201351602\u201331",
        "plate 266 mjd 51602 fiber 31",
        "spec-0266-51602-0031.fits",
        "spec-0266-51602-0031",
        "C:\\data\\SPEC-0266-51602-0031.FITS.gz",
        "spSpec-51602-0266-031.fit",
        "https://dr17.sdss.org/optical/spectrum/view?plateid=266&mjd=51602&fiberid=31",
        "https://skyserver.sdss.org/dr17/en/tools/explore/summary.aspx?plate=266&mjd=51602&fiber=31",
        "dr17.sdss.org/optical/spectrum/view?plateid=266&mjd=51602&fiberid=31",
    ],
)
def test_forms_without_a_reduction_assume_one_with_a_note(text):
    star = parse(text)
    assert star == StarId(266, 51602, 31, "26")
    assert not star.run2d_known and "assumed" in star.notes[0]
    assert star.run2d_candidates == ("26", "103", "104")


@pytest.mark.parametrize(
    "text",
    [
        "299497923312379904",
        "'299497923312379904'",
        "299497923312379904.0",
        "299,497,923,312,379,904",
        "specObjID = 299497923312379904",
        "https://skyserver.sdss.org/dr17/VisualTools/explore/summary?sid=299497923312379904",
        "https://skyserver.sdss.org/dr16/en/tools/explore/summary.aspx?specobjid=299497923312379904",
        f"{SAS}/sdss/spectro/redux/26/spectra/lite/0266/spec-0266-51602-0031.fits",
        "https://dr17.sdss.org/optical/spectrum/view?plateid=266&mjd=51602&fiberid=31&run2d=26",
    ],
)
def test_forms_with_a_reduction(text):
    star = parse(text)
    assert star == StarId(266, 51602, 31, "26")
    assert star.run2d_known and star.notes == ()


def test_rounded_id_in_a_url_is_corrected_with_a_note():
    star = parse("https://skyserver.sdss.org/dr17/VisualTools/explore/summary?sid=4565636362342691000")
    assert star == StarId(4055, 55359, 408, "v5_7_0")
    assert "corrected" in star.notes[0]


@pytest.mark.parametrize("text", ["266 31", "266-31", "plate 266 fiber 31", "266,31", "0266/0031"])
def test_plate_and_fiber_alone(text):
    assert parse(text) == PlateFiber(266, 31)


def test_plate_and_fiber_take_an_mjd():
    assert PlateFiber(4055, 408).at(55359) == StarId(4055, 55359, 408, "v5_13_2")


def test_urls_follow_from_the_id():
    star = StarId(266, 51602, 31, "26")
    assert star.spectrum_url == f"{SAS}/sdss/spectro/redux/26/spectra/lite/0266/spec-0266-51602-0031.fits"
    assert star.skyserver_url.endswith("summary?sid=299497923312379904")
    assert star.viewer_url.endswith("view?plateid=266&mjd=51602&fiberid=31")
    boss = StarId(4055, 55359, 408, "v5_7_0")
    assert boss.spectrum_url == f"{SAS}/eboss/spectro/redux/v5_13_2/spectra/lite/4055/spec-4055-55359-0408.fits"
    assert StarId(10000, 57346, 9, "v5_13_2").spectrum_url.endswith("lite/10000/spec-10000-57346-0009.fits")


def test_own_urls_and_names_are_parsed():
    for star in (StarId(266, 51602, 31, "104"), StarId(10000, 57346, 9, "v5_13_2")):
        assert parse(star.spectrum_url) == star
        assert parse(star.skyserver_url) == star
        assert parse(star.specobjid) == star
        assert parse(star.name).name == star.name
        assert parse(star.viewer_url).name == star.name


@given(st.integers(3510, 15999), st.integers(55000, 59500), st.integers(1, 1000))
def test_names_round_trip(plate, mjd, fiber):
    star = parse(f"{plate}-{mjd}-{fiber}")
    assert (star.plate, star.mjd, star.fiber) == (plate, mjd, fiber)
    assert parse(star.specobjid) == parse(star.name) == star


def test_segue2_is_assumed_from_the_mjd():
    assert parse("3223-54865-170").run2d == "104"


def test_mock_plates_have_no_sdss_urls():
    star = parse("16001-60000-5")
    assert star.is_mock and star.spectrum_url == "" and parse(star.specobjid) == star
    assert not parse("15999-59000-5").is_mock


def test_to_dict_has_the_documented_keys():
    payload = parse("299497923312379904").to_dict()
    assert {"plate", "mjd", "fiber", "run2d", "specobjid", "spectrum_url", "notes"} <= payload.keys()
    assert payload["specobjid"] == "299497923312379904" and payload["notes"] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("-5", "negative"),
        ("-299497923312379904", "negative"),
        ("<script>alert(1)</script>", "is not a recognised SDSS identifier"),
        ("'; DROP TABLE specobj; --", "is not a recognised SDSS identifier"),
        ("123456789012345678901234567890", "30 digits"),
        ("9" * 300, "whole number"),
        ("x" * 5000, "5000 characters"),
        ("266", "alone"),
        ("266-51602", "without a fiber"),
        ("266-31-51602", "266-51602-31"),
        ("266-51602-641", "1 to 640"),
        ("266-51602-0", "fiber 0"),
        ("266-50000-31", "MJD 50000"),
        ("99999-51602-31", "plate 99999"),
        ("0 31", "plate 0"),
        ("spec-015000-59146-4544940698.fits", "SDSS-V"),
        ("spec-0266-51602-0999.fits", "1 to 640"),
        ("https://example.org/", "identifies no spectrum"),
        ("https://[broken", "identifies no spectrum"),
        ("https://dr17.sdss.org/view?plateid=266&mjd=x&fiberid=-1", "identifies no spectrum"),
        (
            "https://skyserver.sdss.org/dr17/VisualTools/explore/summary?ra=400&dec=-0.01",
            "identifies no spectrum|not a position",
        ),
        ("09:49:77.05 -00:00:23.7", "not valid in a position"),
        ("29:49:17.05 -00:00:23.7", "not a position on the sky"),
        ("SDSS J094917.05-950023.7", "not a position on the sky"),
        ("\u0663\u0664\u0665", "is not a recognised SDSS identifier"),
        ("Betelgeuse", "is not a recognised SDSS identifier"),
    ],
)
def test_anything_else_gets_one_sentence(text, words):
    with pytest.raises(IdentifierError, match=words) as caught:
        parse(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 350


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("https://skyserver.sdss.org/dr17/VisualTools/explore/summary?ra=147.3&dec=-0.01", 147.3, -0.01),
        ("147.32107 -0.00657", 147.32107, -0.00657),
        ("147.32107, +10", 147.32107, 10.0),
        ("09:49:17.05 -00:00:23.7", 147.3210417, -0.0065833),
        ("09h49m17.05s -00d00m23.7s", 147.3210417, -0.0065833),
        ("09 49 17.05 +10 30 00", 147.3210417, 10.5),
        ("SDSS J094917.05-000023.7", 147.3210417, -0.0065833),
    ],
)
def test_positions(text, ra, dec):
    found = parse(text)
    assert isinstance(found, Position)
    assert found.ra == pytest.approx(ra, abs=1e-6) and found.dec == pytest.approx(dec, abs=1e-6)


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text):
    try:
        parse(text)
    except IdentifierError as error:
        assert "\n" not in str(error)


@given(st.from_regex(r"[-+]?[0-9eE., /_-]{1,40}", fullmatch=True))
def test_any_number_is_parsed_or_refused(text):
    try:
        parse(text)
    except IdentifierError as error:
        assert "\n" not in str(error)
