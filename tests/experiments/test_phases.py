"""The paper's phases: their trials, resumption, and equal results in one process, several, or on a cluster."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from stellar_core.errors import ParameterError, RunError
from stellar_core.evaluation import baselines
from stellar_core.evaluation.scores import PointPredictions
from stellar_core.experiments import phase_run, phases
from stellar_core.experiments.phase_run import run_phase
from stellar_core.experiments.phases import BASELINE, PhaseConfig, choose, phase_1, phase_2, phase_3
from stellar_core.experiments.published import CHOSEN, MODELS
from stellar_core.experiments.sweep import Deadline, sweep
from stellar_core.experiments.tables import report
from stellar_core.experiments.trial import Trial, run_trial, stored
from stellar_core.models.registry import ModelConfig
from stellar_core.training.config import SETUPS
from tests import phase_results
from tests.small_store import make_store

ROOT = Path(__file__).resolve().parents[2]
TINY = PhaseConfig(1, scale=0.004, epochs=3, models=(1,), batch=16, test=100, device="cpu")
SMALL = {"spectrum_depth": 1, "spectrum_width": 16, "photometry_width": 16, "fusion_depth": 1, "fusion_width": 16}


def quick(atmosphere, errors, seed, draws):
    """In place of the exact posterior, which takes its time, the labels' means."""
    n = len(atmosphere)
    return PointPredictions(np.full(n, 9.7), np.full(n, 10.0), np.ones(n, int)), np.ones(n, bool)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict]:
    """A tiny Phase I of Model 1, whole."""
    folder = tmp_path_factory.mktemp("phase")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "exact_posterior", quick)
        return folder, run_phase(TINY, folder)


@pytest.fixture
def begun(finished, tmp_path) -> Path:
    """A folder with the same stars and baselines, and no runs."""
    folder = tmp_path / "phase"
    shutil.copytree(finished[0] / "stars", folder / "stars")
    shutil.copy(finished[0] / "yardsticks.json", folder)
    return folder


def small_trial(number: int = 6, seed: int = 0, **changes: object) -> Trial:
    """A spectral network small enough to train in a second."""
    model = ModelConfig(name=MODELS[number], heads=2, **SMALL)
    config = replace(TINY.training(epochs=2, balancing="undersample", **changes), model=model, seed=seed)
    return Trial(f"small-{number}-s{seed}", {"model": number, "seed": seed}, config)


def lasting(result: dict) -> dict:
    """A result without times and memory."""
    timed = {"seconds", "spectra_per_second", "peak_memory_mb", "seconds_with_tests"}
    history = [{key: item for key, item in record.items() if key != "seconds"} for record in result["history"]]
    return {**{key: item for key, item in result.items() if key not in timed}, "history": history}


def test_a_phase_ends_with_results_tables_and_findings(finished):
    folder, results = finished
    assert [trial["labels"]["experiment"] for trial in results["trials"]] == ["A", "B", "C"]
    stored_results = json.loads((folder / "results.json").read_text())
    assert stored_results["tables"] == results["tables"] and stored_results["data_kind"] == "MOCK"
    assert (folder / "tables" / "tables.md").exists() and results["findings"]
    names = [row["Model ID and Name"] for row in results["tables"]["Table 4, Experiment B (Under Sampling)"]]
    assert names == ["1. MLP-Only", "Constant predictor", "Exact posterior"]
    for trial in results["trials"]:
        assert trial["parameters"] > 0 and trial["spectra_per_second"] > 0 and trial["peak_memory_mb"] > 1
        assert trial["test"]["natural"]["n"] == 100 > trial["test"]["balanced"]["n"]
    assert sorted(path.name for path in (folder / "trials").iterdir()) == [f"{e}-1-unbounded-s0.json" for e in "ABC"]


def test_a_finished_phase_runs_nothing_again(finished):
    folder, results = finished
    before = {path: path.stat().st_mtime_ns for path in (folder / "trials").iterdir()}
    again = run_phase(TINY, folder)
    assert {path: path.stat().st_mtime_ns for path in (folder / "trials").iterdir()} == before
    assert again["trials"] == results["trials"] and again["tables"] == results["tables"]


def test_another_experiment_in_the_same_folder_is_refused(finished):
    with pytest.raises(RunError, match="belongs to another run.*--out"):
        run_phase(replace(TINY, epochs=4), finished[0])
    with pytest.raises(RunError, match="belongs to another run.*--out"):
        run_phase(replace(TINY, scale=0.0041), finished[0])


