"""Real SDSS spectra: a result or an error for every file, and agreement with the SSPP's labels."""

import csv

import numpy as np
import pytest

from stellar_core import Estimator, read_spectrum
from stellar_core.errors import StellarError

pytestmark = pytest.mark.slow

#: Largest |median bias| and scatter (1.4826 MAD) against the SSPP in Teff [K], log g, [Fe/H].
LIMITS = {"teff": (80.0, 110.0), "logg": (0.12, 0.30), "feh": (0.12, 0.12)}


@pytest.fixture(scope="module")
def outcomes(shared_data):
    """(row of the index, result or error message) for each file."""
    estimator, found = Estimator.load(), []
    with open(shared_data / "sdss" / "index.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        try:
            found.append((row, estimator.estimate(read_spectrum(shared_data / "sdss" / row["file"]), samples=10)))
        except StellarError as error:
            found.append((row, str(error)))
    return found


def test_every_file_gives_a_result_or_an_error_of_one_line(outcomes):
    assert len(outcomes) == 112
    for row, outcome in outcomes:
        if isinstance(outcome, str):
            assert "\n" not in outcome and row["kind"] != "STAR", f"{row['file']}: {outcome}"
        else:
            assert 10 ** outcome.draws["log_age"].max() <= 13.8e9


@pytest.mark.parametrize("name", LIMITS)
def test_labelled_stars_agree_with_the_sspp(outcomes, name):
    pairs = [
        (getattr(outcome, name).mean, float(row[f"sspp_{name}"]))
        for row, outcome in outcomes
        if row[f"sspp_{name}"] and not isinstance(outcome, str)
    ]
    difference = np.array([ours - theirs for ours, theirs in pairs])
    bias = np.median(difference)
    scatter = 1.4826 * np.median(np.abs(difference - bias))
    assert len(pairs) >= 32
    assert abs(bias) <= LIMITS[name][0] and scatter <= LIMITS[name][1], f"bias {bias:.3f}, scatter {scatter:.3f}"


def test_galaxies_quasars_and_the_white_dwarf_are_flagged(outcomes):
    others = [outcome for row, outcome in outcomes if row["kind"] != "STAR"]
    flagged = sum(isinstance(outcome, str) or not outcome.verdict.in_domain for outcome in others)
    assert len(others) == 14 and flagged >= 13


def test_good_labelled_stars_are_trusted(outcomes):
    good = [a for row, a in outcomes if row["sspp_teff"] and float(row["sn"]) > 10 and not isinstance(a, str)]
    flagged = [outcome.star for outcome in good if not outcome.verdict.in_domain]
    assert len(good) >= 32 and len(flagged) <= 2, flagged
