"""A whole training run: mock stars, network, calibration, domain gate, test, card."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Callable

import numpy as np
from torch import nn

from stellar_core.cards import TRAINED_DIR, write_text
from stellar_core.evaluation.mock_test import baselines, measure, misfits_of, passes_of, truth_of
from stellar_core.inference.calibration import Calibration
from stellar_core.inference.domain import DomainGate
from stellar_core.models.checkpoints import save_network
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig
from stellar_core.training.data import StarSet, make_stars
from stellar_core.training.distributed import processes
from stellar_core.training.loop import Progress, Stop, Watch, train
from stellar_core.training.resume import NEWEST, Checkpoints, other_run

Say = Callable[[str], None]
Count = Callable[[str, int, int], None]


class _Stopped(Exception):
    """Asked to stop while stars were made."""


def run(
    config: TrainingConfig,
    out: Path | None = None,
    say: Say = lambda text: None,
    progress: Progress | None = None,
    stop: Stop = lambda: False,
    count: Count = lambda what, done, total: None,
    learn_from: StarSet | None = None,
    watch: Watch | None = None,
    save_seconds: float = 300.0,
) -> dict[str, object] | None:
    """Carry out ``config`` and write the model, with config.json and history.json beside the weights.

    Parameters
    ----------
    config : TrainingConfig
    out : Path, optional
        Folder of the model, ``trained/<name>`` by default. Checkpoints are kept beside the
        weights while training, gone on from, and removed at the end.
    say : callable, optional
        Gets lines of text.
    progress, stop : callable, optional
        As for `stellar_core.training.loop.train`.
    count : callable, optional
        Told what is being made, how many are done and of how many, while stars are.
    learn_from : StarSet, optional
        Training stars in place of the MOCK ones that ``config.data`` describes; the network is
        calibrated and tested on MOCK stars all the same.
    watch, save_seconds : optional
        As for `stellar_core.training.loop.train`.

    Returns
    -------
    dict or None
        The card; None if stopped, and in all processes but the first.

    Raises
    ------
    ModelError
        If the folder holds a checkpoint of another run.
    """
    folder = TRAINED_DIR / config.name if out is None else Path(out)
    first = processes(config.device).first
    if not first:
        say, progress, count = (lambda text: None), None, (lambda what, done, total: None)
    try:
        if first:
            _claim(folder, config)
        stars = _stars(config, "train", stop, count) if learn_from is None else learn_from
        trained = train(config, stars, folder, progress, stop, save_seconds, watch=watch)
        if trained.finished and first:
            card = finish(config, trained.network.cpu(), len(stars), folder, say, stop, count)
            Checkpoints(folder, "", 0.0).clear()
            return card
    except _Stopped:
        pass
    if first:
        say(f"Stopped. The same command goes on from where it was: what is done is kept in {folder}.")
    return None


def _claim(folder: Path, config: TrainingConfig) -> None:
    """Write config.json, unless the folder holds an unfinished run with other settings."""
    written = folder / "config.json"
    unfinished = (folder / NEWEST).exists() and written.exists()
    if unfinished and TrainingConfig.read(written).settings() != config.settings():
        raise other_run(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(written, json.dumps(config.to_dict(), indent=1) + "\n")


def _stars(config: TrainingConfig, split: str, stop: Stop, count: Count) -> StarSet:
    """Mock stars of a split."""
    n = {"train": config.data.stars, "calibration": config.data.calibration, "test": config.data.test}[split]

    def check(done: int, total: int) -> None:
        count(f"MOCK {split} stars", done, total)
        if stop():
            raise _Stopped

    return make_stars(n, config.data, split, check)


def finish(
    config: TrainingConfig,
    network: nn.Module,
    used: int,
    folder: Path,
    say: Say,
    stop: Stop = lambda: False,
    count: Count = lambda what, done, total: None,
) -> dict[str, object]:
    """Calibrate a trained network, fit its domain gate, test it and write it.

    Parameters
    ----------
    config : TrainingConfig
    network : Module
        As `train` returns it.
    used : int
        Training stars, for the card.
    folder : Path
    say, stop, count : callable
        As for `run`.

    Returns
    -------
    dict
        The card.
    """
    held = _stars(config, "calibration", stop, count)
    if isinstance(config.model, IsochroneConfig):
        from stellar_core.training.isochrone_run import finish_isochrone

        test = _stars(config, "test", stop, count)
        say("Calibrating and testing.")
        return finish_isochrone(config, network, used, folder, held, test)
    say("Calibrating.")
    passes = {known: passes_of(network, held, known, config.seed) for known in (False, True)}
    calibration = Calibration.fit(passes, truth_of(held), held.truth.stage, config.seed)
    atmosphere = passes[False].values[:, :, :3].mean(axis=1)
    embedding = np.concatenate([passes[False].embedding, passes[True].embedding])
    gate = DomainGate.fit(embedding, misfits_of(held, atmosphere))
    test = _stars(config, "test", stop, count)
    say("Testing.")
    architecture = config.model.architecture
    views = {"spectrum and photometry": True, "spectrum alone": False}
    if architecture.requires_photometry:
        views = {"photometry alone": True}
    elif not architecture.uses_photometry:
        views = {"spectrum alone": False}
    card = {
        "name": config.name,
        "what": f"Model {architecture.number} of the paper ({architecture.name}) with an atmosphere head, trained on MOCK spectra",
        "data": "MOCK: emulated spectra of stars drawn from MIST; labels by the paper's nearest-point look-up",
        "config": config.to_dict(),
        "training_stars": used,
        "date": datetime.date.today().isoformat(),
        "metrics_mock_test": {name: measure(network, calibration, test, config, known) for name, known in views.items()},
        "exact_posterior_from_pipeline_parameters_mock_test": baselines(test, config.data.spp_errors),
    }
    return save_network(folder, network, {**calibration.arrays(), **gate.arrays()}, _rounded(card))


def _rounded(value):
    """Floats to five significant digits, in any nesting."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
