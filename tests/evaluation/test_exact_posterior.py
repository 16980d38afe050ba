"""The baseline posterior: the same as for single stars, and calibrated on stars not used in the fit."""

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.exact_posterior import (
    FIELDS,
    compare_crps,
    draw_posteriors,
    exact_posterior,
    recalibrated_baseline,
)
from stellar_core.isochrones import infer_posterior, power_law_log_lifetime

pytestmark = pytest.mark.slow

ERRORS = (75.0, 0.20, 0.10)


@pytest.fixture(scope="module")
def baseline():
    held, test = (make_stars(400, DataConfig(), name) for name in ("calibration", "test"))
    return test, recalibrated_baseline(held, test, ERRORS, 0)


@pytest.mark.slow
def test_posterior_means_match_those_of_single_stars_also_for_hot_ones():
    atmosphere = np.array([[5777.0, 4.44, 0.0], [5000.0, 3.0, -0.5], [9900.0, 4.2, 0.0]])
    found, inside = exact_posterior(atmosphere, ERRORS, 0, draws=1000)
    tracks, _ = exact_posterior(atmosphere, ERRORS, 0, draws=2000, tracks=True)
    assert inside.all()
    for row, star in enumerate(atmosphere):
        single = infer_posterior(*star, ERRORS, systematics=False)
        assert found.log_age[row] == pytest.approx(single.interval("log_age").mean, abs=0.01)
        lifetime = single.probability @ power_law_log_lifetime(single.values("mass"))
        assert found.log_lifetime[row] == pytest.approx(lifetime, abs=0.05)
        assert tracks.log_lifetime[row] == pytest.approx(single.interval("log_lifetime").mean, abs=0.03)
        assert found.stage[row] == int(np.argmax(list(single.stages().values())))


def test_stars_outside_the_models_have_no_prediction():
    atmosphere = np.array([[5600.0, 4.3, -0.3], [5600.0, 9.0, 0.0]])
    found, inside = exact_posterior(atmosphere, ERRORS, 0)
    assert inside.tolist() == [True, False]
    assert np.isnan(found.log_age[1]) and np.isnan(found.log_lifetime[1]) and found.stage[1] == -1
    assert draw_posteriors(atmosphere, ERRORS, 0).rows.tolist() == [0]


def test_recalibration_lowers_the_crps_and_gives_nominal_coverage(baseline):
    _, exact = baseline
    for name in FIELDS:
        assert len(exact[name]["crps"]) == exact["rows"].size > 300
        assert exact[name]["coverage_levelled"]["68"] == pytest.approx(0.68, abs=0.1)
    assert exact["log_age"]["crps_levelled"].mean() < exact["log_age"]["crps"].mean()


def test_ratios_of_equal_scores_are_one(baseline):
    stars, exact = baseline
    model, plain = np.zeros((len(stars), 2)), np.zeros((len(stars), 2))
    for column, name in enumerate(FIELDS):
        model[exact["rows"], column] = exact[name]["crps_levelled"]
        plain[exact["rows"], column] = 2 * exact[name]["crps"]
    found = compare_crps(model, plain, stars.truth.snr, exact)
    for name in FIELDS:
        assert found[name]["ratio_levelled"] == pytest.approx(1) and found[name]["ratio_before"] == pytest.approx(2)
        assert list(found[name]["ratio_levelled_by_snr"].values()) == pytest.approx([1.0] * 4)
