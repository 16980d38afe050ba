"""Tension between estimates, in words."""

from stellar_core.inference.tension import Estimate, tensions
from stellar_core.ui.star.estimates import describe_tension, pipeline_estimate, pipeline_note


def estimate(name, age, teff, stage="Cool"):
    bars = {
        "log_age": {"p16": age - 0.2, "median": age, "p84": age + 0.2},
        "teff": {"p16": teff - 50, "median": teff, "p84": teff + 50},
    }
    return Estimate(name, bars, {stage: 0.8, "Hot": 0.2})


def words(one, other):
    return describe_tension(one, other, tensions([one, other]))


def test_agreement_is_one_sentence():
    assert words(estimate("A", 9.8, 5000), estimate("B", 10.05, 5010)) == "A and B agree on the age (0.25 dex, 0.9σ)."


def test_every_disagreement_is_described():
    found = words(estimate("A", 9.8, 5000), estimate("B", 9.1, 5150, "Subgiant"))
    assert "**A and B disagree on the age (0.70 dex, 2.5σ).**" in found
    assert "They disagree on Teff (150 K, 2.1σ)." in found
    assert "stages differ: Main sequence (below 5200 K) and Subgiant" in found
    assert "in mild tension on the age (0.40 dex, 1.4σ)" in words(estimate("A", 9.8, 5000), estimate("B", 9.4, 5000))


def test_the_pipeline_is_compared_on_the_atmosphere_only():
    meta = {
        "sspp_teff": 5200.0,
        "sspp_teff_err": 60.0,
        "sspp_logg": 4.4,
        "sspp_logg_err": 0.2,
        "sspp_feh": -0.5,
        "sspp_feh_err": 0.1,
    }
    survey = pipeline_estimate(meta)
    assert survey.intervals["logg"] == {"p16": 4.2, "median": 4.4, "p84": 4.6000000000000005}
    assert "log_age" not in survey.intervals
    assert words(estimate("A", 9.8, 5010), survey) == "A and SSPP disagree on Teff (190 K, 2.4σ)."
    assert words(estimate("A", 9.8, 5190), survey) == ""
    assert pipeline_estimate({**meta, "sspp_feh_err": None}) is None
    assert pipeline_estimate({**meta, "sspp_feh_err": float("nan")}) is None
    assert pipeline_estimate({}) is None


def test_pipeline_values_without_errors_are_listed_in_a_note():
    meta = {"sspp_teff": 6726.0, "sspp_logg": 3.94, "sspp_feh": -1.15}
    assert pipeline_note(meta) == "SSPP: 6726 K, log g 3.94, [Fe/H] −1.15; some errors are missing."
    assert "[Fe/H] +0.00" in pipeline_note({**meta, "sspp_feh": 0.0})
    errors = {"sspp_teff_err": 50.0, "sspp_logg_err": 0.1, "sspp_feh_err": 0.05}
    assert (
        pipeline_note({**meta, **errors})
        == ""
        == pipeline_note({})
        == pipeline_note({**meta, "sspp_feh": None})
        == pipeline_note({**meta, "sspp_logg": float("nan")})
    )
