"""The table of differences comes from the configurations, and the paper's words from its text."""

import re
from dataclasses import fields, replace

import pytest

from stellar_core.experiments import differences as module
from stellar_core.experiments.differences import COLUMNS, NOT_COMPARED, OPEN, SETTINGS, configurations, differences
from stellar_core.experiments.tables import markdown
from stellar_core.jobs.presets import preset
from stellar_core.paths import TRAINED_DIR
from stellar_core.training.config import TrainingConfig


def row(title: str) -> dict[str, str]:
    return next(row for row in differences() if row["Setting"] == title)


def test_every_field_that_differs_is_a_row():
    flat = {name: module._flat(config.to_dict()) for name, config in configurations().items()}
    paper, *others = flat.values()
    differing = {name for name in paper if any(other.get(name) != paper[name] for other in others)}
    titles = {found["Setting"] for found in differences()}
    unlabelled = differing - set(SETTINGS) - set(NOT_COMPARED)
    assert not unlabelled, "these need words"
    assert {SETTINGS[name].title for name in differing - set(NOT_COMPARED)} <= titles
    assert len(differing) >= 15


def test_a_new_difference_is_listed_without_further_work(monkeypatch):
    found = configurations()
    found["Preset ours"] = replace(found["Preset ours"], spectrum_dropout=0.0, weight_decay=0.5)
    monkeypatch.setattr(module, "configurations", lambda: found)
    assert row("Weight decay of AdamW")["Preset ours"] == "0.5"


def test_what_the_paper_states_is_what_its_preset_does(shared_data):
    text = (shared_data.parent / "reference" / "paper.txt").read_text()
    assert (
        re.search(r"learning rate of 1\\times 10\^\{-5\}|1×10|1\\times 10\^\{-5\}", text)
        and "ReduceLROnPlateau" in text
    )
    assert "compute_class_weight" in text and "snMedian > 20" in text and "uniform 6800-point vector" in text
    learned, schedule = row("Learning rate"), row("Schedule of the learning rate")
    assert learned["The paper"].startswith("1e-5") and learned["Preset paper"] == "1e-5"
    assert learned["Preset ours"] == "7e-4".replace("7e-4", "0.0007")
    assert schedule["Preset paper"].startswith("ReduceLROnPlateau")
    assert row("Imbalanced stages")["Preset paper"] == "stage loss with class weights"
    assert row("Channels of the spectrum")["Preset paper"].startswith("the flux;")
    assert row("S/N per pixel")["Preset paper"] == "20 to 80"
    assert row("Heads of age and lifetime")["Preset paper"].startswith("linear")
    assert row("Batch size")["The paper"] == OPEN


def test_the_jobs_preset_is_the_column_of_the_paper():
    paper = configurations()["Preset paper"]
    for letter in "abc":
        training = preset(f"setup-{letter}").training
        same = [
            item.name for item in fields(TrainingConfig) if item.name not in ("name", "setup", "data", "validation")
        ]
        assert {name: getattr(training, name) for name in same} == {name: getattr(paper, name) for name in same}
        assert training.setup == letter.upper() and training.data.snr == paper.data.snr


def test_the_readme_has_the_table():
    text = (TRAINED_DIR / "experiments" / "README.md").read_text()
    assert markdown(differences()) in text, "put the table of differences() into trained/experiments/README.md"


@pytest.mark.parametrize("found", differences(), ids=lambda found: found["Setting"])
def test_rows_are_words(found):
    assert list(found) == list(COLUMNS) and all(isinstance(value, str) for value in found.values())
    assert found["Preset paper"] and "{" not in "".join(found.values()) and "None" not in found.values()
