"""The benchmark from a folder to its text: settings, counts, samples with each star once."""

import json
import shutil

import numpy as np
import pytest

from stellar_core.evaluation.real_ages import benchmark, report
from stellar_core.evaluation.real_ages.record import ERRORS, ONCE
from stellar_core.evaluation.real_ages.tables import TABLES
from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
from stellar_core.isochrones.observation_table import INPUT_COLUMNS

SPREAD = {"mean": 0, "p025": -2, "p16": -1, "median": 0, "p84": 1, "p975": 2}


def label(frame, *settings):
    """Stand in for the isochrone fit: ages and masses by log g, with errors as wide as that of log g."""
    usable = frame[list(INPUT_COLUMNS)].notna().all(axis=1)
    inside = usable & (frame["logg_dex"] < 5)
    age, width = 9.6 + 0.3 * (4.2 - frame["logg_dex"]), 0.1 + frame["logg_err_dex"]
    numbers = {f"log_age_{part}": (age + k * width).where(inside) for part, k in SPREAD.items()}
    numbers |= {f"mass_{part}": (1.1 + 0.3 * k * width).where(inside) for part, k in SPREAD.items()}
    state = np.where(inside, "inside the models", np.where(usable, "outside the models", "bad input"))
    return frame.assign(inside_models=inside, state=state, stage="Hot", **numbers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stars of the shipped tables with odd rows, and two binaries."""
    folder = tmp_path_factory.mktemp("tables")
    for name, rows in (("kages", 5), ("kepler_legacy", 5), ("debcat", 4)):
        lines = (TABLES / f"{name}.csv").read_text().splitlines()[: rows + 1]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    with (folder / "kages.csv").open("a") as table:
        table.write("KIC 3427720,3427720,6045,4.39,-0.06,77,0.01,0.1,2.2,0.2,0.2,1.1,0.02\n")  # of LEGACY
        table.write("KIC 1,1,5800,4.4,,80,0.01,,5,1,1,1,0.1\n")  # without [Fe/H]
        table.write(",3,5800,4.4,0,0,0.01,0.1,,,,,\n")  # without name, truth and error of Teff
        table.write("KIC 4,4,5800,4.4,0,80,0.01,0.1,,,,,\n")  # without truth
        table.write("KIC 2,2,5800,5.4,0,80,0.01,0.1,5,1,1,1,0.1\n")  # below the main sequence
    return folder


@pytest.fixture(autouse=True)
def quick_engine(request, monkeypatch):
    if "slow" not in request.keywords:
        monkeypatch.setattr(benchmark, "label_table", label)


@pytest.fixture()
def found(folder):
    return benchmark.measure(folder)


def test_counts_and_settings_are_stated(found):
    kages = found["samples"]["kages"]["published"]
    assert [kages[name] for name in ("stars", "used", "outside_models", "bad_input", "without_truth")] == [
        10,
        6,
        1,
        2,
        1,
    ]
    assert found["sdss_errors"] == [75.0, 0.2, 0.1] and "MIST" in found["models"] and found["priors"]["imf"] == "kroupa"
    assert found["systematics"] is True and found["alpha"] == AlphaEnhancement().to_dict()
    assert found["binaries"]["published"]["all"]["pairs"] == 2
    json.dumps(found, allow_nan=False)


def test_each_star_counts_once_and_binaries_have_masses_only(found):
    assert found["samples"]["kages"]["published"]["age"]["all"]["n"] == 6
    ages = {name: sample["sdss"]["age"].get("all", {"n": 0})["n"] for name, sample in found["samples"].items()}
    assert ages["debcat"] == 0 and found["samples"]["debcat"]["published"]["mass"]["all"]["n"] == 4
    once = found["stars"]["star"]
    assert len(set(once)) == len(once) == ages[ONCE] < ages["kages"] + ages["kepler_legacy"]
    assert set(found["stars"]["sample"]) == {"kages", "kepler_legacy"}


def test_stages_are_those_observed(found):
    assert set(found["stars"]["stage"]) <= {"dwarf", "subgiant", "giant"}


def test_the_noise_of_sdss_widens_intervals_in_the_record(found):
    for name, least in (("published", 0.1), ("sdss", 0.3)):
        ages = found["stars"][name]
        width = (np.array(ages["p84"]) - np.array(ages["p16"])) / 2
        assert (width >= least - 1e-3).all() and (width < least + 0.1).all()
    assert found["stars"]["published"]["median"] != found["stars"]["sdss"]["median"]


@pytest.mark.slow
def test_the_isochrone_fit_of_the_shipped_stars_is_near_the_truth(folder):
    found = benchmark.measure(folder)
    good, poor = (found["samples"][ONCE][name]["age"]["all"] for name in ERRORS)
    assert good["rmse"] < 0.25 and good["half_width"] < poor["half_width"]
    assert found["samples"]["kages"]["published"]["mass"]["all"]["scatter"] < 10


def test_the_text_has_all_samples_and_no_long_line(found):
    text = report.text(found)
    assert max(map(len, text.splitlines())) <= 120
    for words in (
        "Kepler LEGACY",
        "DEBCat",
        "each star once",
        "Two components",
        "Seven seismic pipelines differ",
        "6 of 10 rows used (1 outside the models, 2 without usable input, 1 without age or mass)",
    ):
        assert words in text


def test_a_folder_with_one_table_is_enough(folder, tmp_path):
    shutil.copy(folder / "debcat.csv", tmp_path)
    found = benchmark.measure(tmp_path)
    assert list(found["samples"]) == ["debcat"] and found["stars"]["star"] == []
    report.text(found)
