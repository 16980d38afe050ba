"""Real SDSS spectra: every file ends with an answer or a sentence, and labelled stars come out right."""

import csv

import numpy as np
import pytest

from stellar_core import Estimator, read_spectrum
from stellar_core.errors import StellarError

#: Largest |median bias| and scatter (1.4826 MAD) against the SSPP in Teff [K], log g, [Fe/H].
LIMITS = {"teff": (80.0, 110.0), "logg": (0.12, 0.30), "feh": (0.12, 0.12)}


@pytest.fixture(scope="module")
def answers(shared_data):
    """(row of the index, result or the sentence) for each file."""
    estimator, found = Estimator.load(), []
    with open(shared_data / "sdss" / "index.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        try:
            found.append((row, estimator.estimate(read_spectrum(shared_data / "sdss" / row["file"]), samples=10)))
        except StellarError as error:
            found.append((row, str(error)))
    return found


def test_every_file_ends_with_a_result_or_one_sentence(answers):
    assert len(answers) == 112
    for row, answer in answers:
        if isinstance(answer, str):
            assert "\n" not in answer and row["kind"] != "STAR", f"{row['file']}: {answer}"
        else:
            assert 10 ** answer.draws["log_age"].max() <= 13.8e9


@pytest.mark.parametrize("name", LIMITS)
def test_labelled_stars_agree_with_the_sspp(answers, name):
    pairs = [
        (getattr(answer, name).mean, float(row[f"sspp_{name}"]))
        for row, answer in answers
        if row[f"sspp_{name}"] and not isinstance(answer, str)
    ]
    difference = np.array([ours - theirs for ours, theirs in pairs])
    bias = np.median(difference)
    scatter = 1.4826 * np.median(np.abs(difference - bias))
    assert len(pairs) >= 32
    assert abs(bias) <= LIMITS[name][0] and scatter <= LIMITS[name][1], f"bias {bias:.3f}, scatter {scatter:.3f}"


def test_galaxies_quasars_and_the_white_dwarf_are_caught(answers):
    others = [answer for row, answer in answers if row["kind"] != "STAR"]
    caught = sum(isinstance(answer, str) or not answer.verdict.in_domain for answer in others)
    assert len(others) == 14 and caught >= 13


def test_good_labelled_stars_are_not_refused(answers):
    good = [a for row, a in answers if row["sspp_teff"] and float(row["sn"]) > 10 and not isinstance(a, str)]
    refused = [answer.star for answer in good if not answer.verdict.in_domain]
    assert len(good) >= 32 and len(refused) <= 2, refused
