"""The line list and the refraction of air."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.spectral_lines import (
    AIR_LIMIT,
    FEATURES,
    REGIONS,
    SKY_LINES,
    STELLAR_LINES,
    air_to_vacuum,
    vacuum_to_air,
)


@pytest.mark.parametrize(
    ("label", "air"), [("Hα", 6562.80), ("Hβ", 4861.33), ("Ca II K", 3933.66), ("Li I", 6707.82), ("Pa12", 8750.47)]
)
def test_lines_agree_with_the_known_air_wavelengths(label, air):
    line = next(line for line in STELLAR_LINES if line.label == label)
    assert vacuum_to_air(line.wavelength) == pytest.approx(air, abs=0.04)


def test_triplet_in_air():
    triplet = [line.wavelength for line in STELLAR_LINES if line.label == "Ca II T"]
    np.testing.assert_allclose(vacuum_to_air(triplet), [8498.02, 8542.09, 8662.14], atol=0.02)


def test_list_is_in_order_and_labelled():
    waves = [line.wavelength for line in STELLAR_LINES]
    assert waves == sorted(waves) and len(waves) == 24
    assert all(line.label and line.species for line in STELLAR_LINES + SKY_LINES)
    assert {line.species for line in SKY_LINES} == {"sky"}


@given(st.floats(2001, 25000))
def test_conversions_are_inverse(wavelength):
    assert air_to_vacuum(vacuum_to_air(wavelength)) == pytest.approx(wavelength, abs=1e-7)


def test_shift_is_82_to_86_km_s_in_the_optical():
    vacuum = np.linspace(3600, 10400, 50)
    shift = (vacuum / vacuum_to_air(vacuum) - 1) * SPEED_OF_LIGHT
    assert shift.min() > 81.5 and shift.max() < 85.6


def test_nothing_changes_in_the_ultraviolet():
    assert vacuum_to_air(1500.0) == 1500.0
    assert air_to_vacuum(AIR_LIMIT - 10) == AIR_LIMIT - 10


def test_regions_hold_their_lines_and_do_not_overlap():
    inside = {
        "Ca H K": "Ca II K",
        "G band": "CH G",
        "Mg b": "Mg b",
        "Na D": "Na D",
        "Hα": "Hα",
        "Ca triplet": "Ca II T",
    }
    assert [region.label for region in REGIONS] == list(inside)
    for region in REGIONS:
        lines = [line.wavelength for line in STELLAR_LINES if line.label == inside[region.label]]
        assert lines and all(region.low + 10 < line < region.high - 10 for line in lines)
    assert all(one.high < other.low for one, other in zip(REGIONS, REGIONS[1:]))


def test_bands_are_named_and_in_order():
    assert all(band.label and band.low < band.high for band in FEATURES)
    assert [band.low for band in FEATURES] == sorted(band.low for band in FEATURES)
