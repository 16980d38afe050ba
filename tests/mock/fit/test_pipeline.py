"""Building the MOCK survey's parameter pipeline."""

import json

import numpy as np
import pytest

from stellar_core.mock.fit import pipeline
from stellar_core.mock.pipeline import HOME, SpectroscopicPipeline
from stellar_core.model_store import read_model


def test_errors_of_a_scale_have_the_given_size_and_are_smooth():
    rng = np.random.default_rng(4)
    places = np.column_stack([rng.uniform(3.62, 3.9, 2000), rng.uniform(0, 5, 2000), rng.uniform(-3, 0.5, 2000)])
    fields = [pipeline.scale_errors(places, (75.0, 0.2, 0.1), np.random.default_rng(seed)) for seed in range(20)]
    assert np.std(fields, axis=(0, 1)) == pytest.approx([75.0 / 5772 / np.log(10), 0.2, 0.1], rel=0.15)
    near = pipeline.scale_errors(places + [0.001, 0.02, 0.02], (75.0, 0.2, 0.1), np.random.default_rng(0))
    assert np.abs(near - fields[0]).max() < 0.3 * np.abs(fields[0]).max()


def test_a_small_pipeline_is_built_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "DRAWN", 300)
    card = pipeline.build(tmp_path / "mock-pipeline")
    assert card["methods"]["green"]["templates"] > 80
    found = SpectroscopicPipeline.load(tmp_path / "mock-pipeline")
    assert found.methods["green"].weights.shape == (card["methods"]["green"]["templates"], 3)


@pytest.mark.slow
def test_a_rebuilt_pipeline_equals_the_shipped_one(tmp_path):
    pipeline.build(tmp_path / "mock-pipeline")
    fresh, _ = read_model(tmp_path / "mock-pipeline")
    shipped, _ = read_model(HOME)
    assert set(fresh) == set(shipped)
    for name in ("green.mean", "whole.mean", "colours.templates"):
        assert fresh[name] == pytest.approx(shipped[name], abs=1e-4), name
    assert json.loads((HOME / "card.json").read_text())["seed"] == pipeline.SEED
