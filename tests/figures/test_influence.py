"""Shading behind a spectrum: effect of each range of wavelength, in numbers and in words."""

import numpy as np
import pytest

from stellar_core.figures.influence import error_shading, features_in, quantity_shading
from stellar_core.quantities import FEH, LOG_AGE, TEFF

EDGES = np.array([[4000.0, 4119.0], [4440.0, 4559.0], [5160.0, 5279.0], [6000.0, 6119.0]])
LINES = [(4102.9, "Hδ"), (5168.8, "Mg b"), (5174.1, "Mg b"), (5200.0, "x"), (5210.0, "y")]


def test_each_range_has_one_sentence_with_its_lines_the_change_and_its_significance():
    shading = quantity_shading(LOG_AGE, EDGES, np.array([0.05, 0.1, -0.26, 0.001]), 0.29, LINES)
    assert shading.title == "log age" and shading.strongest == 2
    assert shading.words == (
        "Hiding 4000–4119 Å (Hδ) raises log age by 0.05 dex (0.2σ).",
        "Hiding 4440–4559 Å (Ca 4455, Fe 4531) raises log age by 0.10 dex (0.3σ).",
        "Hiding 5160–5279 Å (Mg b, x) lowers log age by 0.26 dex (0.9σ).",
        "Hiding 6000–6119 Å does not change log age.",
    )
    assert shading.amounts == ("+0.05 dex", "+0.10 dex", "−0.26 dex", "0.00 dex")


@pytest.mark.parametrize(
    ("quantity", "shift", "error", "amount"),
    [(TEFF, -31.2, 40.0, "lowers Teff by 31 K (0.8σ)"), (FEH, 0.04, 0.05, "raises [Fe/H] by 0.04 dex (0.8σ)")],
)
def test_units_follow_the_quantity(quantity, shift, error, amount):
    shading = quantity_shading(quantity, EDGES[:1], np.array([shift]), error, LINES)
    assert shading.words == (f"Hiding 4000–4119 Å (Hδ) {amount}.",)


def test_the_error_may_rise_or_fall():
    shading = error_shading(LOG_AGE, EDGES[:3], np.array([0.12, -0.5, 0.001]), LINES)
    assert shading.title == "error of log age" and shading.amounts == ("+12%", "−50%", "0%")
    assert shading.words[0].endswith("(Hδ) raises the error of log age by 12%.")
    assert shading.words[1].endswith("lowers the error of log age by 50%.")
    assert shading.words[2].endswith("does not change the error of log age.")


def test_lines_come_before_bands():
    assert features_in(5160, 5279, LINES[:1]) == "Fe 5270"
    assert features_in(5160, 5279, LINES) == "Mg b, x"
    assert features_in(9500, 9600, LINES) == ""