def test_more_seeds_only_add_runs(finished, tmp_path):
    folder = tmp_path / "phase"
    shutil.copytree(finished[0], folder)
    kept = (folder / "trials" / "A-1-unbounded-s0.json").stat().st_mtime_ns
    results = run_phase(replace(TINY, seeds=2), folder)
    assert len(results["trials"]) == 6 and (folder / "trials" / "A-1-unbounded-s0.json").stat().st_mtime_ns == kept
    row = results["tables"]["Table 4, Experiment B (Under Sampling)"][0]
    assert row["Seeds"] == 2 and row["Age RMSE (spread)"] > 0


def test_a_phase_on_a_survey_store(tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "exact_posterior", quick)
    store, lines = make_store(tmp_path / "store", stars=300), []
    config = replace(TINY, store=str(store), scale=0.0055, epochs=2, experiments="BC")
    results = run_phase(config, tmp_path / "phase", say=lines.append)
    assert (results["data_kind"], results["survey"]) == ("REAL and MOCK", "SDSS DR17 and MOCK survey")
    train, test = results["settings"]["train_stars"], results["settings"]["test_stars"]
    assert train + test == pytest.approx(275, abs=1) and 15 <= test <= 45
    assert "15 further spectra of the same stars are left out" in lines[0]
    assert results["settings"]["part"] == pytest.approx(train / 0.9 / 50_000)
    score = results["trials"][0]["test"]["natural"]
    assert "truth" not in score["log_age"] and len(score["replicates"]["log_age"]) == 20
    assert set(results["yardsticks"]["natural"]) == {"constant", "exact posterior"} and "floor_by_error" not in results
    assert "REAL and MOCK stars of the survey" in report(results) and str(tmp_path) not in json.dumps(results)
    assert {found["verdict"] for found in results["findings"]} == {"inconclusive"}
    other = make_store(tmp_path / "other", stars=301)
    with pytest.raises(RunError, match="belongs to another run.*--out"):
        run_phase(replace(config, store=str(other)), tmp_path / "phase")


def test_a_phase_that_is_stopped_continues(begun, finished):
    lines = []
    assert run_phase(TINY, begun, stop=Deadline(0.0), say=lines.append) is None
    assert (
        "Stopped after 0 of 3 runs" in lines[-1] and (begun / "trials" / "A-1-unbounded-s0" / "checkpoint.pt").exists()
    )
    results = run_phase(TINY, begun, stop=Deadline(time.time() + 600.0))
    assert [lasting(trial) for trial in results["trials"]] == [lasting(trial) for trial in finished[1]["trials"]]


@pytest.mark.slow
def test_a_run_stopped_midway_ends_as_one_left_alone(begun):
    trial, steps = small_trial(), iter(range(100))
    unbroken = run_trial(trial, begun / "stars", begun / "alone")
    stopped = run_trial(trial, begun / "stars", begun / "broken", stop=lambda: next(steps) >= 3)
    assert stopped is None and stored(trial, begun / "broken") is None
    assert (begun / "broken" / trial.name / "checkpoint.pt").exists()
    resumed = run_trial(trial, begun / "stars", begun / "broken")
    assert lasting(resumed) == lasting(unbroken)
    assert [path.name for path in (begun / "broken").iterdir()] == [f"{trial.name}.json"]


