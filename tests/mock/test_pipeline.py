"""The MOCK survey's parameter pipeline: Teff, log g and [Fe/H] from spectrum and colours, with errors as the SSPP's."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.mock.pipeline import BIN, WINDOWS, SpectroscopicPipeline, line_spectrum
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.preprocessing.grid import GRID

DATA = DataConfig(seed=31, snr=(20.0, 80.0), dusty=0.0, missing_stretch=0.0)


@pytest.fixture(scope="module")
def stars():
    return make_stars(500, DATA, "test")


@pytest.fixture(scope="module")
def found(stars):
    return estimate(stars)


def estimate(stars, **changes):
    inputs = replace(stars.inputs, **changes)
    return SpectroscopicPipeline.load().estimate(inputs.flux, inputs.coverage, inputs.features)


def test_errors_are_those_published_for_the_sspp(stars, found):
    """Total errors of 117 K, 0.26 dex and 0.22 dex for 4500 to 7500 K, quoted errors of 30 K, 0.11 dex and 0.04 dex."""
    teff = stars.truth.atmosphere[:, 0]
    use = (found.methods > 0) & (teff > 4500) & (teff < 7500)
    assert use.sum() > 350
    total = np.sqrt(np.mean((found.atmosphere - stars.truth.atmosphere)[use] ** 2, axis=0))
    assert total == pytest.approx([117, 0.26, 0.22], rel=0.3)
    assert np.median(found.error[use], axis=0) == pytest.approx([30, 0.11, 0.037], rel=0.25)


def test_an_estimate_follows_from_the_spectrum_alone(stars, found):
    again = estimate(stars)
    assert np.array_equal(found.atmosphere, again.atmosphere, equal_nan=True)
    alone = make_rows(stars, slice(7, 8))
    assert alone.atmosphere == pytest.approx(found.atmosphere[7:8], rel=1e-5)


def make_rows(stars, rows):
    return SpectroscopicPipeline.load().estimate(
        *(getattr(stars.inputs, name)[rows] for name in ("flux", "coverage", "features"))
    )


def test_a_method_with_a_gap_gives_nothing_and_the_others_do(stars, found):
    coverage = stars.inputs.coverage.copy()
    coverage[:, (GRID > 3900) & (GRID < 3970)] = False  # 18 % of the blue range, 3 % of the optical one
    fewer = estimate(stars, coverage=coverage)
    known = found.methods == len(WINDOWS)
    assert known.mean() > 0.8 and np.mean(fewer.methods[known] == len(WINDOWS) - 1) > 0.95
    assert (fewer.methods[known] < len(WINDOWS)).all() and np.isfinite(fewer.atmosphere[known]).all()


def test_no_parameters_without_spectrum_or_outside_the_colours(stars):
    none = estimate(stars, coverage=np.zeros_like(stars.inputs.coverage))
    assert (none.methods == 0).all() and np.isnan(none.atmosphere).all() and np.isnan(none.error).all()
    features = stars.inputs.features.copy()
    features[:, FEATURE_NAMES.index("g-r")] = 1.4
    assert (estimate(stars, features=features).methods == 0).all()


def test_line_spectrum_of_a_slope_is_flat_and_of_a_line_is_not():
    flux, coverage = (1.0 + (GRID - 7000.0) / 20_000.0)[None], np.ones((1, GRID.size), bool)
    lines, covered = line_spectrum(flux, coverage, WINDOWS["green"])
    assert lines.shape == (1, (5500 - 4400) / BIN) and covered == 1.0
    assert np.abs(lines).max() < 1e-3
    flux[0, (GRID >= 4860) & (GRID < 4865)] *= 0.5
    lines, _ = line_spectrum(flux, coverage, WINDOWS["green"])
    assert lines.argmin() == (4860 - 4400) / BIN and lines.min() == pytest.approx(-0.49, abs=0.02)


def test_missing_pixels_of_a_line_spectrum_are_zero():
    flux, coverage = np.full((1, GRID.size), 3.0), np.ones((1, GRID.size), bool)
    coverage[0, (GRID >= 5000) & (GRID < 5110)] = False
    flux[~coverage] = 1.0
    lines, covered = line_spectrum(flux, coverage, WINDOWS["green"])
    assert np.abs(lines).max() < 1e-6 and covered == pytest.approx(0.9)


def test_labels_of_the_spectroscopic_pipeline_and_the_same_stars(stars, found):
    own = make_stars(500, replace(DATA, pipeline="spectroscopic", look_up="interpolated"), "test")
    rows = np.flatnonzero(np.isin(stars.truth.log_age, own.truth.log_age))
    assert len(rows) == len(own) > 0.9 * len(stars)
    assert np.array_equal(stars.inputs.flux[rows], own.inputs.flux)
    assert np.array_equal(stars.labels.reference[rows], own.labels.reference)
    assert own.labels.atmosphere == pytest.approx(found.atmosphere[rows], rel=1e-4, abs=5e-3)
    assert np.mean(own.labels.log_age < np.log10(0.5e9)) < 0.03 < np.mean(stars.labels.log_age < np.log10(0.5e9))
