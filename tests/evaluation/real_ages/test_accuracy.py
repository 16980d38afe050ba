"""Accuracy by stage: known errors give known metrics; missing truths and stars outside the models are left out."""

import json

import numpy as np
import pandas as pd
import pytest

from stellar_core.evaluation.real_ages.accuracy import age_accuracy, by_stage, mass_accuracy

WIDTH = {"p025": -0.392, "p16": -0.2, "median": 0.0, "p84": 0.2, "p975": 0.392}


def labelled(log_age, truth, error=0.1, mass=1.0, true_mass=1.0, **columns):
    log_age = np.asarray(log_age, float)
    return pd.DataFrame(
        {
            "true_log_age": truth,
            "true_log_age_err": error,
            "true_log_age_err_lo": error,
            "true_log_age_err_hi": error,
            "true_mass_msun": true_mass,
            "true_mass_err_msun": 0.02,
            "age_pipelines_std_dex": np.nan,
            "inside_models": True,
            "stage": "dwarf",
            "log_age_mean": log_age,
            **{f"log_age_{part}": log_age + width for part, width in WIDTH.items()},
            **{f"mass_{part}": mass + 0.1 * width for part, width in WIDTH.items()},
        }
    ).assign(**columns)


def test_errors_and_their_baseline_are_those_of_the_table():
    stars = labelled([9.1, 9.5, 10.1], [9.0, 9.5, 10.0], age_pipelines_std_dex=[0.1, np.nan, 0.1])
    found = age_accuracy(stars)
    assert (
        found["n"] == 3
        and found["rmse"] == pytest.approx(np.sqrt(0.02 / 3))
        and found["bias"] == pytest.approx(0.2 / 3)
    )
    assert found["rmse_constant"] == pytest.approx(np.std([9.0, 9.5, 10.0]))
    assert found["r2"] == pytest.approx(1 - found["rmse"] ** 2 / found["rmse_constant"] ** 2)
    assert found["rmse"] ** 2 == pytest.approx(found["bias"] ** 2 + found["scatter"] ** 2)
    assert found["truth_error"] == pytest.approx(0.1) and found["pipelines_scatter"] == pytest.approx(0.1)
    assert found["half_width"] == pytest.approx(0.2) and found["coverage_68"] == 1 and found["n_coverage"] == 3
    assert found["crps"] < found["crps_sample"]


def test_coverage_counts_truths_within_both_errors():
    off = np.array([0.0, 0.21, 0.22, 0.25, 0.4, 0.45])  # sigma of posterior and truth together: 0.225
    found = age_accuracy(labelled(9.5 + off, np.full(6, 9.5)))
    assert found["coverage_68"] == pytest.approx(3 / 6) and found["coverage_95"] == pytest.approx(5 / 6)
    assert found["r2"] is None and found["rmse_constant"] == 0
    alone = age_accuracy(labelled(9.5 + off, np.full(6, 9.5), error=1e-6))
    assert alone["coverage_68"] == pytest.approx(1 / 6)


def test_truths_without_error_count_for_accuracy_but_not_for_coverage():
    found = age_accuracy(labelled([9.5, 9.6], [9.4, 9.6], error=[np.nan, 0.1]))
    assert found["n"] == 2 and found["n_coverage"] == 1
    none = age_accuracy(labelled([9.5, 9.6], [9.4, 9.6], error=np.nan))
    assert none["coverage_68"] is None and none["truth_error"] is None
    json.dumps(none, allow_nan=False)


def test_masses_are_in_per_cent_of_the_truth():
    mass = 1.0 + np.array([0.1, 0.12, 0.08, 0.1, 0.1])
    found = mass_accuracy(labelled(np.full(5, 9.5), 9.5, mass=2 * mass, true_mass=2.0))
    assert found["bias"] == pytest.approx(10) and found["rms"] == pytest.approx(100 * np.sqrt(((mass - 1) ** 2).mean()))
    assert found["scatter"] == pytest.approx(50 * np.subtract(*np.quantile(mass, [0.84, 0.16])))
    assert (
        found["coverage_95"] == 0
        and found["half_width"] == pytest.approx(1)
        and found["truth_error"] == pytest.approx(1)
    )


def test_stages_are_apart_and_what_cannot_be_compared_is_left_out():
    stars = labelled(
        [9.0, 9.5, 10.0, 9.7],
        [9.0, 9.5, np.nan, 9.9],
        stage=["dwarf", "giant", "giant", "dwarf"],
        inside_models=[True, True, True, False],
    )
    found = by_stage(stars)
    assert {stage: part["n"] for stage, part in found["age"].items()} == {"all": 2, "dwarf": 1, "giant": 1}
    assert {stage: part["n"] for stage, part in found["mass"].items()} == {"all": 3, "dwarf": 1, "giant": 2}
    assert by_stage(stars.iloc[:0]) == {"age": {}, "mass": {}}