@pytest.mark.slow
def test_a_killed_phase_keeps_what_was_finished(begun, finished):
    command = "phase 1 --scale 0.004 --epochs 3 --models 1 --batch 16 --test 100 --device cpu --out".split()
    command = [sys.executable, "-m", "stellar_core", *command, str(begun)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    first, last = (begun / "trials" / f"{e}-1-unbounded-s0.json" for e in "AC")
    while not first.exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not last.exists()
    kept = first.stat().st_mtime_ns
    results = run_phase(TINY, begun)
    assert first.stat().st_mtime_ns == kept
    assert [lasting(trial) for trial in results["trials"]] == [lasting(trial) for trial in finished[1]["trials"]]


@pytest.mark.slow
def test_two_workers_give_the_same_results(begun, monkeypatch, tmp_path):
    script = tmp_path / "app.py"
    script.write_text("raise SystemExit('a worker ran the script that Streamlit calls the main module')")
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    trials = [small_trial(1), small_trial(6)]
    alone = sweep(trials, begun / "stars", begun / "alone")
    beside = sweep(trials, begun / "stars", begun / "beside", workers=2)
    assert [lasting(result) for result in beside] == [lasting(result) for result in alone]


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_results(begun):
    distributed = pytest.importorskip("distributed")
    trials = [small_trial(1), small_trial(6)]
    alone = sweep(trials, begun / "stars", begun / "alone")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        over = sweep(trials, begun / "stars", begun / "over", cluster=cluster.scheduler_address)
    assert [lasting(result) for result in over] == [lasting(result) for result in alone]


def test_an_unreachable_cluster_is_reported(begun):
    pytest.importorskip("distributed")
    with pytest.raises(ParameterError, match="cannot be reached"):
        sweep([small_trial(1)], begun / "stars", begun / "over", cluster="nonsense://nowhere")


def test_phase_1_is_three_experiments_of_eight_models():
    trials = phase_1(PhaseConfig(1, seeds=2), 20)
    assert len(trials) == len({trial.name for trial in trials}) == 48
    balancing = {trial.labels["experiment"]: trial.config.balancing for trial in trials}
    assert balancing == {"A": "none", "B": "undersample", "C": "class weights"}
    assert {trial.config.epochs for trial in trials if trial.labels["experiment"] == "B"} == {20}
    assert {trial.config.model.name for trial in trials} == set(MODELS.values())


@pytest.mark.parametrize("preset", ["ours", "paper"])
def test_no_trial_is_taught_anything_but_the_papers_three_labels(preset):
    for trial in phase_1(PhaseConfig(1, preset=preset), 20) + phase_3(PhaseConfig(3, preset=preset)):
        assert trial.config.atmosphere_weight == 0 and trial.config.photometry_dropout == 0
        assert trial.config.data.balanced == 0 and trial.config.data.snr[0] == 20


def test_the_papers_preset_is_the_papers():
    config = phase_3(PhaseConfig(3, preset="paper", epochs=50))[0].config
    assert (config.learning_rate, config.weight_decay, config.schedule, config.epochs) == (1e-5, 1e-2, "plateau", 50)
    assert not config.model.bounded and config.model.channels == 1 and config.average == config.clip == 0
    assert config.balancing == "class weights"
    ours = phase_3(PhaseConfig(3, epochs=50))[0].config
    assert not ours.model.bounded and ours.model.channels == 3 and ours.learning_rate == 7e-4


def test_experiments_can_be_left_out():
    trials = phase_1(PhaseConfig(1, experiments="BC", models=(1, 6), seeds=2), 20)
    assert [trial.name[:3] for trial in trials[:4]] == ["B-1", "C-1", "B-6", "C-6"] and len(trials) == 8
    assert [trial.labels["seed"] for trial in trials] == [0] * 4 + [1] * 4, "one seed after the other"


def test_undersampled_stars_get_as_many_steps():
    config = PhaseConfig(1, epochs=10)
    assert phases.undersampled_epochs(config, [300, 300, 150, 170, 80]) == 25
    assert phases.undersampled_epochs(config, [200, 200, 200, 200, 200]) == 10


def test_phase_3_is_the_papers_setups_on_the_final_architecture():
    config = PhaseConfig(3, scale=1.0, seeds=3, heads="both")
    trials = phase_3(config)
    assert len(trials) == 18 and config.stars == 166_625
    assert {trial.labels["setup"]: trial.config.task_weights for trial in trials} == SETUPS
    for trial in trials:
        assert {field: getattr(trial.config.model, field) for field in CHOSEN} == CHOSEN
        assert trial.config.balancing == "class weights" and trial.config.model.bounded == trial.labels["bounded"]


def fake_run(age, max_age):
    """Results by the architecture, and the list of all that was run."""
    ran: list[str] = []

    def run(trials):
        found = []
        for trial in trials:
            ran.append(trial.name)
            model = trial.config.model
            result = phase_results.trial(trial.name, trial.labels)
            found.append({**result, "validation": phase_results.score(age(model), max_age=max_age(model))})
        return found

    return run, ran


def test_the_coordinate_ascent_keeps_the_best_so_far():
    wanted = dict(zip(BASELINE, (6, 128, 2, 384, 4, 768)))

    def age(model):
        return 0.1 + 0.1 * sum(getattr(model, field) != value for field, value in wanted.items())

    run, ran = fake_run(age, lambda model: 13.0)
    results, ascent = phase_2(PhaseConfig(2), 10, run)
    assert {entry["field"]: entry["value"] for entry in ascent if entry["kept"]} == wanted
    assert len(ascent) == 18 and len(results) == len(set(ran)) == 16  # 13 shapes of Model 6, 3 of Model 5
    first = [trial for trial in results if trial["labels"]["model"] == 6][0]["labels"]
    assert {field: first[field] for field in BASELINE} == {**BASELINE, "spectrum_depth": 2}


def test_the_coordinate_ascent_refuses_unphysical_ages():
    def wild(model):
        return model.spectrum_width == 128

    run, _ = fake_run(lambda model: 0.1 if wild(model) else 0.2, lambda model: 68.7 if wild(model) else 14.87)
    _, ascent = phase_2(PhaseConfig(2, heads="unbounded"), 10, run)
    kept = {entry["field"]: entry["value"] for entry in ascent if entry["kept"]}
    assert kept["spectrum_width"] == 256


def test_if_no_age_is_physical_the_least_wild_is_kept():
    entries = [{"value": v, "age_rmse": a, "max_age_gyr": m} for v, a, m in ((1, 0.1, 900.0), (2, 0.3, 40.0))]
    assert choose(entries)["value"] == 2


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"phase": 4}, "phases 1, 2 and 3"),
        ({"scale": 0.001}, "150 stars"),
        ({"scale": 1.5}, "scale"),
        ({"preset": "best"}, "preset"),
        ({"heads": "none"}, "heads"),
        ({"models": (9,)}, "models"),
        ({"phase": 2, "heads": "both"}, "one kind of heads"),
        ({"seeds": 0}, "seed"),
        ({"experiments": "D"}, "experiments"),
        ({"look_up": "guess"}, "look_up"),
    ],
)
def test_wrong_settings_are_refused(changes, word):
    with pytest.raises(ParameterError, match=word):
        PhaseConfig(**{"phase": 1, **changes})


