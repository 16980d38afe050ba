"""Stars of a phase: the paper's cuts, made once, read from disk."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import DiskArray, make_phase_stars, open_phase_stars, passes, select
from stellar_core.errors import RunError
from stellar_core.preprocessing.features import FEATURE_NAMES

CONFIG = DataConfig.paper(seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phase") / "stars"
    make_phase_stars(folder, 160, 120, CONFIG)
    return folder


def test_the_sets_have_the_requested_sizes_and_pass_the_cuts(folder):
    stars = open_phase_stars(folder)
    assert (len(stars.train), len(stars.test)) == (160, 120)
    for part in (stars.train, stars.test):
        assert part.truth.snr.min() >= 20.0
        errors = part.inputs.features[:, [FEATURE_NAMES.index(f"psfMagErr_{band}") for band in "ugriz"]]
        assert errors.max() < 0.1
        assert np.isfinite(part.labels.log_age).all() and (part.labels.stage >= 0).all()


def test_the_cuts_are_the_papers(folder):
    stars = open_phase_stars(folder).test
    features, atmosphere = np.array(stars.inputs.features), np.array(stars.labels.atmosphere)
    features[0, FEATURE_NAMES.index("psfMagErr_u")] = 0.11
    features[1, FEATURE_NAMES.index("extinction_z")] = -0.01
    atmosphere[2, 0] = 3000.0
    spoilt = replace(
        stars, inputs=replace(stars.inputs, features=features), labels=replace(stars.labels, atmosphere=atmosphere)
    )
    assert passes(stars).all() and passes(spoilt).tolist() == [False] * 3 + [True] * 117


def test_training_and_test_stars_differ(folder):
    stars = open_phase_stars(folder)
    assert not set(stars.train.truth.log_age.tolist()) & set(stars.test.truth.log_age.tolist())


def test_the_summary_counts_the_stages(folder):
    stars = open_phase_stars(folder)
    counts = stars.summary["sets"]["train"]["stages"]
    assert sum(counts.values()) == 160
    assert list(counts.values()) == np.bincount(stars.train.labels.stage, minlength=5).tolist()


def test_spectra_stay_on_disk_and_selections_are_in_memory(folder):
    stars = open_phase_stars(folder)
    flux = stars.train.inputs.flux
    assert isinstance(flux, DiskArray) and len(flux) == 160 and flux.nbytes == 160 * 6800 * 2
    part = select(stars.train, np.array([3, 5]))
    assert type(part.inputs.flux) is np.ndarray and np.array_equal(part.inputs.flux, flux[[3, 5]])
    assert type(flux[2:4]) is np.ndarray and np.array_equal(np.asarray(flux)[3], flux[3])
    assert np.array_equal(part.truth.log_age, stars.train.truth.log_age[[3, 5]])


def test_stars_are_made_once_and_other_settings_are_refused(folder):
    before = (folder / "train" / "inputs.flux.npy").stat().st_mtime_ns
    make_phase_stars(folder, 160, 120, CONFIG)
    assert (folder / "train" / "inputs.flux.npy").stat().st_mtime_ns == before
    with pytest.raises(RunError, match="belongs to another run"):
        make_phase_stars(folder, 161, 120, CONFIG)
    with pytest.raises(RunError, match="belongs to another run"):
        make_phase_stars(folder, 160, 120, DataConfig.paper(seed=8))


def test_the_same_seed_gives_the_same_stars_even_after_an_interruption(folder, tmp_path):
    (tmp_path / "stars.tmp").mkdir()
    (tmp_path / "stars.tmp" / "rest").write_text("of a killed run")
    make_phase_stars(tmp_path / "stars", 160, 120, CONFIG)
    again, first = open_phase_stars(tmp_path / "stars"), open_phase_stars(folder)
    assert np.array_equal(again.test.inputs.flux, first.test.inputs.flux)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stars"]
