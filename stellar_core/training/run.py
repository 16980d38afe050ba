"""A whole training run: mock stars, network, calibration, domain gate, test, card."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Callable

import numpy as np
from torch import nn

from stellar_core.cards import TRAINED_DIR
from stellar_core.evaluation.mock_test import baselines, measure, misfits_of, passes_of, truth_of
from stellar_core.inference.calibration import Calibration
from stellar_core.inference.domain import DomainGate
from stellar_core.models.checkpoints import save_network
from stellar_core.training.config import TrainingConfig
from stellar_core.training.data import make_stars
from stellar_core.training.loop import train

Say = Callable[[str], None]


def run(config: TrainingConfig, out: Path | None = None, say: Say = lambda text: None) -> dict[str, object]:
    """Carry out ``config`` and write the model.

    Parameters
    ----------
    config : TrainingConfig
    out : Path, optional
        Folder of the model, ``trained/<name>`` by default. A checkpoint is kept beside the
        weights while training and removed at the end.
    say : callable, optional
        Gets lines of progress.

    Returns
    -------
    dict
        The card.
    """
    folder = TRAINED_DIR / config.name if out is None else Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.tmp"
    say(f"Making {config.data.stars} mock stars.")
    stars = make_stars(config.data.stars, config.data, "train")

    def report(state: dict[str, float]) -> None:
        losses = ", ".join(f"{name} {state[name]:.4f}" for name in ("age", "lifetime", "stage", "atmosphere"))
        say(f"step {state['step']} of {state['total']}: {losses}; {state['seconds_left'] / 60:.1f} minutes left")

    network = train(config, stars, checkpoint, report)
    used = len(stars)
    del stars
    card = finish(config, network, used, folder, say)
    checkpoint.unlink(missing_ok=True)
    return card


def finish(config: TrainingConfig, network: nn.Module, used: int, folder: Path, say: Say) -> dict[str, object]:
    """Calibrate a trained network, fit its domain gate, test it and write it.

    Parameters
    ----------
    config : TrainingConfig
    network : Module
        As `train` returns it.
    used : int
        Training stars, for the card.
    folder : Path
    say : callable

    Returns
    -------
    dict
        The card.
    """
    say("Calibrating.")
    held = make_stars(config.data.calibration, config.data, "calibration")
    passes = {known: passes_of(network, held, known, config.seed) for known in (False, True)}
    calibration = Calibration.fit(passes, truth_of(held), held.truth.stage, config.seed)
    gate = DomainGate.fit(
        np.concatenate([passes[False].embedding, passes[True].embedding]), misfits_of(network, held, passes[False])
    )
    say("Testing.")
    test = make_stars(config.data.test, config.data, "test")
    card = {
        "name": config.name,
        "what": "Model 6 of the paper (MLP+CNN+Transformer) with an atmosphere head, trained on MOCK spectra",
        "data": "MOCK: emulated spectra of stars drawn from MIST; labels by the paper's nearest-point look-up",
        "config": config.to_dict(),
        "training_stars": used,
        "date": datetime.date.today().isoformat(),
        "metrics_mock_test": {
            "spectrum and photometry": measure(network, calibration, test, config, True),
            "spectrum alone": measure(network, calibration, test, config, False),
        },
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
