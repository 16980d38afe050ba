"""Comparison with real stars: arithmetic on synthetic samples, and the real samples if available."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.evaluation.real_stars import RealSample, compare, library_stars, load_samples, sdss_stars


def test_bias_and_scatter_are_medians():
    labels = np.column_stack([np.full(5, 5000.0), np.full(5, 4.0), np.full(5, -1.0)])
    added = np.array([[0, 0.0, 0], [10, 0.1, 0], [20, 0.2, 0], [30, 0.3, 0], [9000, 9.0, np.nan]])
    found = compare(RealSample("x", tuple("abcde"), (None,) * 5, labels), lambda spectra: labels + added)
    assert found["teff_bias"] == 20 and found["logg_bias"] == pytest.approx(0.2) and found["feh_bias"] == 0
    assert found["teff_scatter"] == pytest.approx(1.4826 * 10, abs=0.1) and found["n"] == 5


def test_missing_data_folder_is_named(tmp_path):
    with pytest.raises(ParameterError, match="index.csv"):
        load_samples(tmp_path)


def test_real_samples(shared_data):
    sdss = sdss_stars(shared_data / "sdss")
    assert len(sdss.spectra) == 32 and sdss.labels[:, 2].max() < -0.8
    stelib = library_stars(shared_data / "library", "STELIB")
    assert 100 < len(stelib.spectra) == len(stelib.labels) == len(stelib.stars)
    assert all(abs(np.median(item.flux[item.coverage]) - 1) < 1e-3 for item in stelib.spectra)