def test_the_command_line_prints_json_and_refuses_other_phases(finished, capsys):
    from stellar_core.__main__ import main

    command = "phase 1 --scale 0.004 --epochs 3 --models 1 --batch 16 --test 100 --device cpu --json --out".split()

    def call(*arguments: str) -> int:
        old, sys.argv = sys.argv, ["stellar_core", *arguments]
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            sys.argv = old
        return 0

    assert call(*command, str(finished[0])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (
        printed["phase"] == 1 and "Table 4, Experiment B (Under Sampling)" in printed["tables"] and printed["findings"]
    )
    assert call("phase", "4") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert call("phase", "1", "--models", "six") == 2


def test_publishing_writes_a_small_file(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(phase_run, "TRAINED_DIR", tmp_path)
    run_phase(TINY, finished[0], publish=True)
    text = (tmp_path / "experiments" / "phase1.json").read_text()
    found = json.loads(text)
    assert len(text) < 500_000 and found["trials"][0]["curves"]["epoch"] == [1, 2, 3]
    assert len(found["trials"][0]["test"]["natural"]["age_errors"]) == 80
    baselines = found["yardsticks"]["natural"]
    assert "floor" not in baselines, "the errors of a spectroscopic pipeline can be learned"
    assert np.isfinite(baselines["exact posterior"]["log_age"]["rmse"])


def quickly(monkeypatch, age: float = 0.5):
    """Let trials have made-up scores at once."""

    def sweep(trials, *_):
        return [phase_results.trial(trial.name, trial.labels, phase_results.score(age)) for trial in trials]

    monkeypatch.setattr(phase_run, "sweep", sweep)


@pytest.mark.slow
def test_a_whole_phase_2_has_its_tables(begun, monkeypatch):
    quickly(monkeypatch)
    results = run_phase(replace(TINY, phase=2), begun)
    assert len(results["ascent"]) == 18 and len(results["trials"]) == 16
    names = {"Table 5, Model 6 (MLP+CNN+Transformer)", "Table 6", "Table 5, Model 5 (MLP+ResNet)"}
    assert names | {"Coordinate ascent over Table 2"} < set(results["tables"])
    row = results["tables"]["Table 6"][1]
    assert row["Metrics"] == "Age RMSE (log(yrs))" and (row["Width=256"], row["Width=256 (paper)"]) == (0.5, 0.0979)
    assert [found["claim"] for found in results["findings"]][1] == "Depth 4 has the best ages of Model 6"


@pytest.mark.slow
def test_a_whole_phase_3_trains_both_kinds_of_heads(begun, monkeypatch):
    monkeypatch.setattr(phases, "CHOSEN", SMALL)
    config = replace(TINY, phase=3, scale=0.0012, epochs=1, heads="both")
    monkeypatch.setattr(phase_run, "make_phase_stars", lambda *_: None)  # those of `begun` serve
    results = run_phase(config, begun)
    assert len(results["trials"]) == 6
    assert {"Table 7, unbounded heads", "Table 7, bounded heads"} < set(results["tables"])
    table = {row["Metrics"]: row for row in results["tables"]["Table 7, bounded heads"]}
    assert all(table["Predicted Age Range (Gyr): Max"][f"Setup {setup}"] <= 13.8 * (1 + 1e-6) for setup in "ABC")
    assert len({trial["test"]["natural"]["log_age"]["rmse"] for trial in results["trials"]}) == 6
