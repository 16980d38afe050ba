"""One checkpoint against the truth and on the paper's task: the sums are right and every yardstick is there."""

import json
from pathlib import Path

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.evaluation import isochrone_agreement
from stellar_core.evaluation.headline_metrics import measure
from stellar_core.experiments.published import BEST
from stellar_core.isochrones import infer_posterior


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load("isochrone")


@pytest.fixture(scope="module")
def measured(estimator):
    return measure(estimator, 150, 500, paper=BEST)


def test_no_draw_is_impossible_and_all_are_counted(measured):
    assert measured["draws"] == 500 * measured["stars"] > 60_000 and measured["impossible_draws"] == 0


def test_ages_from_the_spectrum_beat_those_from_pipeline_parameters(measured):
    assert measured["log_age"]["rmse"] <= 1.05 * measured["log_age"]["exact_posterior"]["rmse"]


def test_the_papers_labels_are_answered_between_floor_and_constant(measured):
    rows = measured["paper_protocol"]
    assert 0.9 * rows["floor"]["log_age_rmse"] < rows["model_9"]["log_age_rmse"] < rows["constant"]["log_age_rmse"]
    assert rows["model_9"]["log_lifetime_rmse"] < 0.8 * rows["constant"]["log_lifetime_rmse"]
    assert rows["constant"]["macro_f1"] < rows["model_9"]["macro_f1"] and rows["paper"]["macro_f1"] == 0.9541


def test_exact_means_are_those_of_the_single_star_engine():
    star = (5600.0, 4.3, -0.3)
    mean, inside = exact_means(np.array([star, (5600.0, 9.0, 0.0)]), (75.0, 0.2, 0.1), 0)
    single = infer_posterior(*star, (75.0, 0.2, 0.1))
    assert inside.tolist() == [True, False]
    assert mean[0, 0] == pytest.approx(single.interval("log_age").mean, abs=0.03)
    assert mean[0, 1] == pytest.approx(single.interval("log_lifetime").mean, abs=0.03)


def test_agreement_counts_overlap_and_leaves_out_with_a_reason(estimator, shared_data: Path, tmp_path):
    source = shared_data / "sdss"
    head, *lines = (source / "index.csv").read_text().splitlines()
    labelled = [line for line in lines if line.rsplit(",", 3)[1] not in ("", "nan")][:2]
    outside = labelled[1].rsplit(",", 3)[0] + ",5600.0,9.0,0.0"
    (tmp_path / "index.csv").write_text("\n".join([head, labelled[0], outside]) + "\n")
    name = labelled[0].split(",")[0]
    (tmp_path / name).symlink_to(source / name)
    found = isochrone_agreement.compare(estimator, tmp_path)
    kept, left = found["rows"]
    assert found["stars"] == 1 and "outside the models" in left["left_out"]
    for name in ("delivered", "same_prior"):
        assert found[name]["median_difference"] == pytest.approx(kept[name]["mean"] - kept["engine"], abs=1e-3)
        assert found[name]["overlap_68"] == float(kept[name]["overlap"])
    assert found["delivered"] != found["same_prior"]
    json.dumps(found, allow_nan=False)
