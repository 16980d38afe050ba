"""Colours and absolute magnitudes: the Sun, and errors of an observed star."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.constants import SUN_LOGG
from stellar_core.isochrones.absolute_magnitudes import (
    DIAGRAMS,
    choose_bands,
    log_radius,
    model_magnitudes,
    observed_magnitudes,
)

GAIA, SDSS = DIAGRAMS
SUN = (5772.0, SUN_LOGG, 0.0)
NO_DUST = {"p16": 0.0, "median": 0.0, "p84": 0.0}


def interval(low: float, middle: float, high: float) -> dict[str, float]:
    return {"p16": low, "median": middle, "p84": high}


def test_the_sun_has_its_magnitudes():
    arrays = [np.array([value]) for value in (*SUN, 0.0)]
    colour, magnitude = model_magnitudes(*arrays, GAIA)
    assert magnitude[0] == pytest.approx(4.66, abs=0.03) and colour[0] == pytest.approx(0.82, abs=0.04)
    colour, magnitude = model_magnitudes(*arrays, SDSS)  # Willmer 2018, ApJS 236, 47
    assert magnitude[0] == pytest.approx(4.65, abs=0.05) and colour[0] == pytest.approx(0.46, abs=0.06)
    assert log_radius(1.0, SUN_LOGG) == pytest.approx(0.0) and log_radius(4.0, SUN_LOGG) == pytest.approx(np.log10(2))


def test_a_star_is_moved_to_ten_parsec_and_its_dust_removed():
    magnitudes = {"G": (15.0, 0.003), "BP": (15.5, 0.004), "RP": (14.4, 0.004)}
    colour, magnitude = observed_magnitudes(magnitudes, interval(1000, 1000, 1000), NO_DUST, SUN, GAIA)
    assert magnitude[1] == pytest.approx(5.0) and colour[1] == pytest.approx(1.1)
    assert magnitude[2] - magnitude[1] == pytest.approx(0.003) and colour[1] - colour[0] == pytest.approx(
        0.004 * 2**0.5
    )
    dust = interval(0.2, 0.3, 0.5)
    bluer, brighter = observed_magnitudes(magnitudes, interval(900, 1000, 1200), dust, SUN, GAIA)
    assert 0.7 < (magnitude[1] - brighter[1]) / 0.3 < 0.95, "A_G / A_V of the Sun"
    assert 0.35 < (colour[1] - bluer[1]) / 0.3 < 0.55, "E(BP - RP) / A_V"
    assert brighter[1] - brighter[0] == pytest.approx(np.hypot(5 * np.log10(1.2), 0.2 * 0.83), abs=0.01), "the far side"
    assert brighter[2] - brighter[1] == pytest.approx(np.hypot(5 * np.log10(1 / 0.9), 0.1 * 0.83), abs=0.01)


def test_gaia_comes_before_sdss():
    both = dict.fromkeys(("g", "r", "G", "BP", "RP"), (15.0, 0.1))
    assert choose_bands(both) is GAIA
    del both["BP"]
    assert choose_bands(both) is SDSS
    assert choose_bands({"G": (15.0, 0.1), "r": (15.0, 0.1)}) is None
