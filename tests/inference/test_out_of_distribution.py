"""The out-of-distribution check: one per cent false alarms, and each corruption raises its own diagnostic."""

import numpy as np
import pytest

from stellar_core.evaluation.corruption_tests import cosmic_rays, shuffled, tellurics, tilt, wrong_redshift
from stellar_core.inference.out_of_distribution import MARGIN, SCORES, DomainCheck
from stellar_core.inference.spectral_diagnostics import DIAGNOSTICS, diagnose, line_profile
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.plates import make_plate
from stellar_core.mock.survey import MockSurvey
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import prepare
from stellar_core.spectrum import Spectrum


def invented(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and diagnostics of good stars."""
    base = np.abs(rng.standard_normal((n, 5))) * [1, 0.2, 1, 2, 0.02]
    blue, red = rng.normal(0.3, 0.2, n), rng.normal(0.1, 0.1, n)
    colours = np.column_stack([0.9 * blue + 0.2, 1.1 * red]) + 0.03 * rng.standard_normal((n, 2))
    return rng.standard_normal((n, 64)) @ rng.standard_normal((64, 64)), np.column_stack(
        [base, rng.normal(0, 0.1, n), blue, red, colours]
    )


@pytest.fixture(scope="module")
def check() -> DomainCheck:
    return DomainCheck.fit(*invented(6000, np.random.default_rng(0)))


def test_false_alarms_are_at_most_one_per_cent_in_all(check):
    embedding, found = invented(6000, np.random.default_rng(0))
    scores = check.scores(embedding, found) * MARGIN
    assert 0.005 < ((scores / check.thresholds).max(axis=1) > 1).mean() <= 0.0105


def test_each_diagnostic_raises_its_own_score(check):
    embedding, found = invented(1, np.random.default_rng(5))
    for name, column, value in (
        ("misfit", 0, 20),
        ("spikes", 1, 20),
        ("telluric", 2, 30),
        ("velocity", 3, 60),
        ("lost", 4, 0.5),
        ("slope", 5, 3),
        ("colours", -2, 2.0),
    ):
        moved = found.copy()
        moved[0, column] = value
        scores = check.scores(embedding, moved)[0] / check.thresholds
        assert SCORES[int(scores.argmax())] == name and scores.max() > 1
    assert (check.scores(embedding + 1e3, found) / check.thresholds)[0].argmax() == 0


def test_without_photometry_the_score_of_the_colours_is_zero(check):
    embedding, found = invented(3, np.random.default_rng(6))
    found[:, -2:] = np.nan
    scores = check.scores(embedding, found)
    assert (scores[:, SCORES.index("colours")] == 0).all() and np.isfinite(scores).all()


def test_arrays_survive_a_round_trip(check):
    again = DomainCheck.from_arrays(check.arrays())
    embedding, found = invented(5, np.random.default_rng(7))
    assert np.allclose(again.scores(embedding, found), check.scores(embedding, found))
    short = {**check.arrays(), "domain.thresholds": check.thresholds[:2]}
    assert (DomainCheck.from_arrays(short).thresholds[2:] > 1e8).all()


@pytest.fixture(scope="module")
def sun() -> tuple[Spectrum, np.ndarray]:
    survey = MockSurvey()
    star = survey.examples()[0][0]
    plate = make_plate(survey.seed, star.plate)
    true, row = plate.stars, plate.row(star.fiber)
    return survey.spectrum(star), np.array([[true.teff[row], true.logg[row], true.feh[row]]])


def diagnostics_of(spectrum: Spectrum, atmosphere: np.ndarray) -> dict[str, float]:
    seen = prepare(spectrum)
    arrays = (getattr(seen, name)[None] for name in ("flux", "coverage", "ivar"))
    found = diagnose(
        SpectralEmulator.load(), *arrays, features(spectrum.photometry)[None], atmosphere, np.array([seen.snr])
    )
    return dict(zip(DIAGNOSTICS, found[0]))


@pytest.mark.parametrize(
    "corrupt, name, least",
    [
        (cosmic_rays, "spikes", 1.0),
        (wrong_redshift, "velocity", 10.0),
        (tellurics, "telluric", 5.0),
        (shuffled, "misfit", 2.0),
    ],
)
def test_a_corruption_raises_its_diagnostic(sun, corrupt, name, least):
    spectrum, atmosphere = sun
    before = diagnostics_of(spectrum, atmosphere)[name]
    after = diagnostics_of(corrupt(spectrum, np.random.default_rng(0)), atmosphere)[name]
    assert after > before + least


def test_a_tilt_is_a_slope_and_changes_the_colours(sun):
    spectrum, atmosphere = sun
    before, after = (diagnostics_of(one, atmosphere) for one in (spectrum, tilt(spectrum, np.random.default_rng(0))))
    assert abs(after["slope"] - before["slope"]) == pytest.approx(1.5, abs=0.15)
    assert abs(after["blue"] - before["blue"]) > 0.2 and after["g-r"] == before["g-r"]


def test_a_line_profile_without_lines_is_one():
    flux = np.tile(np.linspace(1.0, 2.0, 6800), (2, 1))
    coverage = np.ones((2, 6800), bool)
    coverage[1, :1000] = False
    found = line_profile(flux, coverage)
    assert np.allclose(found[0, 200:-200], 1.0, atol=1e-3) and np.isnan(found[1, :1000]).all()
