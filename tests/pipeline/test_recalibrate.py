"""Recalibration of a trained network: its weights do not change, all metrics are measured again."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from stellar_core import model_store
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.evaluation.stored_predictions import read_test
from stellar_core.inference.estimator import Estimator
from stellar_core.models.checkpoints import load_network, save_network
from stellar_core.models.registry import ModelConfig
from stellar_core.models.zoo import build
from stellar_core.pipeline import test_report
from stellar_core.pipeline.train_model import recalibrate
from tests.small_run import config

pytestmark = pytest.mark.slow

MODEL = ModelConfig(
    "MLP+ResNet", spectrum_depth=1, spectrum_width=32, photometry_width=16, fusion_depth=1, fusion_width=32
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An untrained network, recalibrated, and its former card."""
    folder, data = tmp_path_factory.mktemp("trained"), DataConfig(stars=100, calibration=100, test=100)
    network = build(MODEL, torch.Generator().manual_seed(0))
    stars = make_stars(80, data, "train")
    network.scale_features(*(torch.tensor(part(stars.inputs.features, axis=0)) for part in (np.mean, np.std)))
    run = config(data={"stars": 100, "calibration": 100, "test": 100}, name="small")
    card = {
        "name": "small",
        "config": run.to_dict(),
        "training_stars": 80,
        "real": 1,
        "metrics_mock_test": "old",
        "one_checkpoint_mock_test": "old",
    }
    save_network(folder / "small", network.eval(), {}, card)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_store, "TRAINED_DIR", folder)
        for name, n in (("SURVEY_STARS", 12), ("EXACT_STARS", 40), ("CORRUPTED_STARS", 6)):
            patch.setattr(test_report, name, n)
        before = load_network(folder / "small")
        recalibrate("small", 120)
        yield folder, before


def test_weights_and_unrelated_card_entries_do_not_change(folder):
    folder, (network, _, old) = folder
    again, arrays, card = load_network(folder / "small")
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert card["config"] == old["config"] and card["real"] == 1 and card["training_stars"] == 80
    assert "one_checkpoint_mock_test" not in card and card["calibration_stars"] > 100
    assert "peers.stage" in arrays and "domain.thresholds" in arrays


def test_all_metrics_are_on_the_card(folder):
    card = json.loads((folder[0] / "small" / "card.json").read_text())
    main = card["metrics_mock_test"]["spectrum and photometry"]
    assert set(main["log_age"]["coverage"]) == {"68", "90", "95"}
    assert {"pit_ks", "crps", "sharpness", "coverage_plain_mc_dropout", "coverage_by_group"} <= set(main["log_age"])
    assert set(card["metrics_mock_test"]) == {"spectrum and photometry", "spectrum alone"}
    suite = card["damage_mock"]
    assert {"shuffled pixels", "swapped photometry", "dead arm"} <= set(suite["grave"]) and 0 <= suite["auroc"] <= 1


def test_the_stored_test_belongs_to_the_weights(folder):
    test, estimator = read_test("small"), Estimator.load("small")
    assert test.sha256 == estimator.card["sha256"] and test.before == "MC dropout alone"
    assert len(test.survey.name) == len(test.survey) > 5 and 100 < len(test.stars) <= 120
    assert test.survey.name[0].startswith("16")
