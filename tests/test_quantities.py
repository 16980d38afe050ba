"""Labels, units and formats of quantities."""

from stellar_core.quantities import AGE, FEH, LOG_AGE, QUANTITIES, SNR, STAGE_TITLES, TEFF, UNITS, stage_words
from stellar_core.stages import STAGES

INTERVAL = {"p025": 8.5, "p16": 9.0, "median": 9.3010299957, "p84": 9.7, "p975": 10.0}


def test_labels_carry_units():
    assert [one.label for one in (AGE, LOG_AGE, TEFF, FEH, SNR)] == [
        "Age (Gyr)",
        "log age (yr)",
        "Teff (K)",
        "[Fe/H] (dex)",
        "S/N per pixel",
    ]
    assert (LOG_AGE.error_unit, TEFF.error_unit) == ("dex", "K")


def test_logarithmic_ages_are_converted_to_gyr():
    assert AGE.headline(INTERVAL) == "2.0 Gyr" and LOG_AGE.headline(INTERVAL) == "9.30 log yr"
    assert AGE.ranges(INTERVAL, " ") == "68 %: **1.0 – 5.0** 95 %: 0.3 – 10.0"


def test_negative_values_have_a_minus_sign():
    assert FEH.write(-0.5) == "−0.50" and FEH.write(0.25) == "+0.25"


def test_results_have_the_five_quantities_in_the_order_of_the_networks():
    assert list(UNITS) == ["teff", "logg", "feh", "log_age", "log_lifetime"]
    assert UNITS["log_age"] == "log10(yr)" and QUANTITIES["logg"].astropy_unit == "dex(cm / s2)"


def test_every_stage_has_a_title():
    assert set(STAGE_TITLES) == set(STAGES)
    assert stage_words({"Medium": 0.7, "Hot": 0.3}) == "Main sequence (5200–6000 K) 70%" and stage_words({}) == ""
