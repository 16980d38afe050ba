"""Encoding, decoding and correcting specObjIDs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellar_core.errors import IdentifierError
from stellar_core.sdss.specobjid import (
    FIRST_BOSS_PLATE,
    KNOWN_RUN2D,
    LEGACY_RUN2D,
    decode,
    decode_run2d,
    encode,
    encode_run2d,
    read_specobjid,
)

CHECKS = [
    ((4055, 55359, 408, "v5_7_0"), 4565636362342690816),
    ((751, 52251, 160, "26"), 845594848269461504),
    ((268, 51633, 539, "26"), 301889361622886400),
    ((8954, 57453, 1, "v5_13_2"), 10081308165788686336),
]

legacy = st.tuples(
    st.integers(1, FIRST_BOSS_PLATE - 1), st.integers(51000, 56000), st.integers(1, 640), st.sampled_from(LEGACY_RUN2D)
)
boss = st.tuples(
    st.integers(FIRST_BOSS_PLATE, 15999),
    st.integers(55000, 59500),
    st.integers(1, 1000),
    st.sampled_from([run2d for run2d in KNOWN_RUN2D if run2d not in LEGACY_RUN2D]),
)
spectra = st.one_of(legacy, boss)


def as_javascript(number: int) -> str:
    """The digits JavaScript prints: the shortest that give the same double, padded by zeros."""
    return str(int(Decimal(repr(float(number)))))


@pytest.mark.parametrize(("parts", "number"), CHECKS)
def test_published_ids(parts, number):
    assert encode(*parts) == number
    assert decode(number) == parts
    assert read_specobjid(str(number)) == (number, True, ())


@given(spectra)
def test_encode_and_decode_are_inverse(parts):
    number = encode(*parts)
    assert 0 < number < 1 << 64 and number % 1024 == 0
    assert decode(number) == parts


@given(spectra)
def test_intact_ids_are_read_without_a_note(parts):
    assert read_specobjid(str(encode(*parts))) == (encode(*parts), True, ())


@given(spectra.filter(lambda parts: parts[3] != "v5_4_45" and parts[3] != "v5_6_5"))
def test_javascript_rounding_is_corrected(parts):
    number = encode(*parts)
    corrected, _, notes = read_specobjid(as_javascript(number))
    assert corrected == number
    assert bool(notes) == (as_javascript(number) != str(number))


@given(spectra)
def test_spreadsheet_rounding_keeps_plate_mjd_and_fiber(parts):
    number = encode(*parts)
    for text in (f"{Decimal(number):.14E}", str(int(Decimal(f"{Decimal(number):.14E}")))):
        corrected, _, notes = read_specobjid(text)
        assert decode(corrected)[:3] == parts[:3]
        assert notes or corrected == number


def test_a_corrected_spreadsheet_id_has_a_note():
    number, certain, notes = read_specobjid("4.56563636234269E+18")
    assert number == 4565636362342690816
    assert "4565636362342690816" in notes[0] and "rounded" in notes[0]


@pytest.mark.parametrize("number", [26, 103, 104, 700, 1302, 445, 10000])
def test_run2d_numbers(number):
    assert encode_run2d(decode_run2d(number)) == number


def test_run2d_texts():
    assert encode_run2d("v5_13_2") == 1302
    assert encode_run2d("V5_7_0 ") == 700
    assert decode_run2d(103) == "103"
    for wrong in ("", "v4_1_1", "v5_100_0", "99999", "v9_99_99", "master", "-26", "26.0"):
        with pytest.raises(IdentifierError):
            encode_run2d(wrong)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (str(266 << 48 | 51630 << 32 | 31 << 22), "DR7.*266-51630-31"),
        ("123456789012345678901234567890", "30 digits"),
        (str(1 << 64), "64 bits"),
        ("1237648721216405598", "photometric object"),
        ("4.56564E+18", "too few digits"),
        ("299489402097264640", "plate 266 as a whole"),
        ("123456789", "is out of range"),
        ("1e9999999", "whole number"),
        ("9" * 500, "whole number"),
        ("abc", "whole number"),
    ],
)
def test_other_numbers_are_refused_with_the_reason(text, words):
    with pytest.raises(IdentifierError, match=words) as caught:
        read_specobjid(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


@given(st.integers(0, 10**30))
def test_any_number_is_read_or_refused(number):
    try:
        value, _, _ = read_specobjid(str(number))
    except IdentifierError:
        return
    decode(value)


def test_a_number_is_not_corrected_to_a_reduction_of_the_other_spectrograph():
    with pytest.raises(IdentifierError, match="is out of range"):
        read_specobjid("299566500182943700")  # plate 266 of the year 2000 by a reduction of BOSS
