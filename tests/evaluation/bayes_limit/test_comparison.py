"""Comparison of a network with the limit: arithmetic of the gap, groups of stars, parallax, and the table."""

from types import SimpleNamespace

import numpy as np
import pytest

from stellar_core.evaluation.bayes_limit import comparison
from stellar_core.evaluation.bayes_limit.comparison import METHODS, Answers, compare, with_parallax
from stellar_core.evaluation.bayes_limit.report import text
from stellar_core.evaluation.bayes_limit.star_posterior import StarPosterior

N = 40


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    truth = np.column_stack(
        [np.full(N, 5500.0), np.full(N, 4.0), np.zeros(N), rng.normal(9.8, 0.3, N), np.full(N, 10.0)]
    )
    truth[:, 4] += 0.2 * rng.standard_normal(N)
    crps = dict(zip(METHODS, (0.2, 0.12, 0.1, 0.1, 0.1)))
    off = dict(zip(METHODS, (600.0, 40.0, 20.0, 30.0, 15.0)))
    half, stage = np.full((N, 5), 0.5), np.zeros(N, int)
    answers = {
        method: Answers(truth + [off[method], 0.1, 0.1, 0, 0], half, np.full((N, 5), crps[method]), stage)
        for method in METHODS
    }
    light = np.where(np.arange(N) < 30, 0.0, 0.2)
    stars = SimpleNamespace(
        companion_light=light, truth=SimpleNamespace(stage=np.arange(N) % 2, snr=np.where(np.arange(N) < 20, 7.0, 50.0))
    )
    enough = np.arange(N) > 0
    return compare(answers, truth, stars, np.where(enough, 3.0, np.inf), enough)


def test_the_gap_is_the_share_of_the_way_to_the_constant(found):
    assert found["gap"]["all"]["log_age"] == pytest.approx(0.2)
    assert found["gap"]["pairs"]["log_lifetime_with_parallax"] == pytest.approx(0.0)


def test_groups_of_stars(found):
    assert {group: scores["n"] for group, scores in found["methods"]["limit"].items()} == {
        "all": 40,
        "single": 30,
        "pairs": 10,
    }
    rows = {(row["group"], row["snr"]): row for row in found["atmosphere_by_snr"]}
    assert set(rows) == {("all", "5-10"), ("all", "40-80"), ("single", "5-10"), ("single", "40-80"), ("pairs", "40-80")}
    assert rows["single", "40-80"]["n"] == 10
    assert rows["all", "5-10"]["network"]["teff"]["rmse"] == pytest.approx(40.0)
    assert rows["all", "5-10"]["limit"]["teff"]["scatter"] == pytest.approx(29.652)
    assert found["check"]["single"]["chi2_per_parameter"] == pytest.approx(1.0)
    assert found["check"]["single"]["stars_with_few_samples"] == 1
    assert found["methods"]["limit"]["all"]["stage"]["accuracy"] == pytest.approx(0.5)


def test_the_table_has_every_method_and_group(found):
    whole = {"what": "MOCK test stars", "stars": N, "samples": 9, "seconds_per_star": 0.1,
             "effective_samples": {"p05": 3.0, "median": 30.0}, **found}  # fmt: skip
    page = text(whole)
    for word in (*METHODS, "single (30)", "pairs (10)", "0.1200", "log age 0.20", "all, S/N 5-10 (20)"):
        assert word in page


def test_a_parallax_prefers_its_distance():
    posterior = StarPosterior(np.arange(2), np.array([0.5, 0.5]), np.array([5.0, 10.0]), 1.0, 10, 0.0)
    gaia = SimpleNamespace(has_parallax=np.array([True, False]), parallax=np.array([10.0, np.nan]),
                           parallax_error=np.array([1.0, np.nan]))  # fmt: skip
    stars = SimpleNamespace(gaia=gaia)
    assert with_parallax(posterior, stars, 0).weight[0] > 0.999, "100 pc is a modulus of 5"
    assert with_parallax(posterior, stars, 1) is posterior


def test_the_constant_predictor_gives_the_survey():
    rng = np.random.default_rng(1)
    ages = rng.normal(9.8, 0.3, 20_000).astype(np.float32)
    prior = SimpleNamespace(
        weight=np.ones(ages.size, np.float32),
        stage=np.full(ages.size, 2),
        points=lambda rows: np.repeat(ages[rows, None].astype(float), 5, axis=1),
    )
    found = comparison._constant(prior, np.full((3, 5), 9.8))
    assert found.mean == pytest.approx(9.8, abs=0.02) and (found.stage == 2).all()
    assert found.crps == pytest.approx(0.3 * (2**0.5 - 1) / np.pi**0.5, abs=0.005), "of a normal distribution"
