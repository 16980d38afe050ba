"""Loading a model chooses the estimator of its kind; a model that cannot be loaded is an error of one line."""

import pytest

from stellar_core import Estimator, model_store
from stellar_core.errors import ModelError
from stellar_core.inference.dropout import DropoutEstimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.models.checkpoints import load_network, save_network


@pytest.mark.parametrize("name, kind", [("isochrone", IsochroneEstimator), ("paper-setup-a", DropoutEstimator)])
def test_the_kind_of_estimator_follows_from_the_network(name, kind):
    estimator = Estimator.load(name)
    assert type(estimator) is kind and isinstance(estimator, Estimator) and estimator.name == name


@pytest.mark.parametrize("name", ["nothing", "../isochrone", ""])
def test_an_unknown_model_is_an_error(name):
    with pytest.raises(ModelError) as caught:
        Estimator.load(name)
    assert "\n" not in str(caught.value)


def test_a_model_without_calibration_is_an_error(tmp_path, monkeypatch):
    network, _, card = load_network(model_store.model_folder("paper-setup-a"))
    save_network(tmp_path / "bare", network, {}, {"name": "bare"})
    monkeypatch.setattr("stellar_core.inference.estimator.model_folder", lambda name: tmp_path / name)
    with pytest.raises(ModelError, match="lacks its calibration"):
        Estimator.load("bare")
