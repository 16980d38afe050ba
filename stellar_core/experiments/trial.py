"""One run of an experiment: train a network on a phase's stars, score it, store the result."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.files import locked, write_text
from stellar_core.memory import peak_memory, reset_peak_memory
from stellar_core.run_folder import RunFolder
from stellar_core.training.config import TrainingConfig

if TYPE_CHECKING:
    import torch

    from stellar_core.datasets.mock_stars import StarSet
    from stellar_core.evaluation.scores import PointPredictions
    from stellar_core.training.loop import Report, Stop

#: Spectra predicted at a time.
BATCH = 256


@dataclass(frozen=True)
class Trial:
    """A training and its place in the tables.

    Attributes
    ----------
    name : str
        Name of its files.
    labels : dict
        Experiment or setup, model, seed and so on.
    config : TrainingConfig
    """

    name: str
    labels: dict[str, object]
    config: TrainingConfig

    def identity(self) -> dict[str, object]:
        """Return the settings that a stored result must have, as JSON gives them; the device may differ."""
        config = {key: value for key, value in self.config.to_dict().items() if key != "device"}
        return json.loads(json.dumps({"name": self.name, "labels": self.labels, "config": config}))


def stored(trial: Trial, folder: Path) -> dict[str, object] | None:
    """Return the result of a finished trial in ``folder``, or None.

    Raises
    ------
    RunError
        If it has other settings.
    """
    path = folder / f"{trial.name}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    RunFolder(folder, trial.identity(), shown=str(path), remedy="Choose another folder with --out.").check(found)
    return found


def run_trial(
    trial: Trial,
    stars_folder: Path,
    folder: Path,
    threads: int = 1,
    report: Report | None = None,
    stop: Stop | None = None,
) -> dict[str, object] | None:
    """Run a trial unless it is finished already; an interrupted one continues from its checkpoint.

    Parameters
    ----------
    trial : Trial
    stars_folder : Path
        Two sets of stars as `stellar_core.datasets.memmap_stars.open_phase_stars` reads them.
    folder : Path
        Folder for ``<name>.json``, and until then for the checkpoint in ``<name>/``. A second process that
        runs the same trial waits.
    threads : int
        Torch's threads, restored at the end; the last digits of a result depend on them.
    report, stop : callable, optional
        As for `stellar_core.training.loop.train`.

    Returns
    -------
    dict or None
        The result; None if stopped.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    before = torch.get_num_threads()
    with locked(folder / f"{trial.name}.lock", timeout=-1):
        found = stored(trial, folder)
        if found is None:
            torch.set_num_threads(threads)
            try:
                found = _carry_out(trial, stars_folder, folder, report, stop)
            finally:
                torch.set_num_threads(before)
            if found is not None:
                write_text(folder / f"{trial.name}.json", json.dumps(found, allow_nan=False) + "\n")
                shutil.rmtree(folder / trial.name, ignore_errors=True)
    if found is not None:
        (folder / f"{trial.name}.lock").unlink(missing_ok=True)
    return found


def predict(network: torch.nn.Module, stars: StarSet, rows: np.ndarray) -> PointPredictions:
    """Predict ``rows`` of ``stars`` without dropout, on the network's device."""
    import torch

    from stellar_core.evaluation.scores import PointPredictions

    device = next(network.parameters()).device
    parts: list[tuple[np.ndarray, ...]] = []
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            arrays = (stars.inputs.flux[part], stars.inputs.coverage[part], stars.inputs.features[part])
            flux, coverage, features = (torch.from_numpy(np.array(array, np.float32)).to(device) for array in arrays)
            found = network(flux, coverage, features)
            values = (found.log_age.double(), found.log_lifetime.double(), found.stage.argmax(dim=1))
            parts.append(tuple(value.cpu().numpy() for value in values))
    return PointPredictions(*(np.concatenate(column) for column in zip(*parts)))


def rows_of_test_sets(stage: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return the rows of all test stars, "natural", and undersampled to equal numbers per stage, "balanced"."""
    from stellar_core.datasets.balancing import undersample

    return {"natural": np.arange(len(stage)), "balanced": undersample(np.asarray(stage), seed)}


def _carry_out(
    trial: Trial, stars_folder: Path, folder: Path, report: Report | None, stop: Stop | None
) -> dict[str, object] | None:
    import torch

    from stellar_core.datasets.balancing import partition
    from stellar_core.datasets.memmap_stars import open_phase_stars, select_part
    from stellar_core.evaluation.scores import score
    from stellar_core.experiments.skill import replicates
    from stellar_core.training.loop import train

    stars, config = open_phase_stars(stars_folder), trial.config
    reset_peak_memory()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    since = time.monotonic()
    trained = train(config, stars.train, folder / trial.name, report, stop)
    if not trained.finished:
        return None
    device = next(trained.network.parameters()).device
    seconds = sum(float(record["seconds"]) for record in trained.history)
    stage = np.asarray(stars.train.labels.stage)
    rows, held = partition(stage, config.validation, config.seed, config.balancing)
    epochs = len(trained.history)
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()
    validation = [select_part(part, held) for part in (stars.train.labels, stars.train.truth)]
    tests = rows_of_test_sets(stars.test.labels.stage, config.data.seed)
    predicted = predict(trained.network, stars.test, tests["natural"])
    result = {
        **trial.identity(),
        "device": device.type,
        "training_stars": len(rows),
        "epochs": epochs,
        "seconds": seconds,
        "spectra_per_second": epochs * (len(rows) // config.batch) * config.batch / seconds,
        "peak_memory_mb": memory / 1e6,
        "parameters": sum(parameter.numel() for parameter in trained.network.parameters()),
        "history": trained.history,
        "validation": score(predict(trained.network, stars.train, held), *validation),
        "test": {},
    }
    for name, at in tests.items():
        labels, truth = (select_part(part, at) for part in (stars.test.labels, stars.test.truth))
        scored = score(predicted.select(at), labels, truth)
        result["test"][name] = {**scored, "replicates": replicates(predicted.select(at), labels)}
    return {**result, "seconds_with_tests": time.monotonic() - since}
