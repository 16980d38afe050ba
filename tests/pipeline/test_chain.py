"""Training in stages: the shipped configurations are complete, and stages follow one another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stellar_core.errors import ParameterError
from stellar_core.models.checkpoints import save_network
from stellar_core.paths import TRAINED_DIR
from stellar_core.pipeline import train_model as pipeline
from stellar_core.pipeline.chain import stages, train_chain
from stellar_core.training.config import TrainingConfig
from tests.small_run import config, stars

MODELS = sorted(path.parent.name for path in TRAINED_DIR.glob("*/config.json"))


def write(folder: Path, **configs: TrainingConfig) -> Path:
    folder.mkdir(exist_ok=True)
    for name, settings in configs.items():
        (folder / f"{name.replace('_', '-')}.json").write_text(json.dumps(settings.to_dict()))
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_no_shipped_configuration_starts_from_its_own_output(name):
    """Each stage starts from nothing, from an earlier stage, or from another shipped model."""
    found = stages(TRAINED_DIR / name)
    made: list[str] = []
    for settings in found:
        assert settings.start_from != found[-1].name and settings.start_from in ("", *made, *MODELS)
        made.append(settings.name)
    assert found[-1].name == name
    card = json.loads((TRAINED_DIR / name / "card.json").read_text())
    assert TrainingConfig.from_dict(card["config"]) == found[-1]


def test_the_isochrone_model_has_three_stages():
    first, second, third = stages(TRAINED_DIR / "isochrone")
    assert (first.start_from, second.start_from, third.start_from) == ("", first.name, second.name)
    assert [one.epochs for one in (first, second, third)] == [6, 6, 3]
    assert len({one.data.seed for one in (first, second, third)}) == 3
    assert (first.lines_alone, second.lines_alone, third.lines_alone) == (0.0, 0.0, 0.4)


@pytest.mark.parametrize("start", ["self", "later", "../first", "nowhere"])
def test_a_chain_that_is_not_closed_is_refused(tmp_path, start):
    first = replace(config(), name="first", start_from=start)
    folder = write(
        tmp_path / "self", stage_1=first, stage_2=replace(config(), name="later"), config=config(name="self")
    )
    with pytest.raises(ParameterError, match="no earlier stage makes"):
        stages(folder)


def test_a_chain_continues_from_its_first_unfinished_stage(tmp_path, monkeypatch):
    trained: list[str] = []

    def finish(config, network, used, folder, say, stop, progress, sets=None):
        trained.append(config.name)
        return save_network(folder, network, {}, {"name": config.name, "calibration": config.data.calibration})

    monkeypatch.setattr(pipeline, "make_stars", lambda n, data, split, progress: stars())
    monkeypatch.setattr(pipeline, "finish", finish)
    first, last = replace(config(epochs=1), name="first"), replace(config(epochs=1), name="last", start_from="first")
    folder = write(tmp_path / "configurations", stage_1=first, config=last)
    calls = iter(range(100))
    assert train_chain(folder, tmp_path / "out" / "last", stop=lambda: next(calls) >= 14) is None
    assert trained == ["first"], "stopped in the second stage"
    card = train_chain(folder, tmp_path / "out" / "last")
    assert trained == ["first", "last"] and card["calibration"] == pipeline.STARS["dropout"]
    start, end = (json.loads((tmp_path / "out" / name / "history.json").read_text())[0] for name in ("first", "last"))
    assert end["train"]["total"] < start["train"]["total"]
