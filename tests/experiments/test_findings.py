"""Findings follow from the numbers and their errors, either way."""

import pytest

from stellar_core.experiments.findings import FAILS, HOLDS, OPEN, compare, findings, joined
from tests import phase_results as made


def verdicts(results: dict) -> dict[str, str]:
    return {found["claim"]: found["verdict"] for found in findings(results)}


@pytest.mark.parametrize("gain, verdict", [(0.1, HOLDS), (-0.1, FAILS), (0.0, OPEN)])
def test_undersampling_against_weighting(gain, verdict):
    def scores(experiment, model, seed):
        shift = gain if experiment == "B" else 0.0
        wobble = 0.001 * (-1) ** model
        return made.score(0.5 - shift + wobble, 0.3 - shift + wobble, 0.6 + shift + wobble)

    found = verdicts(made.phase_1(scores))
    assert found["Undersampling (B) beats weighting (C), both on the same natural test stars"] == verdict


def test_undersampling_fails_when_one_task_does():
    def scores(experiment, model, seed):
        b = experiment == "B"
        return made.score(0.4 if b else 0.5, 0.3 if b else 0.2, 0.7 if b else 0.6)

    claim = "Undersampling (B) beats weighting (C), each on its own test stars, as in the paper"
    assert verdicts(made.phase_1(scores))[claim] == FAILS


def test_who_wins_which_task():
    def scores(experiment, model, seed):
        return made.score(age=0.3 if model == 3 else 0.5, f1={1: 0.8, 7: 0.9}.get(model, 0.6))

    found = verdicts(made.phase_1(scores))
    assert found["Spectra-only models win the regression"] == HOLDS
    assert found["Among models of one kind of data, MLP-only wins the classification"] == HOLDS
    assert found["MLP-only wins the classification among all eight"] == FAILS


def test_scatter_between_seeds_makes_a_difference_untold():
    def trials(values, name):
        return [made.trial(f"{name}{k}", {"seed": k}, made.score(age=value)) for k, value in enumerate(values)]

    near, far = trials([0.50, 0.51, 0.49], "a"), trials([0.60, 0.61, 0.59], "b")
    assert compare(near, far, "log_age.rmse", "natural").verdict == HOLDS
    assert compare(trials([0.3, 0.7, 0.5], "c"), far, "log_age.rmse", "natural").verdict == OPEN
    assert compare(far, near, "stage.macro_f1", "natural").verdict == OPEN


def test_one_seed_is_said():
    assert any("One seed" in found["ours"] for found in findings(made.phase_1()))
    assert not any("One seed" in found["ours"] for found in findings(made.phase_1(seeds=3)))


@pytest.mark.parametrize(
    "ages, verdict",
    [({"A": 6, "B": 1400, "C": 2700}, HOLDS), ({"A": 99, "B": 99, "C": 99}, FAILS), ({"A": 9, "B": 9, "C": 9}, FAILS)],
)
def test_setup_c_runs_away(ages, verdict):
    found = verdicts(made.phase_3(lambda setup, seed, bounded: made.score(max_age=12 if bounded else ages[setup])))
    assert found["Setup C runs away and Setup A does not (unbounded heads)"] == verdict
    assert found["Setup C runs away and Setup A does not (bounded heads)"] == FAILS


def test_setup_c_that_runs_away_for_some_seeds_is_open():
    def scores(setup, seed, bounded):
        return made.score(max_age=100 if setup == "C" and seed == 0 else 12)

    assert verdicts(made.phase_3(scores))["Setup C runs away and Setup A does not (unbounded heads)"] == OPEN


def test_realism_costs_precision_only_if_bounded_heads_are_worse():
    claim = "Physical ages cost precision (the precision-realism trade-off)"
    worse = made.phase_3(lambda setup, seed, bounded: made.score(age=0.7 if bounded else 0.5))
    better = made.phase_3(lambda setup, seed, bounded: made.score(age=0.5 if bounded else 0.7))
    assert (verdicts(worse)[claim], verdicts(better)[claim]) == (HOLDS, FAILS)


def test_phase_2():
    found = verdicts(made.phase_2(age=lambda field, value: 0.3 if (field, value) == ("spectrum_depth", 4) else 0.5))
    assert found["Depth 4 is the best of Model 6"] == HOLDS
    assert found["Model 6 beats Model 5 in the regression at its best depth"] == HOLDS
    assert found["The coordinate ascent ends at the paper's configuration"] == HOLDS
    away = made.phase_2(max_age=lambda field, value: 50 if field == "spectrum_width" and value != 256 else 12)
    claim = "Widths 128 and 384 give ages beyond the Universe's, width 256 does not"
    assert verdicts(away)[claim] == HOLDS and verdicts(made.phase_2())[claim] == FAILS
    assert verdicts(made.phase_2(bounded=True))[claim] == OPEN


def test_the_floor_and_the_papers_own_range_are_in_every_phase():
    for results in (made.phase_1(), made.phase_2(), made.phase_3()):
        found = verdicts(results)
        assert found["The labels can be reproduced to the paper's best figures"] == FAILS
        assert found["The models of Table 4 beat a constant"] == FAILS
    reachable = made.phase_1()
    reachable["yardsticks"]["natural"]["floor"] = made.score(0.05, 0.05, 0.99)
    assert verdicts(reachable)["The labels can be reproduced to the paper's best figures"] == HOLDS


def test_joined():
    assert (joined([HOLDS, HOLDS]), joined([HOLDS, OPEN]), joined([OPEN, FAILS])) == (HOLDS, OPEN, FAILS)
