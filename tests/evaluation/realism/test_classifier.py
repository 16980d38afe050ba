"""The classifier of mock and real spectra: chance without a difference, high AUC with one."""

import json

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.evaluation.realism import classifier
from stellar_core.evaluation.realism.classifier import area, classify, cross_validate, null_sample, record
from stellar_core.evaluation.realism.matched_mocks import Sample

pytestmark = pytest.mark.slow

STARS, COPIES = 60, 4


def made(seed: int, shift: float = 0.0, scatter: float = 1.0, own: float = 0.0) -> Sample:
    """Noise spectra; the real ones' group ``noise scale`` is moved and stretched; ``own`` is shared by a star's
    spectra."""
    rng = np.random.default_rng(seed)
    star = np.repeat(np.arange(STARS), COPIES + 1)
    real = np.tile([True] + [False] * COPIES, STARS)
    flux = 1 + 0.05 * rng.standard_normal((star.size, 6800)).astype(np.float32)
    values = rng.standard_normal((star.size, 5)) + own * rng.standard_normal((STARS, 5))[star]
    values[real] = shift + scatter * values[real]
    return Sample(star, real, flux, flux, {"noise scale": values, "outliers": rng.standard_normal((star.size, 4))})


def score(data: Sample, name: str) -> float:
    return area(cross_validate(data, 0, (name,))[name], data)[0]


def test_no_difference_gives_chance():
    assert abs(score(made(1), "noise scale") - 0.5) < 0.12


@pytest.mark.parametrize("difference", [{"shift": 1.5}, {"scatter": 4.0}])
def test_a_wrong_mean_and_a_wrong_scatter_are_found(difference):
    data = made(2, **difference)
    assert score(data, "noise scale") > 0.85 > 0.65 > score(data, "outliers")


def test_spectra_of_one_star_in_one_fold_give_chance():
    """Similar spectra of one star do not help, since they are never split between folds."""
    assert abs(score(made(3, own=30.0), "noise scale") - 0.5) < 0.12


def test_the_null_sample_gives_chance():
    null = null_sample(made(4, shift=5.0))
    assert null.real.sum() == STARS and (~null.real).sum() == STARS * (COPIES - 1)
    assert abs(score(null, "noise scale") - 0.5) < 0.12


def test_the_error_fits_the_number_of_stars():
    data = made(5, shift=0.8)
    auc, error = area(cross_validate(data, 0, ("noise scale",))["noise scale"], data)
    assert 0.5 < auc < 1 and 0.01 < error < 0.08


def test_figures_and_card(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "BOOTSTRAPS", 20)
    monkeypatch.setattr(classifier, "FOLDS", 3)
    found = classify(made(6, shift=2.0), repeats=1)
    assert found["real_stars"] == STARS and found["mock_stars"] == STARS * COPIES
    areas = [reason["auc"] for reason in found["reasons"]]
    assert found["auc"] > 0.7 > found["prepared_flux"]["auc"] and abs(found["chance"]["auc"] - 0.5) < 0.15
    assert found["reasons"][0]["what"] == "noise scale" and areas == sorted(areas, reverse=True)
    assert {"everything", "prepared_flux"}.isdisjoint(reason["what"] for reason in found["reasons"])
    card = tmp_path / "mock-realism" / "card.json"
    record(found, card)
    held = json.loads(card.read_text())
    card.write_text(json.dumps(held | {"growth": [1, 2]}))
    record(found | {"auc": 0.6}, card)
    assert json.loads(card.read_text())["growth"] == [1, 2] and json.loads(card.read_text())["classifier"]["auc"] == 0.6


def test_too_few_stars():
    data = made(7)
    few = data.star < 10
    with pytest.raises(ParameterError, match="At least 14 real stars"):
        classify(Sample(data.star[few], data.real[few], data.flux[few], data.profile[few], {}))
