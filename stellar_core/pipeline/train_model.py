"""A whole training run: mock stars, network, calibration, domain gate, test, card."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.mock_evaluation import dropout_passes, diagnose_stars
from stellar_core.evaluation.predictions import truth_of
from stellar_core.evaluation.stored_predictions import write_test
from stellar_core.files import write_text
from stellar_core.inference.calibration.dropout import DropoutCalibration
from stellar_core.inference.dropout import DropoutEstimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.out_of_distribution import DomainCheck
from stellar_core.model_store import card_text, model_folder
from stellar_core.models.checkpoints import load_network, save_network
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.paths import TRAINED_DIR
from stellar_core.pipeline.calibrate_isochrone import PART, calibrate_isochrone
from stellar_core.pipeline.test_report import examine
from stellar_core.training.checkpoint import NEWEST, Checkpoints, other_run
from stellar_core.training.config import TrainingConfig
from stellar_core.training.distributed import processes
from stellar_core.training.loop import Progress, Stop, Watch, train

#: MOCK stars for calibration, and as many for the test, when a network is calibrated anew.
STARS = {"isochrone": 24_000, "dropout": 10_000}
#: Entries that were measured with the old calibration and have commands of their own.
SUPERSEDED = ("one_checkpoint_mock_test", "agreement_with_sspp_real_stars")
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
    """Calibrate a trained network, fit its domain gate, test it, and write it with the table of its test.

    Parameters
    ----------
    config : TrainingConfig
        ``data.calibration`` and ``data.test`` say how many MOCK stars.
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
    say("Calibrating.")
    isochrone = isinstance(config.model, IsochroneConfig)
    calibration, gate = (
        calibrate_isochrone(network, held) if isochrone else calibrate_dropout(network, held, config.seed)
    )
    kind = IsochroneEstimator if isochrone else DropoutEstimator
    estimator = kind(config.name, network, gate, {}, calibration)
    test = _stars(config, "test", stop, count)
    say("Testing.")
    figures, table = examine(estimator, held, test, config.data.spp_errors, config.seed)
    card = {
        "name": config.name,
        **_words(config),
        "config": config.to_dict(),
        "training_stars": used,
        "date": datetime.date.today().isoformat(),
        "calibration_stars": len(held),
        **figures,
    }
    written = save_network(folder, network, {**calibration.arrays(), **gate.arrays()}, rounded(card))
    write_test(folder, replace(table, sha256=str(written["sha256"])))
    return written


def calibrate_dropout(network: nn.Module, held: StarSet, seed: int) -> tuple[DropoutCalibration, DomainCheck]:
    """Misses, temperatures and limits of the gate of one of the paper's networks, on calibration stars."""
    part = int(np.ceil(PART * len(held)))
    passes = {known: dropout_passes(network, held, known, seed, len(held) if known else part) for known in (False, True)}
    calibration = DropoutCalibration.fit(passes, truth_of(held), held.truth.stage, held.truth.snr)
    found = [diagnose_stars(held, seen.values[:, :, :3].mean(axis=1), known) for known, seen in passes.items()]
    return calibration, DomainCheck.fit(
        np.concatenate([seen.embedding for seen in passes.values()]), np.concatenate(found)
    )


def recalibrate(
    name: str,
    stars: int | None = None,
    out: Path | None = None,
    say: Say = lambda text: None,
    stop: Stop = lambda: False,
    count: Count = lambda what, done, total: None,
) -> dict[str, object] | None:
    """Fit calibration and gate of a trained network anew, test it, and write it; its weights stay as they are.

    Parameters
    ----------
    name : str
        In ``trained/``.
    stars : int, optional
        MOCK stars for the calibration, and as many for the test; by default `STARS`.
    out : Path, optional
        Folder to write to; the model's own by default.
    say, stop, count : callable
        As for `run`.

    Returns
    -------
    dict or None
        The card: what is on the old one and not measured here stays. None if stopped.
    """
    network, _, old = load_network(model_folder(name))
    config = TrainingConfig.from_dict(old["config"])
    n = stars or STARS["isochrone" if isinstance(config.model, IsochroneConfig) else "dropout"]
    changed = replace(config, data=replace(config.data, calibration=n, test=n))
    folder = model_folder(name) if out is None else Path(out)
    try:
        card = finish(changed, network, int(old["training_stars"]), folder, say, stop, count)
    except _Stopped:
        return None
    kept = {key: value for key, value in old.items() if key not in card and key not in SUPERSEDED}
    full = {**card, "config": old["config"], **kept}
    write_text(folder / "card.json", card_text(full))
    return full


def _words(config: TrainingConfig) -> dict[str, str]:
    """What the model is, and from what it learned."""
    if isinstance(config.model, IsochroneConfig):
        return {
            "what": "Model 9: patches of the spectrum and photometry to a posterior over real points of MIST tracks, "
            "trained on MOCK spectra",
            "data": "MOCK: emulated spectra of stars drawn from MIST; taught by the exact posterior of atmospheres "
            "with small errors",
        }
    architecture = config.model.architecture
    return {
        "what": f"Model {architecture.number} of the paper ({architecture.name}) with an atmosphere head, trained on MOCK spectra",
        "data": "MOCK: emulated spectra of stars drawn from MIST; labels by the paper's nearest-point look-up",
    }


def rounded(value):
    """Floats to five significant digits, in any nesting."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
