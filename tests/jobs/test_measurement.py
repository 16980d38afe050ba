"""Measuring a machine: for both kinds of network, asked for once, and what a measurement that failed leaves."""

from __future__ import annotations

import os
import time
from dataclasses import astuple, replace

import pytest

from stellar_core.evaluation import corruption_tests
from stellar_core.evaluation.mock_evaluation import POSTERIOR_STARS
from stellar_core.jobs import measurement, speed
from stellar_core.jobs.presets import demo_training
from stellar_core.jobs.speed import Speeds
from stellar_core.jobs.status import START_SECONDS
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.pipeline import test_report
from stellar_core.training.config import TrainingConfig

TRAININGS = {
    "dropout": demo_training(),
    "isochrone": TrainingConfig.isochrone(
        model=IsochroneConfig(depth=1, width=32, heads=2, embedding_width=32), batch=16
    ),
}


@pytest.mark.parametrize("kind", TRAININGS)
def test_a_network_is_measured_from_stars_to_answers(kind, tmp_path, monkeypatch):
    for name, few in {
        "STARS": 40,
        "CALIBRATED": 12,
        "ANSWERED": 3,
        "POSTERIORS": 1,
        "STEPS": 1,
        "STEP_SECONDS": 0.0,
    }.items():
        monkeypatch.setattr(measurement, name, few)
    speeds, training = Speeds(tmp_path), TRAININGS[kind]
    found = speeds.measured(training)
    assert min(astuple(replace(found, network_bytes=1.0))) > 0 and found.current
    assert found.views == {"dropout": 1.5, "isochrone": 2.0}[kind]
    assert speeds.known(training) == found and not speeds.trouble(training)


def test_the_estimate_counts_the_stars_that_the_examination_takes():
    assert speed.WAYS == 1 + len(corruption_tests.GRAVE) + len(corruption_tests.MILD) + 1, (
        "undamaged, and with swapped photometry"
    )
    here = speed.SURVEY_STARS, speed.DAMAGED_STARS, speed.DAMAGED_PART
    assert here == (test_report.SURVEY_STARS, test_report.DAMAGED_STARS, test_report.DAMAGED_PART)
    assert (speed.POSTERIOR_STARS, speed.POSTERIOR_PART) == (POSTERIOR_STARS, test_report.EXACT_PART)


def test_a_measurement_is_asked_for_once_and_its_failure_is_told(tmp_path, monkeypatch):
    started, training, speeds = [], TRAININGS["dropout"], Speeds(tmp_path)
    monkeypatch.setattr(speed.subprocess, "Popen", lambda command, **_: started.append(command))
    for _ in range(3):
        speeds.ask(training)
        assert not speeds.trouble(training)
    assert len(started) == 1, "its process has not begun yet, and no other is needed"
    (asked,) = speeds.folder.glob("*.asked")
    long_ago = time.time() - START_SECONDS - 5
    os.utime(asked, (long_ago, long_ago))
    assert "without a word" in speeds.trouble(training)

    def fails(training, threads):
        raise MemoryError("no room")

    monkeypatch.setattr(measurement, "measure", fails)
    with pytest.raises(MemoryError):
        speeds.measured(training)
    assert speeds.trouble(training) == "MemoryError: no room" and speeds.known(training) is None
    speeds.forget(training)
    assert not speeds.trouble(training)
