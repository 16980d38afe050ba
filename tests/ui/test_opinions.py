"""Words about several answers."""

from stellar_core.inference.agreement import Opinion, gaps
from stellar_core.ui.opinions import disagreement


def opinion(name, age, teff, stage="Cool"):
    bars = {"log_age": {"p16": age - 0.2, "median": age, "p84": age + 0.2}, "teff": {"p16": teff - 50, "median": teff, "p84": teff + 50}}
    return Opinion(name, bars, {stage: 0.8, "Hot": 0.2})


def words(one, other):
    return disagreement(one, other, gaps([one, other]))


def test_agreement_is_one_sentence():
    assert words(opinion("A", 9.8, 5000), opinion("B", 10.05, 5010)) == "A and B agree on the age: 0.25 dex, 0.9 of their errors."


def test_every_disagreement_is_named():
    said = words(opinion("A", 9.8, 5000), opinion("B", 9.1, 5150, "Subgiant"))
    assert "**A and B disagree on the age: 0.70 dex, 2.5 of their errors.**" in said
    assert "They disagree on Teff: 150 K, 2.1 of their errors." in said and "different stages: Cool and Subgiant" in said
    assert "lean apart on the age: 0.40 dex, 1.4" in words(opinion("A", 9.8, 5000), opinion("B", 9.4, 5000))
