"""Verdicts on the paper's findings follow from the scores and their errors."""

import pytest

from stellar_core.experiments.findings import CONFIRMED, INCONCLUSIVE, NOT_CONFIRMED, combine, compare, findings
from tests import phase_results as made


def verdicts(results: dict) -> dict[str, str]:
    return {found["claim"]: found["verdict"] for found in findings(results)}


@pytest.mark.parametrize("gain, verdict", [(0.1, CONFIRMED), (-0.1, NOT_CONFIRMED), (0.0, INCONCLUSIVE)])
def test_undersampling_against_weighting(gain, verdict):
    def scores(experiment, model, seed):
        shift = gain if experiment == "B" else 0.0
        wobble = 0.001 * (-1) ** model
        return made.score(0.5 - shift + wobble, 0.3 - shift + wobble, 0.6 + shift + wobble)

    found = verdicts(made.phase_1(scores))
    assert found["Undersampling (B) beats weighting (C), both on the same natural test stars"] == verdict


def test_undersampling_is_not_confirmed_if_one_task_is_not():
    def scores(experiment, model, seed):
        b = experiment == "B"
        return made.score(0.4 if b else 0.5, 0.3 if b else 0.2, 0.7 if b else 0.6)

    claim = "Undersampling (B) beats weighting (C), each on its own test stars, as in the paper"
    assert verdicts(made.phase_1(scores))[claim] == NOT_CONFIRMED


def test_best_models_of_regression_and_classification():
    def scores(experiment, model, seed):
        return made.score(age=0.3 if model == 3 else 0.5, f1={1: 0.8, 7: 0.9}.get(model, 0.6))

    found = verdicts(made.phase_1(scores))
    assert found["Spectra-only models win the regression"] == CONFIRMED
    assert found["Among models of one kind of data, MLP-only wins the classification"] == CONFIRMED
    assert found["MLP-only wins the classification among all eight"] == NOT_CONFIRMED


def test_scatter_between_seeds_makes_a_difference_inconclusive():
    def trials(values, name):
        return [made.trial(f"{name}{k}", {"seed": k}, made.score(age=value)) for k, value in enumerate(values)]

    near, far = trials([0.50, 0.51, 0.49], "a"), trials([0.60, 0.61, 0.59], "b")
    assert compare(near, far, "log_age.rmse", "natural").verdict == CONFIRMED
    assert compare(trials([0.3, 0.7, 0.5], "c"), far, "log_age.rmse", "natural").verdict == INCONCLUSIVE
    assert compare(far, near, "stage.macro_f1", "natural").verdict == INCONCLUSIVE


def test_findings_mention_a_single_seed():
    assert any("One seed" in found["ours"] for found in findings(made.phase_1()))
    assert not any("One seed" in found["ours"] for found in findings(made.phase_1(seeds=3)))


@pytest.mark.parametrize(
    "ages, verdict",
    [
        ({"A": 6, "B": 1400, "C": 2700}, CONFIRMED),
        ({"A": 99, "B": 99, "C": 99}, NOT_CONFIRMED),
        ({"A": 9, "B": 9, "C": 9}, NOT_CONFIRMED),
    ],
)
def test_unphysical_ages_of_setup_c(ages, verdict):
    found = verdicts(made.phase_3(lambda setup, seed, bounded: made.score(max_age=12 if bounded else ages[setup])))
    assert found["Setup C predicts ages above that of the Universe, Setup A does not (unbounded heads)"] == verdict
    assert found["Setup C predicts ages above that of the Universe, Setup A does not (bounded heads)"] == NOT_CONFIRMED


def test_unphysical_ages_for_some_seeds_are_inconclusive():
    def scores(setup, seed, bounded):
        return made.score(max_age=100 if setup == "C" and seed == 0 else 12)

    assert (
        verdicts(made.phase_3(scores))[
            "Setup C predicts ages above that of the Universe, Setup A does not (unbounded heads)"
        ]
        == INCONCLUSIVE
    )


def test_realism_costs_precision_only_if_bounded_heads_are_worse():
    claim = "Physical ages cost precision (the precision-realism trade-off)"
    worse = made.phase_3(lambda setup, seed, bounded: made.score(age=0.7 if bounded else 0.5))
    better = made.phase_3(lambda setup, seed, bounded: made.score(age=0.5 if bounded else 0.7))
    assert (verdicts(worse)[claim], verdicts(better)[claim]) == (CONFIRMED, NOT_CONFIRMED)


def test_findings_of_phase_2():
    found = verdicts(made.phase_2(age=lambda field, value: 0.3 if (field, value) == ("spectrum_depth", 4) else 0.5))
    assert found["Depth 4 is the best of Model 6"] == CONFIRMED
    assert found["Model 6 beats Model 5 in the regression at its best depth"] == CONFIRMED
    assert found["The coordinate ascent ends at the paper's configuration"] == CONFIRMED
    away = made.phase_2(max_age=lambda field, value: 50 if field == "spectrum_width" and value != 256 else 12)
    claim = "Widths 128 and 384 give ages above that of the Universe, width 256 does not"
    assert verdicts(away)[claim] == CONFIRMED and verdicts(made.phase_2())[claim] == NOT_CONFIRMED
    assert verdicts(made.phase_2(bounded=True))[claim] == INCONCLUSIVE


def test_floor_and_constant_are_findings_of_every_phase():
    for results in (made.phase_1(), made.phase_2(), made.phase_3()):
        found = verdicts(results)
        assert found["The labels can be predicted as well as the paper's best scores"] == NOT_CONFIRMED
        assert found["The models of Table 4 beat a constant"] == NOT_CONFIRMED
    reachable = made.phase_1()
    reachable["yardsticks"]["natural"]["floor"] = made.score(0.05, 0.05, 0.99)
    assert verdicts(reachable)["The labels can be predicted as well as the paper's best scores"] == CONFIRMED


def test_combined_verdicts():
    assert (
        combine([CONFIRMED, CONFIRMED]),
        combine([CONFIRMED, INCONCLUSIVE]),
        combine([INCONCLUSIVE, NOT_CONFIRMED]),
    ) == (CONFIRMED, INCONCLUSIVE, NOT_CONFIRMED)
