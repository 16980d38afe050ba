"""What a parallax adds for REAL stars with asteroseismic ages."""

import pytest

from stellar_core.evaluation.real_ages import parallaxes
from stellar_core.evaluation.real_ages.tables import TABLES


def test_a_table_is_read_in_the_columns_of_the_isochrone_fit():
    stars = parallaxes.read_stars(TABLES / "vansaders2016_gaia_dr2.csv")
    assert {"teff_K", "feh_dex", "parallax_mas", "G_mag", "BP_mag", "RP_mag", "true_log_age"} <= set(stars.columns)
    assert not {"logg_dex", "seismic_logg_dex"} & set(stars.columns) and len(stars) > 9


def test_the_parallax_lowers_the_error_of_the_age(monkeypatch):
    name = "vansaders2016_gaia_dr2"
    monkeypatch.setattr(parallaxes, "SAMPLES", {name: parallaxes.SAMPLES[name]})
    found = parallaxes.measure_parallaxes()[name]
    assert found["stars"] == found["with"]["n"] and found["with"]["rmse"] < 0.15 < found["without"]["rmse"]
    assert found["improvement"] == pytest.approx(1 - found["with"]["rmse"] / found["without"]["rmse"])
    assert found["with"]["flagged"] < 0.2
