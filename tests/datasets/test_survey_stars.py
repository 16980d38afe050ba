"""Training reads an acquisition's store batch by batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stellar_core.datasets.survey_stars import open_stored_stars
from stellar_core.survey.plan import Plan
from stellar_core.training.batches import Batches
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
