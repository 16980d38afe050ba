"""Words about two opinions."""

from stellar_core.ui.spread import disagreement

ONE = {"median": 9.8, "p16": 9.6, "p84": 10.0}


def test_agreement_is_measured_in_both_widths():
    assert "agree on the age: 0.25 dex apart, 0.28" in disagreement(ONE, {"median": 10.05, "p16": 9.85, "p84": 10.25})


def test_disagreement_is_named():
    words = disagreement(ONE, {"median": 9.1, "p16": 9.05, "p84": 9.15})
    assert words.startswith("**Network and isochrones disagree on the age**: 0.70 dex")
