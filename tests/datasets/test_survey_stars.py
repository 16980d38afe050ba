"""Training reads an acquisition's store batch by batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stellar_core.datasets.memmap_stars import DiskArray, open_set
from stellar_core.datasets.survey_stars import (
    check_number,
    open_stored_stars,
    same_star,
    sample_survey,
    spread,
    write_rows,
)
from stellar_core.errors import ParameterError
from stellar_core.isochrones import LOOK_UPS
from stellar_core.survey.plan import Plan
from stellar_core.training.batches import Batches
from tests.small_store import make_store
from tests.standin.acquire import acquire


@pytest.fixture(scope="module")
def stars(sdss_server, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        sdss_server.forget()
        patch.setenv("STELLAR_SAS_URL", sdss_server.sas)
        patch.setenv("STELLAR_SKYSERVER_URL", sdss_server.skyserver)
        out = tmp_path_factory.mktemp("acquisition")
        acquire(out, Plan(first_plate=16000, last_plate=16001, plates_per_page=2, stars=30, chunk=12))
    return open_stored_stars(out / "store")


def test_a_batch_holds_its_rows(stars):
    assert len(stars) == 30
    rows = np.array([29, 3, 3, 17])
    batch = Batches(stars, torch.device("cpu"))(rows)
    assert set(batch) == {"flux", "coverage", "features", "root_ivar", "log_age", "log_lifetime", "stage", "atmosphere"}
    assert (
        batch["flux"].shape == (4, 6800) and batch["features"].shape == (4, 29) and batch["stage"].dtype == torch.int64
    )
    assert all(torch.isfinite(tensor).all() for tensor in batch.values())
    torch.testing.assert_close(batch["flux"][1], batch["flux"][2])
    np.testing.assert_allclose(np.median(batch["flux"].numpy(), axis=1), 1.0, atol=0.1)
    np.testing.assert_array_equal(batch["log_age"], stars.labels.log_age[rows])


def test_labels_and_parameters_are_not_inputs(stars):
    assert set(vars(stars.inputs)) == {"flux", "coverage", "features", "root_ivar"}
    teff = stars.labels.atmosphere[:, 0]
    features = np.asarray(stars.inputs.features)
    assert not any(np.allclose(features[:, column], teff) for column in range(29)) and np.abs(features).max() < 50


def test_a_network_can_be_trained_on_a_store(stars):
    layer = torch.nn.Linear(29, 1)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    steps, batches = torch.optim.Adam(layer.parameters(), 0.01), Batches(stars, torch.device("cpu"))
    losses = []
    for _ in range(40):
        batch = batches(np.arange(30))
        loss = ((layer(batch["features"] / 20)[:, 0] + 9.5 - batch["log_age"]) ** 2).mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """300 stars on plates of SDSS and of the MOCK survey; 15 of them twice."""
    return make_store(tmp_path_factory.mktemp("invented") / "store")


def places(sample, rows: np.ndarray) -> set[int]:
    """The stars of ``rows``, by their right ascension in steps of 0.1 degrees."""
    return set(np.round((sample.columns["ra"][rows] - 10.0) / 0.1).astype(int).tolist())


def test_no_star_is_in_two_sets_though_some_were_observed_twice(store):
    sample = sample_survey(store)
    assert sample.repeats == 15 and (sample.kind, sample.survey) == ("REAL and MOCK", "SDSS DR17 and MOCK survey")
    sets = {name: places(sample, rows) for name, rows in sample.rows.items()}
    assert sum(map(len, sets.values())) == len(set.union(*sets.values())) == 300
    assert all(len(sample.rows[name]) == len(sets[name]) for name in sets), "one spectrum of each star"
    assert 15 <= len(sets["test"]) <= 45 and 15 <= len(sets["calibration"]) <= 45
    twice = sample.join("training", "calibration", "test")
    better = sample.columns["snr"] == 40.0
    assert better[twice].sum() == 15, "the better spectrum is taken"


def test_test_stars_are_the_same_for_every_sample_and_after_more_were_fetched(store, tmp_path):
    whole, part = sample_survey(store), sample_survey(store, 120)
    assert sum(map(len, part.rows.values())) == pytest.approx(120, abs=1)
    for name in whole.rows:
        assert set(part.rows[name]) <= set(whole.rows[name])
    longer = sample_survey(make_store(tmp_path / "store", stars=400))
    before, after = (places(one, one.rows["test"]) for one in (whole, longer))
    assert before == {star for star in after if star < 300}


def test_a_sample_is_spread_over_the_plates(store):
    sample = sample_survey(store, 60)
    rows = sample.join("training", "calibration", "test")
    counts = np.unique(sample.columns["plate"][rows], return_counts=True)[1]
    assert len(counts) == 4 and counts.min() >= 12
    assert (
        len(sample.take("training", 8)) == 8
        and len(np.unique(sample.columns["plate"][sample.take("training", 8)])) == 4
    )
    chosen = sample_survey(store, chosen=lambda atmosphere, snr: atmosphere[:, 0] > 5600)
    assert (chosen.stars.labels.atmosphere[chosen.rows["training"], 0] > 5600).all()


def test_spread_takes_from_each_plate_in_proportion():
    plate = np.repeat([1, 2, 3], [100, 50, 10])
    rows = spread(np.arange(160), plate, np.arange(160).astype(np.uint64), 16)
    assert np.unique(plate[rows], return_counts=True)[1].tolist() == [10, 5, 1]
    assert np.array_equal(rows, spread(np.arange(160)[::-1], plate, np.arange(160).astype(np.uint64), 16))
    assert not np.array_equal(rows[:10], np.arange(10)), "not the lowest ids"


def test_spectra_within_two_arcseconds_are_of_one_star():
    ra = np.array([10.0, 10.0 + 1.5 / 3600, 10.0 + 5 / 3600, 359.9999, 0.0001, np.nan])
    dec = np.array([0.0, 0.0, 0.0, 60.0, 60.0, 0.0])
    numbers = same_star(ra, dec)
    assert numbers[0] == numbers[1] and numbers[3] == numbers[4] and len(set(numbers.tolist())) == 4
    assert same_star(np.array([]), np.array([])).tolist() == []


def test_held_out_stars_have_their_labels_in_place_of_the_truth(store):
    held = sample_survey(store).held_out("test", 10)
    assert len(held) == 10 and held.truth.log_age == pytest.approx(held.labels.log_age)
    assert (held.truth.track_log_lifetime >= held.truth.log_age).all() and (held.truth.snr >= 25).all()


def test_stars_on_disk_are_those_of_the_store(store, tmp_path):
    sample = sample_survey(store, 100)
    rows = sample.rows["training"]
    summary = write_rows(tmp_path / "train", sample.stars, rows)
    stars = open_set(tmp_path / "train")
    assert summary["kept"] == len(stars) == len(rows) and stars.truth is None
    assert isinstance(stars.inputs.flux, DiskArray)
    for name in ("flux", "coverage", "root_ivar", "features"):
        assert np.array_equal(np.asarray(getattr(stars.inputs, name)), getattr(sample.stars.inputs, name)[rows])
    assert np.array_equal(stars.labels.reference, stars.labels.atmosphere)
    batch = Batches(stars, torch.device("cpu"))(np.array([3, 1]))
    np.testing.assert_array_equal(batch["log_age"], stars.labels.log_age[[3, 1]])


def test_labels_by_interpolation(store):
    plain, found = sample_survey(store), sample_survey(store, look_up="interpolated")
    rows = found.join("training", "calibration", "test")
    label = LOOK_UPS["interpolated"](*found.stars.labels.atmosphere[rows].astype(float).T)
    np.testing.assert_allclose(found.stars.labels.log_age[rows], label.log_age, rtol=1e-6)
    assert (
        np.array_equal(found.stars.labels.stage[rows], label.stage) and np.isfinite(found.columns["mass"][rows]).all()
    )
    assert not np.array_equal(found.stars.labels.log_age, plain.stars.labels.log_age)


def test_too_few_stars_are_an_error(store):
    with pytest.raises(ParameterError, match="Only .* training stars of the store"):
        check_number(sample_survey(store), 1000)
