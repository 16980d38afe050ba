"""Words about several answers."""

from stellar_core.inference.tension import Opinion, gaps
from stellar_core.ui.star.estimates import disagreement, pipeline, pipeline_note


def opinion(name, age, teff, stage="Cool"):
    bars = {
        "log_age": {"p16": age - 0.2, "median": age, "p84": age + 0.2},
        "teff": {"p16": teff - 50, "median": teff, "p84": teff + 50},
    }
    return Opinion(name, bars, {stage: 0.8, "Hot": 0.2})


def words(one, other):
    return disagreement(one, other, gaps([one, other]))


def test_agreement_is_one_sentence():
    assert (
        words(opinion("A", 9.8, 5000), opinion("B", 10.05, 5010))
        == "A and B agree on the age: 0.25 dex, 0.9 of their errors."
    )


def test_every_disagreement_is_named():
    said = words(opinion("A", 9.8, 5000), opinion("B", 9.1, 5150, "Subgiant"))
    assert "**A and B disagree on the age: 0.70 dex, 2.5 of their errors.**" in said
    assert (
        "They disagree on Teff: 150 K, 2.1 of their errors." in said and "different stages: Cool and Subgiant" in said
    )
    assert "lean apart on the age: 0.40 dex, 1.4" in words(opinion("A", 9.8, 5000), opinion("B", 9.4, 5000))


def test_the_pipeline_has_a_say_on_the_atmosphere_alone():
    meta = {
        "sspp_teff": 5200.0,
        "sspp_teff_err": 60.0,
        "sspp_logg": 4.4,
        "sspp_logg_err": 0.2,
        "sspp_feh": -0.5,
        "sspp_feh_err": 0.1,
    }
    survey = pipeline(meta)
    assert (
        survey.intervals["logg"] == {"p16": 4.2, "median": 4.4, "p84": 4.6000000000000005}
        and "log_age" not in survey.intervals
    )
    assert words(opinion("A", 9.8, 5010), survey) == "A and SSPP disagree on Teff: 190 K, 2.4 of their errors."
    assert words(opinion("A", 9.8, 5190), survey) == ""
    assert (
        pipeline({**meta, "sspp_feh_err": None}) is None
        and pipeline({**meta, "sspp_feh_err": float("nan")}) is None
        and pipeline({}) is None
    )


def test_the_pipeline_without_errors_is_told_in_words():
    meta = {"sspp_teff": 6726.0, "sspp_logg": 3.94, "sspp_feh": -1.15}
    assert pipeline_note(meta) == "SSPP gives 6726 K, log g 3.94 and [Fe/H] −1.15, without all of their errors."
    assert "[Fe/H] +0.00" in pipeline_note({**meta, "sspp_feh": 0.0})
    errors = {"sspp_teff_err": 50.0, "sspp_logg_err": 0.1, "sspp_feh_err": 0.05}
    assert (
        pipeline_note({**meta, **errors})
        == ""
        == pipeline_note({})
        == pipeline_note({**meta, "sspp_feh": None})
        == pipeline_note({**meta, "sspp_logg": float("nan")})
    )
