"""Comparison of the fit of templates with labels and a network: arithmetic, MOCK stars, and REAL stars."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core import Estimator
from stellar_core.evaluation import template_fit
from stellar_core.evaluation.template_fit import compare_templates, mock_sample, read_sample, text


def test_rows_are_medians_scatters_and_shares():
    difference = np.array([[100.0, 0.1, 0.0], [-100.0, 0.1, 1.5], [0.0, 0.1, 0.0], [np.nan, 0.0, 0.0]])
    row = template_fit._row(difference, np.full((4, 3), [60.0, 0.0, 0.0]), (80.0, 0.2, 0.1))
    assert row["n"] == 3 and row["wild"] == 1 and row["teff_bias"] == 0
    assert row["teff_scatter"] == pytest.approx(148.3) and row["logg_bias"] == 0.1 and row["logg_scatter"] == 0
    assert row["teff_within"] == pytest.approx(1 / 3, abs=1e-3), "100 K is not less than one sigma"


def test_pulls_are_those_of_pairs_of_one_star():
    mean = np.array([[5000.0, 4.0, 0.0], [5100.0, 4.0, 0.0], [6000.0, 4.0, 0.0], [9000.0, 4.0, 0.0]])
    error = np.full((4, 3), [50.0, 0.1, 0.1])
    found = template_fit._pulls(mean, error, np.array([3, 3, 0, 0]))
    assert found["pairs"] == 1 and found["teff_pull"] == pytest.approx(1.41, abs=0.01) and found["logg_pull"] == 0


def test_answers_are_good_off_wild_or_unlabelled():
    difference = np.array([[0.0, 0, 0.4], [400.0, 0, 0], [0.0, 0, -1.2], [np.nan, np.nan, np.nan]])
    kinds = template_fit._kinds(difference)
    assert [int(np.flatnonzero(kinds[name])[0]) for name in template_fit.KINDS] == [0, 1, 2, 3]
    assert np.sum(list(kinds.values()), axis=0).tolist() == [1, 1, 1, 1]


def test_mock_stars_keep_their_preparation_and_truth():
    sample = mock_sample(20)
    assert len(sample.spectra) == len(sample.labels) > 10 and sample.spectra[0].source == "mock"
    assert sample.spectra[0].prepared.redshift == 0 and np.isfinite(sample.labels).all()


def test_samples_of_real_stars(shared_data):
    sample = read_sample("SDSS", shared_data / "sdss")
    assert len(sample.spectra) == 32 and not sample.group.any()
    assert all(spectrum.photometry is None for spectrum in sample.spectra)


@pytest.mark.slow
def test_the_fit_holds_on_two_surveys_and_finds_the_networks_wild_answers(shared_data):
    if not (shared_data / "lamost" / "index.csv").exists():
        pytest.skip("no spectra of LAMOST")
    found = compare_templates(Estimator.load(), shared_data, mock_stars=150)
    rows = {row["sample"]: row for row in found["rows"] if row["method"] == "templates"}
    for name in ("SDSS", "LAMOST"):
        assert abs(rows[name]["teff_bias"]) < 60 and rows[name]["teff_scatter"] < 100
        assert abs(rows[name]["logg_bias"]) < 0.1 and rows[name]["logg_scatter"] < 0.22
        assert abs(rows[name]["feh_bias"]) < 0.1 and rows[name]["feh_scatter"] < 0.15 and rows[name]["wild"] <= 1
    flagged = {row["sample"]: row for row in found["contradictions"]}
    assert flagged["SDSS"]["good_flagged"] <= 1
    assert flagged["MOCK"]["good_flagged"] <= 2
    assert flagged["LAMOST"]["good_flagged"] <= 0.1 * flagged["LAMOST"]["good"]
    assert flagged["LAMOST"]["wild_flagged"] >= 0.8 * flagged["LAMOST"]["wild"]
    pulls = next(row for row in found["repeats"] if row["method"] == "templates")
    assert all(0.7 < pulls[f"{name}_pull"] < 1.3 for name in ("teff", "logg", "feh"))
    assert text(found).count("\n") == 1 + len(found["rows"]) + len(found["repeats"]) + len(found["contradictions"])
