"""Tables of real stars: standard columns, odd rows, asymmetric errors, and stars in several tables."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.evaluation.real_ages.tables import SAMPLES, TABLES, read_stars

HEAD = "star,kic,teff_K,logg_dex,feh_dex,teff_err_K,logg_err_dex,feh_err_dex"
AGES = f"{HEAD},true_age_gyr,true_age_err_hi_gyr,true_age_err_lo_gyr,true_mass_msun,true_mass_err_msun\n"


def test_shipped_tables_have_stars_of_all_stages():
    stars = read_stars()
    assert set(stars["sample"]) == {"kepler_legacy", "kages", "chaplin2014_spectroscopic", "debcat"}
    assert len(stars) == 230 and set(stars["stage"]) == {"dwarf", "subgiant", "giant"}
    assert sum(path.stat().st_size for path in TABLES.glob("*.csv")) < 60_000
    ages = stars[stars["sample"] != "debcat"]
    assert ages["true_log_age"].between(8, 10.2).all() and (ages["true_log_age_err"] > 0).all()
    pairs = stars[stars["sample"] == "debcat"].groupby("system").size()
    assert (pairs == 2).all() and len(pairs) == 64
    assert stars["repeated"].sum() > 20  # of LEGACY stars in KAGES and of both in Chaplin et al.


def test_shipped_rows_are_those_of_the_data_folder(shared_data):
    assert {sample.name for sample in SAMPLES} == set((stars := read_stars(shared_data / "real_ages"))["sample"])
    shipped = read_stars().drop(columns=["evol_state", "repeated"]).set_index(["sample", "star"])
    stars = stars.set_index(["sample", "star"])[shipped.columns]
    common = shipped.index.intersection(stars.index)
    assert stars.loc[common].equals(shipped.loc[common])


def test_errors_of_ages_are_in_dex_on_both_sides(tmp_path):
    (tmp_path / "kages.csv").write_text(
        AGES
        + "a,1,5800,4.4,0,80,0.01,0.1,5,5,2.5,1,0.1\n"  # symmetric in dex: 0.301 on both sides
        + "b,2,5800,4.4,0,80,0.01,0.1,5,1,,1,0.1\n"  # one side
        + "c,3,5800,4.4,0,80,0.01,0.1,5,1,6,1,0.1\n"  # more than the age
        + "d,4,5800,4.4,0,80,0.01,0.1,-1,1,1,1,0.1\n"
    )
    stars = read_stars(tmp_path).set_index("star")
    assert stars.loc["a", ["true_log_age_err_hi", "true_log_age_err_lo"]].tolist() == pytest.approx([0.30103] * 2)
    assert stars.loc["a", "true_age_err_gyr"] == 3.75
    assert stars.loc["b", "true_age_err_lo_gyr"] == 1.0
    assert stars.loc["c", "true_log_age_err_lo"] == 1.0
    assert np.isnan(stars.loc["d", "true_log_age"]) and stars.loc["d", "true_mass_msun"] == 1


def test_odd_rows_are_kept_as_missing_numbers_and_a_star_is_known_across_tables(tmp_path):
    (tmp_path / "kages.csv").write_text(
        AGES + "KIC 7,7,5800,4.4,0,80,0.01,0.1,5,1,1,1,0.1\n,,bad,4.4,,inf,0.01,0.1,,,,,\n"
    )
    (tmp_path / "chaplin2014_photometric.csv").write_text(f"{HEAD},true_age_gyr\nseven,7,5800,4.4,0,80,0.01,0.1,6\n")
    binary = "x 1,x,9000,4.2,0,10,0.001,,2\nx 2,x,8000,4.2,0,90,0.1,0,2\n"
    (tmp_path / "debcat.csv").write_text(f"star,system,{HEAD.removeprefix('star,kic,')},true_mass_msun\n{binary}")
    (tmp_path / "own.csv").write_text(f"{HEAD},true_mass_msun\nmine,,5800,4.4,0,80,0.01,0.1,1\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "broken.csv").write_bytes(b"")
    stars = read_stars(tmp_path)
    assert stars["sample"].tolist() == ["kages", "kages", "chaplin2014_photometric", "debcat", "debcat", "own"]
    assert stars["repeated"].tolist() == [False, False, True, False, False, False]
    assert stars.loc[2, "star"] == "seven"
    odd = stars.iloc[1]
    assert np.isnan(odd["teff_K"]) and np.isnan(odd["teff_err_K"]) and np.isnan(odd["feh_dex"]) and odd["stage"] == ""
    floored = stars.iloc[3:5][["teff_err_K", "logg_err_dex", "feh_err_dex"]].to_numpy()
    assert floored.tolist() == [[75.0, 0.03, 0.08], [90.0, 0.1, 0.08]]


def test_a_folder_without_such_tables_says_which_it_needs(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ParameterError, match="kages.csv") as caught:
            read_stars(folder)
        assert "\n" not in str(caught.value)
    (tmp_path / "kages.csv").write_bytes(b"")
    with pytest.raises(ParameterError, match="cannot be read"):
        read_stars(tmp_path)
