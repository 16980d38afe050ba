"""The rule for verdicts."""

import numpy as np
import pytest

from stellar_core.experiments import verdict
from stellar_core.experiments.skill import PARTS, SkillSample
from stellar_core.experiments.verdict import (
    CONFIRMED,
    INCONCLUSIVE,
    NOT_CONFIRMED,
    Judgement,
    by_numbers,
    combine,
    converged,
    doubts_about,
    judge,
    judge_seeds,
)


def sample(*seeds: float) -> SkillSample:
    return SkillSample(np.array(seeds), np.full(PARTS, np.mean(seeds)), 0.0, "natural")


@pytest.mark.parametrize(
    "gain, error, expected",
    [
        (0.05, 0.02, CONFIRMED),
        (0.05, 0.03, INCONCLUSIVE),
        (-0.05, 0.02, NOT_CONFIRMED),
        (0.0, 0.001, NOT_CONFIRMED),  # no gain that matters
        (0.002, 0.0005, CONFIRMED),
        (0.0, 0.02, INCONCLUSIVE),
    ],
)
def test_differences(gain, error, expected):
    assert by_numbers(gain, error) == expected


def test_scatter_between_seeds_makes_a_difference_inconclusive():
    far = sample(0.30, 0.31, 0.29)
    assert judge(sample(0.40, 0.41, 0.39), far, ("a", "b"), []).verdict == CONFIRMED
    found = judge(sample(0.2, 0.6, 0.4), far, ("a", "b"), [])
    assert found.verdict == INCONCLUSIVE and not found.reasons and found.seeds == 3
    assert found.words == "a 40.0 %, b 30.0 %: +10.0 ± 11.6"


def test_two_seeds_or_a_doubt_are_inconclusive():
    near, far = sample(0.40, 0.41), sample(0.30, 0.31, 0.29)
    assert judge(near, far, ("a", "b"), []).reasons == ("2 seeds",)
    found = judge(sample(0.40, 0.41, 0.39), far, ("a", "b"), ["few stars"])
    assert (found.verdict, found.reasons) == (INCONCLUSIVE, ("few stars",))


def test_networks_that_are_no_better_than_their_constant_say_nothing():
    found = judge(sample(-0.1, -0.11, -0.09), sample(-0.3, -0.31, -0.29), ("a", "b"), [])
    assert found.verdict == INCONCLUSIVE and "constant" in found.reasons[0]


def test_claims_that_hold_or_not_for_each_seed():
    assert judge_seeds([True] * 3, [False] * 3, "", []).verdict == CONFIRMED
    assert judge_seeds([False] * 3, [True] * 3, "", []).verdict == NOT_CONFIRMED
    assert judge_seeds([True, True, False], [False, False, True], "", []).verdict == INCONCLUSIVE
    assert judge_seeds([True], [False], "", []).reasons == ("1 seed",)
    assert judge_seeds([], [], "", []).verdict == INCONCLUSIVE


def test_combined_verdicts():
    def joined(*verdicts: str) -> str:
        return combine([Judgement(one, "w", (), 3) for one in verdicts]).verdict

    assert joined(CONFIRMED, CONFIRMED) == CONFIRMED
    assert joined(CONFIRMED, INCONCLUSIVE) == INCONCLUSIVE
    assert joined(INCONCLUSIVE, NOT_CONFIRMED) == NOT_CONFIRMED
    parts = [Judgement(INCONCLUSIVE, word, ("1 seed",), 1) for word in "ab"]
    assert combine(parts) == Judgement(INCONCLUSIVE, "a; b", ("1 seed",), 1)


def trial(*losses: float) -> dict:
    return {"history": [{"validation": {"total": loss}} for loss in losses]}


def test_convergence():
    assert converged(trial(3, 2, 1.02, 1.01, 1.0)) and not converged(trial(3, 2, 1.5, 1.2, 1.0))
    assert converged(trial(3, 2, 1, 1.1, 1.2)) and not converged(trial(1.0))
    assert converged({"curves": {"validation": {"total": [3, 1, 1]}}})
    assert not converged({"history": [{"validation": None}]})


def test_doubts():
    assert doubts_about([trial(3, 1, 1)], 0.5) == [] and doubts_about([trial(3, 1, 1)], 0.06) == [
        "6 % of the paper's stars"
    ]
    assert doubts_about([trial(3, 1, 1), trial(3, 2, 1)], 1.0) == ["1 of 2 runs had not converged"]


def test_the_rule_states_its_numbers():
    for words in (
        f"at least {verdict.SEEDS} seeds",
        f"{verdict.SIGMAS:g} errors",
        f"{100 * verdict.SCALE:g} % of the paper's",
    ):
        assert words in verdict.RULE
