"""The queue from the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.commands import jobs as commands
from stellar_core.jobs.queue import Queue
from tests.jobs.test_queue import SMALL, Idle


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command on a queue without workers."""
    queue = Queue(tmp_path / "runs", Idle())
    monkeypatch.setattr(commands, "_queue", lambda: queue)
    config = tmp_path / "run.json"
    config.write_text(json.dumps(SMALL.to_dict()["training"]))

    def call(*arguments: str):
        return CliRunner().invoke(app, [argument.replace("RUN", str(config)) for argument in arguments])

    call.queue = queue
    return call


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        ([], "look-up"),
        (["--labels", "truth"], "truth"),
        (["--labels", "look-up"], "look-up"),
        (["--source", "catalogue"], "look-up"),
    ],
)
def test_a_training_goes_into_the_queue_with_its_labels(run, arguments, labels):
    ran = run("train", "RUN", "--job", "--name", "Mine", "--select", "teff=5000,6500", *arguments)
    assert ran.exit_code == 0 and "0001-mine is in the queue" in ran.stdout
    config = run.queue.find("1").config
    assert (config.name, config.source.labels, config.source.ranges) == ("Mine", labels, {"teff": (5000.0, 6500.0)})
    assert config.training == SMALL.training


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "guess"], "Labels are look-up or truth"),
        (["--labels", "truth", "--source", "catalogue"], "for MOCK stars only"),
        (["--select", "teff"], "A range is written NAME=LOW,HIGH"),
        (["--select", "age=1,2"], "Stars are selected by"),
        (["--source", "sky"], "Training stars come from"),
        (["--table", "nothing.csv"], "cannot be read"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(run, arguments, words):
    ran = run("train", "RUN", "--job", *arguments)
    assert words in str(ran.exception) and run.queue.jobs() == []


def test_jobs_are_listed_shown_renamed_cancelled_and_resumed(run):
    run("train", "RUN", "--job", "--name", "One")
    run("train", "RUN", "--job", "--name", "Two")
    assert [item["state"] for item in json.loads(run("jobs", "list", "--json").stdout)] == ["queued", "starting"]
    assert "0002-two" in run("jobs", "list").stdout
    run("jobs", "rename", "2", "Second")
    run("jobs", "note", "2", "for the thesis")
    assert run("jobs", "cancel", "2").stdout.strip() == "0002-two: cancelled."
    shown = json.loads(run("jobs", "show", "2", "--json").stdout)
    assert (shown["name"], shown["note"], shown["state"]) == ("Second", "for the thesis", "cancelled")
    assert "in the queue again" in run("jobs", "resume", "2").stdout
    assert run("jobs", "retry", "2").exit_code == 0
    assert run.queue.find("3").config.training == run.queue.find("2").config.training
    run("jobs", "cancel", "2")
    run("jobs", "delete", "2")
    assert sorted(job.id[:4] for job in run.queue.jobs()) == ["0001", "0003"]
