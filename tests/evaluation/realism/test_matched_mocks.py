"""Mock stars have the S/N, velocity, slope and spectrograph of their real star."""

import numpy as np
import pytest

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import SpectrumError
from stellar_core.evaluation.realism.matched_mocks import MatchParameters, _dust, mock_stars, real_stars
from stellar_core.inference.estimator import Estimator
from stellar_core.preprocessing.spectra import prepare

LIKE = MatchParameters((5800.0, 4.3, -0.8), 0.2, -120.0, 30.0, "SDSS", True)


@pytest.fixture(scope="module")
def stars():
    return mock_stars(LIKE, 12, 5)


def test_mock_stars_match_their_real_star(stars):
    assert all(star.source == "mock" for star in stars)
    assert np.median([star.snr for star in stars]) == pytest.approx(30, rel=0.05)
    assert np.median([star.redshift for star in stars]) * SPEED_OF_LIGHT == pytest.approx(-120, abs=6)
    assert 3780 < min(star.wavelength[0] for star in stars) and max(star.wavelength[-1] for star in stars) < 9260


def test_the_same_seed_gives_the_same_stars(stars):
    again, other = mock_stars(LIKE, 12, 5), mock_stars(LIKE, 12, 6)
    assert all(np.array_equal(a.flux, b.flux) for a, b in zip(stars, again))
    assert not any(np.array_equal(a.flux, b.flux) for a, b in zip(stars, other) if a.flux.size == b.flux.size)


def test_the_reddening_of_a_mock_star_is_recovered(stars):
    found = [_dust(prepare(star), LIKE.atmosphere) for star in stars]
    assert np.median(found) == pytest.approx(0.2, abs=0.04)


def test_an_unknown_velocity_stays_unknown():
    faint = mock_stars(MatchParameters((5800.0, 4.3, -0.8), 0.0, 50.0, 30.0, "BOSS", False), 1, 0)
    assert faint[0].redshift is None and faint[0].wavelength[-1] > 10000


def test_a_folder_without_stars(tmp_path):
    (tmp_path / "index.csv").write_text("file,kind\n")
    with pytest.raises(SpectrumError, match="Only 0 real stars"):
        real_stars(tmp_path, Estimator.load())
