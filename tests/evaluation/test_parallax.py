"""Comparison of answers with and without a parallax, on stars whose answers are known."""

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.parallax import compare, parallax_terms
from stellar_core.evaluation.predictions import Predictions
from stellar_core.stages import STAGES

SUBGIANT = STAGES.index("Subgiant")


def predictions(stage: np.ndarray, predicted: np.ndarray, crps: float, u: np.ndarray) -> Predictions:
    n = len(stage)
    five, one = np.tile(u[:, None], (1, 5)), np.zeros(n)
    return Predictions(
        truth=five, stage=stage, snr=one, mean=five, std=five, quantiles=np.zeros((n, 5, 7)), u=five,
        crps=np.full((n, 5), crps), plain_mean=five, plain_std=five, plain_u=five, plain_crps=five,
        probability=np.eye(5)[predicted], mutual_information=one, scores=np.zeros((n, 8)),
        log_age_range=(8.0, 10.0), older=0,
    )  # fmt: skip


def test_measures_by_significance_and_stage():
    stage = np.array([SUBGIANT, SUBGIANT, 1, 1])
    without = predictions(stage, np.array([1, 1, 1, 1]), 0.2, np.array([0.5, 0.01, 0.4, 0.99]))
    beside = predictions(stage, np.array([SUBGIANT, 1, 1, 1]), 0.1, np.full(4, 0.5))
    found = compare(without, beside, np.array([2.0, 30.0, 7.0, 30.0]))
    whole = found["all"]
    assert whole["n"] == 4 and whole["without"]["log_age"]["crps"] == pytest.approx(0.2)
    assert whole["with"]["log_lifetime"]["crps"] == pytest.approx(0.1)
    assert (whole["without"]["subgiant_recall"], whole["with"]["subgiant_recall"]) == (0.0, 0.5)
    assert whole["without"]["log_age"]["68"] == 0.5 and whole["with"]["log_age"]["68"] == 1.0
    assert found["parallax/error below 3"]["n"] == 1 and found["parallax/error above 20"]["n"] == 2
    assert found["true Medium"]["without"]["subgiant_recall"] is None


def test_terms_of_mock_stars():
    stars = make_stars(30, DataConfig(seed=3), "test")
    read, unread = (parallax_terms(stars, photometry) for photometry in (True, False))
    assert [term is None for term in read] == (~stars.gaia.has_parallax).tolist()
    known = next(row for row, term in enumerate(read) if term is not None)
    assert set(read[known].seen.magnitudes) == set("ugriz") and not unread[known].seen.magnitudes
    assert read[known].joint.magnitudes["r"][0] == pytest.approx(float(stars.inputs.features[known, 2]))
    assert read[known].joint.dust_column > 0
