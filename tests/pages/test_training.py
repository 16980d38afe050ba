"""The training page: inputs, queue, a job in every state, comparison, adoption."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from stellar_core.datasets.config import DataConfig
from stellar_core.jobs import queue as queue_module
from stellar_core.jobs.presets import DEMO_MODEL
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.spec import JobConfig
from stellar_core.model_store import list_networks, write_model
from stellar_core.training.config import TrainingConfig
from tests.pages.conftest import ROOT
from tests.small_store import make_store

SMALL = JobConfig("Small", TrainingConfig(data=DataConfig(stars=200, calibration=100, test=100)))
FIGURES = {"rmse": 0.25, "rmse_constant": 0.3, "r2": 0.3, "coverage": {"68": 0.7}}


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """An empty folder of runs; nothing is launched."""
    monkeypatch.setenv("STELLAR_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr(queue_module.Queue.__init__, "__defaults__", (None, lambda job, token: None))
    return tmp_path


def page(**query: str) -> AppTest:
    """The page alone; `in_the_app` where it links to others."""
    found = AppTest.from_file(str(ROOT / "pages" / "training.py"), default_timeout=60)
    for name, value in query.items():
        found.query_params[name] = value
    return found.run()


def in_the_app(app: AppTest, **query: str) -> AppTest:
    app.run()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("pages/training.py").run()


def text(shown: AppTest) -> str:
    kinds = (shown.title, shown.subheader, shown.markdown, shown.caption, shown.info, shown.warning, shown.error)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def finished(queue: Queue, name: str = "Small"):
    """A job as its worker leaves it."""
    job = queue.submit(replace(SMALL, name=name))
    metrics = dict.fromkeys(("log_age", "log_lifetime", "teff", "logg", "feh"), FIGURES)
    metrics |= {"stage": {"macro_f1": 0.6, "macro_f1_constant": 0.1, "accuracy": 0.8}, "n": 97}
    card = {
        "what": "a test",
        "architecture": {},
        "training_stars": 180,
        "metrics_mock_test": {"spectrum and photometry": metrics},
    }
    write_model(job.model, {"a": np.arange(3.0)}, card)
    watched = dict.fromkeys(("log_age", "log_lifetime", "teff", "logg", "feh"), FIGURES) | {"stage": metrics["stage"]}
    (job.folder / "epochs.json").write_text(json.dumps([{"epoch": epoch, "n": 190, **watched} for epoch in (1, 2)]))
    pair = [[1.0, 2.0], [1.5, 1.8]]
    (job.folder / "sample.json").write_text(
        json.dumps({"epoch": 2, **{key: pair for key in metrics if key != "n"}, "stage": [[0, 1], [0, 1]]})
    )
    (job.model / "history.json").write_text(
        json.dumps([{"epoch": 1, "train": {"age": 1.0, "total": 2.0}, "validation": None}])
    )
    (job.folder / "curve.jsonl").write_text(json.dumps({"step": 1, "epoch": 0.5, "losses": {"age": 1.2, "total": 2.2}}))
    job.write(job.status().enter("done", seconds=61.0, attempts=1))
    return job


def test_the_page_is_in_the_menu(app):
    app.run()
    app.switch_page("pages/training.py").run()
    assert not app.exception and app.title[0].value == "Training"


def test_the_demo_shows_its_resources_and_starts(runs):
    shown = page()
    assert not shown.exception and not shown.error
    values = {metric.label: metric.value for metric in shown.metric}
    assert values["Memory"].endswith("GB") and values["Disk"].endswith("MB") and int(values["Weights"].replace(",", ""))
    shown.button(key="start").click().run()
    assert not shown.exception and not shown.error
    (job,) = Queue().jobs()
    assert job.status().state == "starting" and job.config.training.model == DEMO_MODEL
    assert job.config.training.data.stars == 7000 and job.config.source.labels == "truth"
    assert "starting" in text(shown) and shown.query_params["job"] == job.id


@pytest.mark.parametrize("preset", ["setup-a", "setup-b-ours", "setup-c", "fine-tune", "own"])
def test_every_preset_can_be_started(preset):
    shown = page()
    shown.selectbox(key="new_preset").set_value(preset).run()
    assert not shown.exception and not shown.error
    shown.button(key="start").click().run()
    assert not shown.exception and not shown.error
    training = Queue().jobs()[0].config.training
    assert training.task_weights == {"setup-b-ours": (0.4, 0.4, 0.2), "setup-c": (0.35, 0.35, 0.3)}.get(
        preset, (0.5, 0.4, 0.1)
    )
    assert training.start_from == ("paper-setup-a" if preset == "fine-tune" else "")


def test_own_settings_reach_the_job():
    shown = page()
    shown.selectbox(key="new_preset").set_value("own").run()
    shown.selectbox(key="new_own_model").set_value("MLP+ResNet").run()
    shown.number_input(key="new_own_MLP+ResNet_spectrum_width").set_value(64)
    shown.number_input(key="new_own_epochs").set_value(7)
    shown.number_input(key="new_own_weight2").set_value(0.5)
    shown.selectbox(key="new_own_balance").set_value("class weights")
    shown.radio(key="new_own_source").set_value("catalogue")
    shown.toggle(key="new_own_some").set_value(True).run()
    shown.slider(key="new_own_teff").set_value((5000.0, 6500.0)).run()
    shown.button(key="start").click().run()
    assert not shown.exception and not shown.error
    config = Queue().jobs()[0].config
    assert (
        config.training.model.spectrum_width == 64
        and config.training.epochs == 7
        and config.training.loss_weights[2] == 0.5
    )
    assert config.training.balancing == "class weights"
    assert config.source.kind == "catalogue" and config.source.ranges == {"teff": (5000.0, 6500.0)}


def test_invalid_settings_give_an_error_and_cannot_be_started():
    shown = page()
    shown.selectbox(key="new_preset").set_value("own").run()
    shown.number_input(key="new_own_MLP+CNN+Transformer_heads").set_value(7).run()
    assert "not a multiple of the 7 heads" in shown.error[0].value
    assert "start" not in [button.key for button in shown.button]


def test_an_uploaded_table_is_checked_before_the_start():
    shown = page()
    shown.selectbox(key="new_preset").set_value("own").run()
    shown.radio(key="new_own_source").set_value("table").run()
    start = shown.button(key="start")
    assert start.disabled
    rows = "\n".join(f"16000-55000-{fiber},5800,4.4,0.0" for fiber in range(1, 121))
    uploader = shown.get("file_uploader")[0]
    uploader.upload("bad.csv", b"star,teff\n1,2\n", "text/csv").run()
    assert "lacks logg, feh" in shown.error[0].value
    shown.get("file_uploader")[0].upload("good.csv", f"star,teff,logg,feh\n{rows}\n".encode(), "text/csv").run()
    assert not shown.error and "120 stars" in text(shown)
    shown.button(key="start").click().run()
    assert (Queue().jobs()[0].folder / "table.csv").exists()


def test_the_survey_of_page_data_is_listed_and_its_stars_are_held_out(tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_SURVEY_DIR", str(tmp_path / "survey"))
    make_store(tmp_path / "survey" / "store", stars=60)
    shown = page()
    shown.selectbox(key="new_preset").set_value("setup-a").run()
    shown.radio(key="new_setup-a_source").set_value("catalogue").run()
    listed = shown.selectbox(key="new_setup-a_store")
    assert "fetched, MOCK" in listed.options
    listed.set_value(str(tmp_path / "survey" / "store")).run()
    assert not shown.exception and "held-out stars of the survey" in text(shown)
    memory = float(next(item for item in shown.metric if item.label == "Memory").value.split()[0])
    shown.number_input(key="new_setup-a_stars").set_value(166_625).run()
    assert float(next(item for item in shown.metric if item.label == "Memory").value.split()[0]) == memory < 2.5


def test_a_running_job_can_be_watched_and_cancelled():
    job = Queue().submit(SMALL)
    Queue().start_next()
    status = job.status().enter("running", phase="training", done=30, total=120, epoch=1, epochs=4, seconds_left=45.0)
    job.write(status)
    with FileLock(job.lock):
        (job.folder / "log.txt").write_text("epoch 1/4\n")
        shown = page(job=job.id)
        assert not shown.exception and "running" in text(shown)
        progress = shown.get("progress")[0].proto
        assert progress.value == 25 and "about 45 s left" in progress.text
        assert "epoch 1/4" in shown.code[-1].value
        shown.button(key="cancel").click().run()
        assert job.cancel_file.exists() and shown.button(key="cancel").disabled
    shown.run()
    assert "cancelled" in text(shown)
    shown.button(key="resume").click().run()
    assert not shown.exception and job.status().state in ("queued", "starting")


def test_a_failed_job_says_why_and_is_retried():
    job = Queue().submit(SMALL)
    job.write(job.status().enter("failed", "The disk is full."))
    shown = page(job=job.id)
    assert "The disk is full." in shown.error[0].value
    shown.button(key="retry").click().run()
    assert not shown.exception and [found.name for found in Queue().jobs()] == ["Small again", "Small"]


def test_a_finished_job_shows_its_errors_and_is_added_to_the_app(app):
    job = finished(Queue())
    shown = in_the_app(app, job=job.id)
    assert not shown.exception and not shown.error
    assert len(shown.get("plotly_chart")) == 3
    table = shown.table[0].value.to_string()
    assert "0.25 dex" in table and "0.3 dex" in table and "97 :orange-badge[MOCK] test stars" in text(shown)
    shown.text_input(key=f"adopt_{job.id}").set_value("paper-setup-a")
    shown.button(key="adopt").click().run()
    assert "There is a model paper-setup-a already" in shown.error[0].value
    shown.text_input(key=f"adopt_{job.id}").set_value("mine")
    shown.button(key="adopt").click().run()
    assert not shown.exception and not shown.error
    assert list_networks()["mine"]["adopted_from_job"] == job.id


def test_runs_are_compared_in_a_table_and_in_curves():
    first, second = finished(Queue(), "first"), finished(Queue(), "second")
    Queue().submit(SMALL)
    shown = page()
    shown.segmented_control(key="part").set_value("Compare").run()
    assert not shown.exception
    frame = shown.dataframe[0].value
    assert list(frame["name"]) == ["Small", "second", "first"] and frame["log_age_rmse"].tolist()[1:] == [0.25, 0.25]
    assert len(shown.get("plotly_chart")) == 1
    assert first.id != second.id


def test_a_run_gets_another_name_and_a_note():
    job = Queue().submit(SMALL)
    job.write(job.status().enter("cancelled", "Cancelled."))
    shown = page(job=job.id)
    shown.text_input(key=f"name_{job.id}").set_value("Better")
    shown.text_area(key=f"note_{job.id}").set_value("with *stars*")
    shown.button(key="save").click().run()
    assert not shown.exception and "Better" in text(shown) and "with \\*stars\\*" in text(shown)
    shown.button(key="delete").click().run()
    assert not shown.exception and not Queue().jobs() and "no run yet" in text(shown)


def test_a_link_to_a_deleted_run_gives_a_warning():
    Queue().submit(SMALL)
    shown = page(job="0099-gone")
    assert not shown.exception and "no run 0099-gone" in shown.warning[0].value
    assert shown.selectbox(key="job").value == "0001-small"


def test_a_damaged_job_gives_an_error():
    job = Queue().submit(SMALL)
    (job.folder / "job.json").write_text("{")
    (job.folder / "status.json").write_text("{")
    shown = page(job=job.id)
    assert not shown.exception and "cannot be read" in shown.error[0].value
