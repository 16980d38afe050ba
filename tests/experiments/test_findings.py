"""Verdicts on the paper's claims follow from the scores of several seeds."""

import pytest

from stellar_core.experiments.findings import findings
from stellar_core.experiments.verdict import CONFIRMED, INCONCLUSIVE, NOT_CONFIRMED
from tests import phase_results as made


def verdicts(results: dict) -> dict[str, str]:
    return {found["claim"]: found["verdict"] for found in findings(results)}


@pytest.mark.parametrize("gain, verdict", [(0.1, CONFIRMED), (-0.1, NOT_CONFIRMED), (0.0, NOT_CONFIRMED)])
def test_undersampling_against_weighting(gain, verdict):
    def scores(experiment, model, seed):
        shift = (gain if experiment == "B" else 0.0) + 0.001 * seed
        return made.score(0.5 - shift, 0.3 - shift, 0.6 + shift)

    found = verdicts(made.phase_1(scores, seeds=3))
    assert found["Undersampling (B) beats weighting (C), both on the same natural test stars"] == verdict
    assert found["Undersampling (B) beats weighting (C), each on its own test stars"] == verdict


def test_undersampling_is_judged_by_the_constant_of_each_test_set():
    results = made.phase_1(lambda experiment, model, seed: made.score(0.5, 0.3, 0.6), seeds=3)
    for trial in results["trials"]:
        balanced = made.score(0.25, 0.15, 0.6)  # half the error on stars of half the spread
        for name in ("log_age", "log_lifetime"):
            balanced[name]["rmse_constant"] = 0.5
        balanced["replicates"] = trial["test"]["natural"]["replicates"]
        trial["test"]["balanced"] = balanced
    assert verdicts(results)["Undersampling (B) beats weighting (C), each on its own test stars"] == NOT_CONFIRMED, (
        "half the error is no gain"
    )


def test_models_of_phase_1():
    def scores(experiment, model, seed):
        return made.score(age={3: 0.3, 6: 0.4}.get(model, 0.5), f1={1: 0.8, 5: 0.9, 6: 0.7}.get(model, 0.6))

    found = verdicts(made.phase_1(scores, seeds=3))
    assert found["Model 3 (spectrum alone) has better ages than Model 6 (both)"] == CONFIRMED
    assert found["Model 1 (photometry alone) classifies better than Model 3 (spectrum alone)"] == CONFIRMED
    assert found["Model 6 has better ages than Model 5"] == CONFIRMED
    assert found["Model 5 classifies better than Model 6"] == CONFIRMED
    assert not [claim for claim in found if "all eight" in claim], "the paper does not claim that Model 1 is the best"


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda results: results, "1 seed"),
        (lambda results: results["settings"].update(part=0.1), "10 % of the paper's stars"),
        (lambda results: [t["history"][-1].update(validation={"total": 0.01}) for t in results["trials"]], "converged"),
    ],
)
def test_nothing_follows_from_too_few_runs_or_stars_or_epochs(change, reason):
    seeds = 1 if reason == "1 seed" else 3
    results = made.phase_1(lambda e, model, seed: made.score(age=0.2 if model == 3 else 0.5), seeds=seeds)
    assert not change(results) or True
    found = {found["claim"]: found for found in findings(results)}["Model 3 has better ages than Model 1"]
    assert found["verdict"] == INCONCLUSIVE and reason in found["reason"]
    assert "80.0 %, Model 1 50.0 %: +30.0" in found["ours"]


def test_models_that_were_not_run_are_inconclusive():
    results = made.phase_1(seeds=3)
    results["trials"] = [trial for trial in results["trials"] if trial["labels"]["model"] != 5]
    found = {found["claim"]: found for found in findings(results)}
    assert found["Model 6 has better ages than Model 5"]["verdict"] == INCONCLUSIVE


@pytest.mark.parametrize(
    "ages, verdict",
    [
        ({"A": 6, "B": 1400, "C": 2700}, CONFIRMED),
        ({"A": 99, "B": 99, "C": 99}, NOT_CONFIRMED),
        ({"A": 9, "B": 9, "C": 9}, NOT_CONFIRMED),
    ],
)
def test_unphysical_ages_of_setup_c(ages, verdict):
    claim = "Setup C gives ages above that of the Universe, Setup A does not"
    results = made.phase_3(lambda setup, seed, bounded: made.score(max_age=12 if bounded else ages[setup]), seeds=3)
    found = verdicts(results)
    assert found[f"{claim} (unbounded heads)"] == verdict
    assert found[f"{claim} (bounded heads)"] == INCONCLUSIVE, "they cannot exceed it"


def test_unphysical_ages_for_some_seeds_are_inconclusive():
    def scores(setup, seed, bounded):
        return made.score(max_age=100 if setup == "C" and seed == 0 else 12)

    found = verdicts(made.phase_3(scores, seeds=3, kinds=(False,)))
    assert found["Setup C gives ages above that of the Universe, Setup A does not"] == INCONCLUSIVE


def test_realism_costs_precision_only_if_bounded_heads_are_worse():
    claim = "Physical ages cost precision: unbounded heads have better ages than bounded ones"
    worse = made.phase_3(lambda setup, seed, bounded: made.score(age=0.7 if bounded else 0.5), seeds=3)
    better = made.phase_3(lambda setup, seed, bounded: made.score(age=0.5 if bounded else 0.7), seeds=3)
    assert (verdicts(worse)[claim], verdicts(better)[claim]) == (CONFIRMED, NOT_CONFIRMED)


def test_findings_of_phase_2():
    best = {("spectrum_depth", 4), ("spectrum_width", 256), ("photometry_depth", 2), ("photometry_width", 256)}
    best |= {("fusion_depth", 4), ("fusion_width", 512)}
    found = verdicts(made.phase_2(age=lambda field, value: 0.3 if (field, value) in best else 0.5, seeds=3))
    assert found["Depth 4 has the best ages of Model 6"] == CONFIRMED
    assert found["Model 6 has better ages than Model 5, each at its best depth"] == CONFIRMED
    assert found["The coordinate ascent ends at the paper's configuration"] == CONFIRMED
    claim = "Widths 128 and 384 give ages above 15 Gyr, width 256 does not"

    def away(field, value, seed):
        return 50 if field == "spectrum_width" and value != 256 else 14.87

    assert verdicts(made.phase_2(max_age=away, seeds=3))[claim] == CONFIRMED
    assert verdicts(made.phase_2(seeds=3))[claim] == NOT_CONFIRMED
    assert verdicts(made.phase_2(bounded=True, seeds=3))[claim] == INCONCLUSIVE
    assert verdicts(made.phase_2(max_age=away))[claim] == INCONCLUSIVE
