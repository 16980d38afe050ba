"""The label command: single stars and tables."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from stellar_core.errors import ParameterError, StorageError
from stellar_core.isochrones import AlphaEnhancement
from stellar_core.isochrones.label import label_file, label_star, label_table, parse_errors, sentences
from stellar_core.isochrones.observation_table import INPUT_COLUMNS
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.isochrones.prior_comparison import other_prior
from stellar_core.isochrones.priors import Priors
from stellar_core.stages import STAGES

PARTS = ["mean", "std", "p025", "p16", "median", "p84", "p975"]


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "stellar_core", "label", *arguments], capture_output=True, text=True)


@pytest.mark.slow
def test_json_of_the_sun_keeps_the_contract():
    done = run("--teff", "5772", "--logg", "4.438", "--feh", "0.0", "--errors", "20,0.01,0.01", "--json")
    assert done.returncode == 0 and done.stderr == ""
    found = json.loads(done.stdout)
    assert found["inside_models"] is True
    for name in ("log_age", "mass", "log_lifetime"):
        assert list(found["posterior"][name]) == PARTS
        assert name in found["prior"]
    assert list(found["posterior"]["stage"]) == list(STAGES)
    assert set(found["nearest"]) >= {"log_age", "mass", "log_lifetime", "stage"}
    assert found["posterior"]["log_age"]["p16"] < np.log10(4.57e9) < found["posterior"]["log_age"]["p84"]
    lives = found["posterior"]["log_lifetime_to"]
    assert lives["tams"] < lives["rgb_tip"] < lives["end"]


@pytest.mark.slow
def test_a_star_outside_the_models_has_no_numbers():
    done = run("--teff", "30000", "--logg", "7", "--feh", "0", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["inside_models"] is False
    assert found["posterior"] is None and found["nearest"] is None
    assert "outside the models" in run("--teff", "30000", "--logg", "7", "--feh", "0").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--teff", "nan", "--logg", "4", "--feh", "0"),
        ("--teff", "5772", "--logg", "4", "--feh", "0", "--errors", "0,0.1,0.1"),
        ("--teff", "5772", "--logg", "4", "--feh", "0", "--errors", "75,0.1"),
        ("--teff", "5772e-10", "--logg", "4", "--feh", "0"),
        ("--teff", "5772", "--logg", "4"),
        ("--teff", "5772", "--feh", "0", "--parallax", "10,0.1"),
        ("--teff", "5772", "--feh", "0", "--parallax", "10", "--mag", "G=9,0.1"),
        ("--teff", "5772", "--feh", "0", "--mag", "Q=9,0.1"),
        ("--teff", "5772", "--logg", "4", "--feh", "0", "--imf", "salpeter"),
        ("--table", "nowhere.csv", "--out", "x.parquet"),
    ],
)
def test_bad_input_is_one_line_and_status_two(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.strip().splitlines()) == 1


def rows(n, rng):
    return pd.DataFrame(
        {
            "name": [f"s{i}" for i in range(n)],
            "teff_K": rng.uniform(4600, 6300, n),
            "logg_dex": rng.uniform(4.2, 4.6, n),
            "feh_dex": rng.uniform(-0.8, 0.2, n),
            "teff_err_K": 75.0,
            "logg_err_dex": 0.2,
            "feh_err_dex": 0.1,
        }
    )


def test_a_table_has_one_row_per_star_with_its_state():
    frame = rows(6, np.random.default_rng(0))
    frame.loc[1, "teff_K"] = np.nan
    frame.loc[2, "logg_err_dex"] = 0.0
    frame.loc[3, ["teff_K", "logg_dex"]] = 30000.0, 7.0
    found = label_table(frame)
    assert len(found) == 6 and found["name"].tolist() == frame["name"].tolist()
    assert found["state"].tolist() == [
        "inside the models",
        "bad input",
        "bad input",
        "outside the models",
        "inside the models",
        "inside the models",
    ]
    for name in ("log_age", "mass", "log_lifetime"):
        for part in PARTS:
            assert found[f"{name}_{part}"].isna().tolist() == (~found["inside_models"]).tolist()
    assert found["stage"].isna().tolist() == (~found["inside_models"]).tolist()


def test_a_table_equals_single_stars():
    frame = rows(2, np.random.default_rng(1))
    found = label_table(frame)
    one = label_star(*frame.loc[0, list(INPUT_COLUMNS[:3])])["posterior"]
    for part in PARTS:
        assert found[f"log_age_{part}"][0] == pytest.approx(one["log_age"][part], abs=0.02)
        assert found[f"mass_{part}"][0] == pytest.approx(one["mass"][part], abs=0.01)
    assert found["phase"][0] == max(one["phase"], key=one["phase"].get)


def test_alpha_of_a_row_takes_the_place_of_the_galaxys():
    frame = rows(4, np.random.default_rng(5)).assign(feh_dex=-0.6, alpha_fe_dex=[0.0, 0.3, np.nan, 7.0])
    frame = frame.assign(**{name: frame[name].iloc[0] for name in INPUT_COLUMNS})
    found = label_table(frame)
    assert found["state"].tolist() == ["inside the models"] * 3 + ["bad input"]
    mass = found["mass_mean"]
    assert mass[0] < mass[2] < mass[1]
    star = frame.loc[1, list(INPUT_COLUMNS)].tolist()
    alone = label_star(*star[:3], tuple(star[3:]), alpha=AlphaEnhancement(0.3))["posterior"]["mass"]["mean"]
    assert mass[1] == pytest.approx(alone, abs=0.005)


def test_a_star_without_information_is_prior_dominated_and_says_so():
    dwarf = label_star(4900.0, 4.6, -1.2)
    assert dwarf["other_prior"]["population"] == "Galaxy" and dwarf["other_prior"]["prior_dominated"]
    assert any("prior-dominated" in str(line) for line in sentences(dwarf).values())
    subgiant = label_star(5600.0, 3.9, 0.0, (40.0, 0.03, 0.05))
    assert not subgiant["other_prior"]["prior_dominated"]
    assert other_prior(other_prior(Priors())) == Priors()


def test_the_output_states_the_assumptions():
    found = label_star(5772.0, 4.438, 0.0)
    assert found["systematics"]["metallicity_scale"] > 0
    assert "halo" in found["prior"]["assumed"]["alpha_fe"]
    plain = label_star(5772.0, 4.438, 0.0, alpha=AlphaEnhancement(0.0), systematics=False)
    assert plain["systematics"] is None and plain["prior"]["assumed"]["alpha_fe"] == 0.0
    json.dumps([found, plain], allow_nan=False)


def sun_with_light(**changes):
    """The Sun at 100 pc in Gaia's and 2MASS's bands, log g unknown."""
    star = {"teff_K": 5772.0, "teff_err_K": 60.0, "feh_dex": 0.0, "feh_err_dex": 0.05, "logg_dex": np.nan}
    light = {"G_mag": 9.65, "BP_mag": 9.96, "RP_mag": 9.13, "Ks_mag": 8.27}
    return {**star, **light, "parallax_mas": 10.0, "parallax_err_mas": 0.05, "av_mag": np.nan, **changes}


def test_light_and_parallax_of_a_table():
    frame = pd.DataFrame(
        [
            sun_with_light(),
            sun_with_light(parallax_mas=np.nan),
            sun_with_light(logg_dex=4.44, logg_err_dex=0.1, parallax_mas=20.0),
            sun_with_light(Ks_mag=6.0),
            sun_with_light(teff_K=np.nan),
        ]
    )
    found = label_table(frame)
    assert found["inside_models"].all()
    assert found["distance_pc_median"][0] == pytest.approx(100.0, abs=1.5) and found["av_mag_median"][0] < 0.1
    assert found["log_age_p16"][0] < np.log10(4.57e9) < found["log_age_p975"][0]
    assert found["mass_std"][0] < 0.8 * found["mass_std"][1]
    assert found["light_used"].tolist()[:2] == ["parallax, G BP RP Ks", "G BP RP Ks"]
    assert found["flag"].tolist()[:2] == ["", ""]
    assert "parallax contradicts" in found["flag"][2] and found["distance_pc_median"][2] > 75.0
    assert "colours fit no star" in found["flag"][3]
    assert found["wrong_parallax_probability"][2] > 0.9 > 0.1 > found["wrong_parallax_probability"][0]
    one = label_star(
        5772.0,
        None,
        0.0,
        (60.0, 0.2, 0.05),
        photometry=PhotometricLikelihood(
            {band: (frame[f"{band}_mag"][0], 0.02) for band in ("G", "BP", "RP", "Ks")}, 10.0, 0.05
        ),
    )
    assert one["posterior"]["log_age"]["mean"] == pytest.approx(found["log_age_mean"][0], abs=0.02)
    assert one["posterior"]["distance_pc"]["median"] == pytest.approx(found["distance_pc_median"][0], rel=0.01)
    assert "100" in sentences(one)["distance"] and one["nearest"] is None
    json.dumps(one, allow_nan=False)


def test_a_table_without_light_has_no_columns_of_light():
    assert not {"distance_pc_mean", "flag", "light_used"} & set(label_table(rows(2, np.random.default_rng(7))).columns)


@pytest.mark.slow
def test_a_long_table_agrees_with_single_stars():
    frame = rows(60, np.random.default_rng(2))
    frame.loc[5, ["teff_err_K", "logg_err_dex", "feh_err_dex"]] = 20.0, 0.02, 0.02  # too sharp for the fixed samples
    found = label_table(frame)
    assert found["inside_models"].all()
    for i in (0, 5, 31):
        values = frame.loc[i, list(INPUT_COLUMNS)].to_numpy(float)
        one = label_star(*values[:3], tuple(values[3:]))["posterior"]
        assert found["log_age_mean"][i] == pytest.approx(one["log_age"]["mean"], abs=0.01)
        assert found["log_age_p16"][i] == pytest.approx(one["log_age"]["p16"], abs=0.06)
        assert found["stage"][i] == max(one["stage"], key=one["stage"].get)


def test_file_to_file(tmp_path):
    rows(3, np.random.default_rng(3)).to_csv(tmp_path / "in.csv", index=False)
    done = run("--table", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.parquet"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stars"] == 3
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.parquet"]


def test_bad_tables(tmp_path):
    rows(2, np.random.default_rng(4)).drop(columns="teff_K").to_csv(tmp_path / "short.csv", index=False)
    with pytest.raises(ParameterError, match="teff_K"):
        label_file(tmp_path / "short.csv", tmp_path / "out.csv")
    with pytest.raises(ParameterError, match="end in"):
        label_file(tmp_path / "short.csv", tmp_path / "out.xlsx")
    with pytest.raises(StorageError):
        label_file(tmp_path / "none.csv", tmp_path / "out.csv")
    (tmp_path / "noise.parquet").write_bytes(b"no table at all")
    with pytest.raises(StorageError):
        label_file(tmp_path / "noise.parquet", tmp_path / "out.csv")
    with pytest.raises(ParameterError):
        label_file(tmp_path / "short.csv", None)


def test_errors_are_three_numbers():
    assert parse_errors("75,0.2,0.1") == (75.0, 0.2, 0.1)
    for text in ("", "75", "75,a,0.1", "1,2,3,4"):
        with pytest.raises(ParameterError):
            parse_errors(text)
