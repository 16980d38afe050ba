"""One sentence on a star."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.inference.reliability import assess
from stellar_core.inference.summary_sentence import age_beyond_lifetime, place_in_life, stage_name, summary_sentence
from tests.inference.made_results import GOOD, card, made_result

BELIEVED = {"wrong_parallax": 0.0}


def sentence(*args, **options) -> str:
    result = made_result(*args, **options)
    return summary_sentence(result, assess(result, card(GOOD)))


def test_a_dwarf():
    assert sentence(3.2, 0.27, 12.3) == (
        "Main-sequence star of about 1.0 Msun, early in its 12.3 Gyr; a spectrum of this kind cannot tell its age to "
        "better than a factor of two."
    )
    assert "somewhere between" in sentence(5.0, 0.22, 9.0)
    assert sentence(6.6, 0.08, 12.3) == (
        "Main-sequence star of about 1.0 Msun, just past half of its 12.3 Gyr; its age is known to about 20 %."
    )


def test_a_subgiant():
    words = sentence(5.5, 0.05, 6.1, mass=1.23, stage={"Subgiant": 0.9, "Medium": 0.1})
    assert words.startswith("Subgiant of about 1.2 Msun, late in its 6.1 Gyr; its age is known to about 1")


def test_a_giant_and_a_star_between_two_stages():
    assert sentence(0.9, 0.15, 0.92, mass=2.4, stage={"Red Giant": 1.0}).startswith(
        "Red giant of about 2.4 Msun, near the end of its 0.92 Gyr; "
    )
    assert stage_name({"Cool": 0.3, "Medium": 0.3, "Subgiant": 0.4}) == "Main-sequence star or subgiant"


def test_a_prior_dominated_dwarf_that_outlives_the_universe():
    words = sentence(7.0, np.inf, 30.0, mass=0.7, stage={"Cool": 1.0})
    assert words.endswith("this spectrum says little about its age.") and "a life of 30 Gyr" in words


@pytest.mark.parametrize(
    ("spread", "end"),
    [
        (0.05, "with its parallax its age is known to about 12 %."),
        (np.inf, "even with its parallax the data say little about its age."),
    ],
)
def test_a_star_with_a_parallax(spread, end):
    assert sentence(7.0, spread, 25.0, parallax=BELIEVED).endswith(end)


def test_a_parallax_that_is_not_believed_is_not_praised():
    assert "parallax" not in sentence(6.6, 0.05, 12.3, parallax={"wrong_parallax": 0.9})


def test_an_untrusted_object_has_no_age():
    assert sentence(6.6, 0.05, 12.3, trusted=False) == (
        "No age can be given: the spectrum differs from those the model was trained on."
    )


def test_an_age_beyond_the_lifetime_is_said():
    words = sentence(11.8, 0.05, 7.9, mass=None)
    assert words.startswith("Main-sequence star; its age of 11.8 Gyr exceeds its lifetime of 7.9 Gyr: the paper's")
    assert age_beyond_lifetime({"median": 9.5}, {"median": 9.9}) == ""


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (0.5, "at the beginning"),
        (2, "early"),
        (4, "in the first half"),
        (4.8, "just short of half"),
        (5.3, "just past half"),
        (7, "in the second half"),
        (9, "late"),
        (9.9, "near the end"),
    ],
)
def test_every_part_of_a_life_has_its_words(age, words):
    assert place_in_life(made_result(age, 0.01, 10.0)).startswith(words)
