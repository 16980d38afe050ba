"""How much of the labels can be learned: pipelines whose errors are in the spectrum or not."""

import numpy as np
import pytest

from stellar_core.evaluation import label_learnability


def test_regression_finds_a_function_and_no_function_in_noise():
    rng = np.random.default_rng(5)
    places, others = rng.uniform(-2, 2, (400, 2)), rng.uniform(-2, 2, (200, 2))
    of = lambda x: np.sin(x[:, 0]) + 0.3 * x[:, 1] + 9.0
    clean = label_learnability.regress(places, of(places), others)
    assert np.std(clean - of(others)) < 0.05
    noise = label_learnability.regress(places, rng.standard_normal(400), others)
    assert np.std(noise) < 0.5


@pytest.mark.slow
def test_labels_of_the_spectroscopic_pipeline_can_be_learned(monkeypatch):
    for name, value in (("TRAIN", 900), ("TEST", 600), ("SEEDS", (1, 2)), ("POSTERIORS", 40)):
        monkeypatch.setattr(label_learnability, name, value)
    rows = label_learnability.measure()
    found = {(row["pipeline"], row["look_up"]): row for row in rows}
    assert len(found) == 4
    for pipeline in ("independent", "spectroscopic"):
        nearest, between = found[pipeline, "nearest"], found[pipeline, "interpolated"]
        assert nearest["young"] > 0.05 > 0.02 > between["young"]
        assert between["spread"] < nearest["spread"]
    old, new = found["independent", "nearest"], found["spectroscopic", "interpolated"]
    assert old["r2_spectrum"] < 0.15 and new["r2_spectrum"] > 0.35
    assert "spectroscopic, interpolated" in label_learnability.text(rows)
