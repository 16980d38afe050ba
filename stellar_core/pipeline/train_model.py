"""A whole training run: MOCK stars, network, calibration, out-of-distribution check, test, card."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import nn

from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.metrics import rounded
from stellar_core.evaluation.stored_predictions import write_test
from stellar_core.files import write_text
from stellar_core.inference.dropout import DropoutEstimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.mock.survey import EDITION
from stellar_core.model_store import card_text, model_folder
from stellar_core.models.checkpoints import load_network, save_network
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.paths import TRAINED_DIR
from stellar_core.pipeline.calibrate import calibrate_dropout, calibrate_isochrone
from stellar_core.pipeline.survey_sets import SurveySets
from stellar_core.pipeline.test_report import make_report, survey_report
from stellar_core.progress import Progress
from stellar_core.training.checkpoint import NEWEST, Checkpoints, training_folder
from stellar_core.training.config import TrainingConfig
from stellar_core.training.distributed import processes
from stellar_core.training.loop import AfterEpoch, Report, Stop, train

#: MOCK stars for a recalibration, and as many for its test.
STARS = {"isochrone": 24_000, "dropout": 10_000}
#: Words for the labels of MOCK stars.
_LOOK_UPS = {"nearest": "the nearest point of the tracks", "interpolated": "interpolation between isochrones"}
_PIPELINES = {
    "independent": "parameters with random errors",
    "spectroscopic": "parameters measured on the same spectra",
}
#: Card entries that depend on the calibration and are measured by commands of their own.
SUPERSEDED = ("one_checkpoint_mock_test", "agreement_with_sspp_real_stars")
Say = Callable[[str], None]


class _Stopped(Exception):
    """Raised where a stop is requested while stars are made."""


def _silent(what: str, done: int, total: int) -> None:
    """Discard progress."""


def train_model(
    config: TrainingConfig,
    out: Path | None = None,
    *,
    say: Say = lambda text: None,
    report: Report | None = None,
    progress: Progress = _silent,
    stop: Stop = lambda: False,
    stars: StarSet | None = None,
    sets: SurveySets | None = None,
    after_epoch: AfterEpoch | None = None,
    save_seconds: float = 300.0,
) -> dict[str, object] | None:
    """Train, calibrate and test a network, and write the model with config.json and history.json.

    Parameters
    ----------
    config : TrainingConfig
    out : Path, optional
        Folder of the model, ``trained/<name>`` by default. It holds the checkpoints during the
        training; a run continues from them, and they are removed at the end.
    say : callable, optional
        Called with lines of text.
    progress : callable, optional
        Called with what is being done, how much is done and of how much, outside the training itself.
    stars : StarSet, optional
        Training stars instead of the MOCK ones that ``config.data`` describes; calibration and test use MOCK stars.
    sets : SurveySets, optional
        Stars of a survey for all three, instead.
    report, stop, after_epoch, save_seconds : optional
        As in `stellar_core.training.loop.train`.

    Returns
    -------
    dict or None
        The card; None if stopped, and in all processes but the first.

    Raises
    ------
    RunError
        If the folder holds a checkpoint of another run.
    """
    folder = TRAINED_DIR / config.name if out is None else Path(out)
    first = processes(config.device).first
    if not first:
        say, report, progress = (lambda text: None), None, _silent
    try:
        if first:
            _claim(folder, config)
        if sets is not None:
            training = sets.training
        else:
            training = _make_stars(config, "train", stop, progress) if stars is None else stars
        trained = train(config, training, folder, report, stop, save_seconds, after_epoch=after_epoch)
        if trained.finished and first:
            card = finish(config, trained.network.cpu(), len(training), folder, say, stop, progress, sets)
            Checkpoints(folder, "", 0.0).clear()
            return card
    except _Stopped:
        pass
    if first:
        say(f"Stopped. Run the same command again to continue; finished work is kept in {folder}.")
    return None


def recalibrate(
    name: str,
    stars: int | None = None,
    out: Path | None = None,
    *,
    say: Say = lambda text: None,
    stop: Stop = lambda: False,
    progress: Progress = _silent,
) -> dict[str, object] | None:
    """Refit calibration and out-of-distribution check of a trained network and test it; its weights do not change.

    Parameters
    ----------
    name : str
        In ``trained/``.
    stars : int, optional
        MOCK stars for the calibration, and as many for the test; by default `STARS`.
    out : Path, optional
        Folder to write to; the model's own by default.
    say, stop, progress : callable, optional
        As in `train_model`.

    Returns
    -------
    dict or None
        The card, with the entries of the old one that are not measured here. None if stopped.
    """
    network, _, old = load_network(model_folder(name))
    config = TrainingConfig.from_dict(old["config"])
    n = stars or STARS["isochrone" if isinstance(config.model, IsochroneConfig) else "dropout"]
    changed = replace(config, data=replace(config.data, calibration=n, test=n))
    folder = model_folder(name) if out is None else Path(out)
    try:
        card = finish(changed, network, int(old["training_stars"]), folder, say, stop, progress)
    except _Stopped:
        return None
    kept = {key: value for key, value in old.items() if key not in card and key not in SUPERSEDED}
    trained_on = old.get("training_mock_edition", 1)
    full = {**card, "config": old["config"], "training_mock_edition": trained_on, **kept}
    write_text(folder / "card.json", card_text(full))
    return full


def finish(
    config: TrainingConfig,
    network: nn.Module,
    used: int,
    folder: Path,
    say: Say,
    stop: Stop = lambda: False,
    progress: Progress = _silent,
    sets: SurveySets | None = None,
) -> dict[str, object]:
    """Calibrate and test a trained network, and write it with its card and the table of its test.

    Parameters
    ----------
    config : TrainingConfig
        ``data.calibration`` and ``data.test`` are the numbers of MOCK stars.
    network : Module
        As `train` returns it.
    used : int
        Training stars, for the card.
    folder : Path
    say, stop, progress : callable
        As in `train_model`.
    sets : SurveySets, optional
        Stars of a survey for calibration and test, instead of MOCK ones.

    Returns
    -------
    dict
        The card.
    """
    held = _make_stars(config, "calibration", stop, progress) if sets is None else sets.calibration
    say("Calibrating.")
    progress("calibrating", 0, 0)
    isochrone = isinstance(config.model, IsochroneConfig)
    calibration, check = (
        calibrate_isochrone(network, held, config.lines_alone > 0)
        if isochrone
        else calibrate_dropout(network, held, config.seed)
    )
    kind = IsochroneEstimator if isochrone else DropoutEstimator
    estimator = kind(config.name, network, check, {}, calibration)
    test = _make_stars(config, "test", stop, progress) if sets is None else sets.test
    say("Testing.")
    progress("testing", 0, 0)
    if sets is None:
        figures, table = make_report(estimator, held, test, config.data.spp_errors, config.seed)
        origin = {"training_mock_edition": EDITION, "mock_edition": EDITION}
    else:
        figures, table = survey_report(estimator, test, config.seed), None
        origin = {"survey": sets.survey, "data_kind": sets.kind, "tested_on": sets.tested_on}
    card = {
        "name": config.name,
        **_description(config, sets),
        "config": config.to_dict(),
        "training_stars": used,
        **origin,
        "date": datetime.date.today().isoformat(),
        "calibration_stars": len(held),
        **figures,
    }
    written = save_network(folder, network, {**calibration.arrays(), **check.arrays()}, rounded(card))
    if table is not None:
        write_test(folder, replace(table, sha256=str(written["sha256"])))
    return written


def _claim(folder: Path, config: TrainingConfig) -> None:
    """Write config.json, unless the folder holds an unfinished run with other settings."""
    written = folder / "config.json"
    if (folder / NEWEST).exists() and written.exists():
        training_folder(folder, config.settings()).check(TrainingConfig.read(written).settings())
    folder.mkdir(parents=True, exist_ok=True)
    write_text(written, json.dumps(config.to_dict(), indent=1) + "\n")


def _make_stars(config: TrainingConfig, split: str, stop: Stop, progress: Progress) -> StarSet:
    """MOCK stars of a split; `_Stopped` if a stop is requested meanwhile."""
    n = {"train": config.data.stars, "calibration": config.data.calibration, "test": config.data.test}[split]

    def check(what: str, done: int, total: int) -> None:
        progress(what, done, total)
        if stop():
            raise _Stopped

    return make_stars(n, config.data, split, check)


def _description(config: TrainingConfig, sets: SurveySets | None) -> dict[str, str]:
    """The model and its training data, in words."""
    if sets is not None:
        isochrone = isinstance(config.model, IsochroneConfig)
        model = "9" if isochrone else f"{config.model.architecture.number} of the paper ({config.model.name})"
        return {
            "what": f"Model {model}, trained on {sets.stars}; {sets.tested_on}",
            "data": f"{sets.kind}: spectra of the survey {sets.survey}; labels by {_LOOK_UPS[config.data.look_up]}, "
            "from SSPP's parameters",
        }
    if isinstance(config.model, IsochroneConfig):
        return {
            "what": "Model 9: patches of the spectrum and photometry to a posterior over real points of MIST tracks, "
            "trained on MOCK spectra",
            "data": "MOCK: emulated spectra of stars drawn from MIST; labels: the exact posterior of atmospheres "
            "with small errors",
        }
    architecture = config.model.architecture
    head = "with an atmosphere head" if config.atmosphere_weight else "without a trained atmosphere head"
    return {
        "what": f"Model {architecture.number} of the paper ({architecture.name}) {head}, trained on MOCK spectra",
        "data": f"MOCK: emulated spectra of stars drawn from MIST; labels by {_LOOK_UPS[config.data.look_up]}, from "
        f"{_PIPELINES[config.data.pipeline]}",
    }
