"""Scores relative to the constant, and their errors by leaving out parts of the test stars."""

import numpy as np
import pytest

from stellar_core.datasets.mock_stars import Labels
from stellar_core.evaluation.scores import PointPredictions, score
from stellar_core.experiments.skill import PARTS, SkillSample, difference, replicates, skill


def labels(n: int, seed: int = 0, spread: float = 0.5) -> Labels:
    rng = np.random.default_rng(seed)
    age = 9.5 + spread * rng.standard_normal(n)
    return Labels(age, age + 0.3, rng.integers(0, 5, n), np.zeros((n, 3)), np.zeros((n, 3)))


def predictions(of: Labels, error: float, seed: int = 1) -> PointPredictions:
    rng = np.random.default_rng(seed)
    n = len(of.stage)
    stage = np.where(rng.random(n) < error, rng.integers(0, 5, n), of.stage)
    return PointPredictions(of.log_age + error * rng.standard_normal(n), of.log_lifetime + error, stage)


def trial(of: Labels, error: float, seed: int) -> dict:
    made = predictions(of, error, seed)
    scored = {**score(made, of), "replicates": replicates(made, of)}
    return {"labels": {"model": 6, "seed": seed}, "test": {"natural": scored}}


def test_a_constant_has_no_skill_and_the_label_all():
    one = labels(2000)
    mean = PointPredictions(np.full(2000, one.log_age.mean()), np.full(2000, 9.8), np.zeros(2000, int))
    assert skill(score(mean, one), "log_age") == pytest.approx(0.0, abs=1e-9)
    perfect = score(PointPredictions(one.log_age, one.log_lifetime, one.stage), one)
    assert skill(perfect, "log_age") == skill(perfect, "stage") == pytest.approx(1.0)


def test_skill_does_not_depend_on_the_spread_of_the_labels():
    values = []
    for spread in (0.1, 1.0):
        one = labels(4000, spread=spread)
        values.append(skill(score(predictions(one, 0.4 * spread), one), "log_age"))
    assert values[0] == pytest.approx(values[1], abs=1e-9) and values[0] == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("metric", ["log_age", "log_lifetime", "stage"])
def test_replicates_are_the_skills_without_a_part(metric):
    one = labels(400)
    made = predictions(one, 0.3)
    kept = np.flatnonzero(np.arange(400) % PARTS != 7)
    part = Labels(
        *(getattr(one, name)[kept] for name in ("log_age", "log_lifetime", "stage", "atmosphere", "reference"))
    )
    assert replicates(made, one)[metric][7] == pytest.approx(skill(score(made.select(kept), part), metric), abs=1e-9)


def test_the_error_is_that_of_repeated_experiments():
    found, errors = [], []
    for seed in range(200):
        one = labels(500, seed)
        sample = SkillSample.of([trial(one, 0.4, 1000 + seed)], "log_age", "natural")
        found.append(sample.mean)
        errors.append(sample.error)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.25)


def test_the_same_test_stars_make_a_difference_sharper():
    one = labels(500)
    base = np.random.default_rng(5).standard_normal(500)

    def run(extra: float, seed: int) -> dict:
        noise = 0.4 * base + extra * np.random.default_rng(seed).standard_normal(500)
        made = PointPredictions(one.log_age + noise, one.log_lifetime, one.stage)
        scored = {**score(made, one), "replicates": replicates(made, one)}
        return {"labels": {"model": 6, "seed": seed}, "test": {"natural": scored, "balanced": scored}}

    better, worse = [run(0.05, seed) for seed in range(3)], [run(0.15, 10 + seed) for seed in range(3)]
    first, second = (SkillSample.of(group, "log_age", "natural") for group in (better, worse))
    gain, error = difference(first, second)
    _, unpaired = difference(first, SkillSample.of(worse, "log_age", "balanced"))
    assert gain > 2 * error and error < 0.7 * unpaired


def test_seeds_and_models_are_averaged():
    one = labels(500)
    trials = [trial(one, 0.2 + 0.1 * seed, seed) for seed in range(3)]
    sample = SkillSample.of(trials, "log_age", "natural")
    assert len(sample.seeds) == 3 and sample.seed_variance == pytest.approx(sample.seeds.var(ddof=1) / 3)
    other = [{**found, "labels": {"model": 5, "seed": found["labels"]["seed"]}} for found in trials[:2]]
    assert len(SkillSample.of([*trials, *other], "log_age", "natural").seeds) == 2, "seeds that both models have"


def test_results_without_replicates_have_the_errors_that_were_stored():
    found = trial(labels(500), 0.4, 0)
    del found["test"]["natural"]["replicates"]
    sample = SkillSample.of([found], "log_age", "natural")
    age = found["test"]["natural"]["log_age"]
    assert sample.parts is None and sample.error == pytest.approx(age["rmse_se"] / age["rmse_constant"])
