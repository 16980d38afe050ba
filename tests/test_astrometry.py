"""Parallaxes."""

from __future__ import annotations

import json

import pytest

from stellar_core.astrometry import Astrometry, parse_parallax
from stellar_core.errors import ParameterError


def test_a_parallax_is_parsed():
    found = parse_parallax(" 2.51, 0.03")
    assert (found.parallax, found.parallax_error, found.origin) == (2.51, 0.03, "entered")
    assert found.significance == pytest.approx(83.67, abs=0.01) and found.caveats == ()


def test_a_negative_parallax_is_data_and_says_little():
    found = parse_parallax("-0.2,0.1")
    assert found.parallax == -0.2 and "says little" in found.caveats[0]


@pytest.mark.parametrize("text", ["", "2.5", "2.5,0", "2.5,-1", "nan,1", "1,inf", "2,5,1", "a,b", "1e9,1", "1;2"])
def test_what_is_no_parallax_is_refused(text):
    with pytest.raises(ParameterError):
        parse_parallax(text)


def test_binaries_are_named():
    found = Astrometry(3.0, 0.03, ruwe=2.34, non_single_star=3)
    assert "RUWE is 2.3" in found.caveats[0]
    assert "an astrometric binary and a spectroscopic binary" in found.caveats[1]


def test_plain_values_are_json():
    found = Astrometry(3.0, 0.03, {"G": (15.1, 0.01)}, "Gaia DR3", "4583627001381815936", 1.02, zero_point=-0.03)
    stored = json.loads(json.dumps(found.to_dict()))
    assert stored["magnitudes"] == {"G": [15.1, 0.01]} and stored["source_id"] == "4583627001381815936"
