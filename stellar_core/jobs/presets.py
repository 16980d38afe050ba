"""Runs worth starting from: the paper's setups, a demo of five minutes, the shipped model taught on."""

from __future__ import annotations

import math
from dataclasses import replace

from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ParameterError
from stellar_core.jobs.queue import THREADS
from stellar_core.jobs.spec import JobConfig, StarSource
from stellar_core.jobs.speed import Speed, estimate
from stellar_core.model_store import list_models
from stellar_core.models.isochrone_config import config_kind
from stellar_core.models.registry import ModelConfig
from stellar_core.training.config import SETUPS, TrainingConfig

#: The model that is taught on.
SHIPPED = "paper-setup-a"
#: Seconds that the demo is planned for, of the five minutes it may take.
DEMO_SECONDS = 240.0
#: The demo's network: Model 8 of the paper, small.
DEMO_MODEL = ModelConfig(
    name="MLP+Transformer",
    spectrum_depth=2,
    spectrum_width=64,
    heads=4,
    photometry_depth=2,
    photometry_width=64,
    fusion_depth=2,
    fusion_width=128,
)
#: Its epochs, the fewest and most stars it takes, and where they come from: in so short a time a network learns
#: ages from what stars truly are, and little from look-up labels, which scatter twice as far as the ages themselves.
DEMO_EPOCHS, DEMO_STARS, DEMO_SOURCE = 8, (600, 12_000), StarSource(labels="truth")

#: Name of each preset and what it is.
PRESETS = {
    "demo": "Five-minute demo: a small Model 8 that learns what MOCK stars truly are, sized by the measured speed of this machine",
    **{
        f"setup-{name.lower()}": f"The paper's Setup {name}: Model 6, loss weights {', '.join(map(str, weights))}"
        for name, weights in SETUPS.items()
    },
    "fine-tune": "The shipped model taught on, with other stars and a small learning rate",
}


def demo_training(stars: int = DEMO_STARS[1], held: int = 500) -> TrainingConfig:
    """The demo with so many stars to train on, and to calibrate and to test on each."""
    return TrainingConfig(
        name="demo",
        model=DEMO_MODEL,
        epochs=DEMO_EPOCHS,
        batch=32,
        learning_rate=1.5e-3,
        average=0.99,
        photometry_dropout=0.5,
        loss_weights=(3.0, 3.0, 0.5),
        data=DataConfig(stars=stars, calibration=held, test=held, seed=3, balanced=0.25),
    )


def demo(speed: Speed) -> JobConfig:
    """The demo with as many stars as this machine gets through in time.

    Raises
    ------
    ParameterError
        If the machine is too slow, or too busy, even for the fewest.
    """
    for held in (500, 300, 150):
        config = JobConfig("Five-minute demo", demo_training(held=held), DEMO_SOURCE, threads=THREADS)
        fixed = estimate(_sized(config, 100), speed)
        per_star = (estimate(_sized(config, 1100), speed).seconds - fixed.seconds) / 1000
        stars = 100 + math.floor((DEMO_SECONDS - fixed.seconds) / per_star)
        if stars >= 6 * held or (held == 150 and stars >= DEMO_STARS[0]):
            return _sized(config, min(stars // 100 * 100, DEMO_STARS[1]))
    raise ParameterError(
        "This machine is too slow or too busy at the moment for a demo of five minutes.",
        remedy="Choose the stars and epochs yourself.",
    )


def _sized(config: JobConfig, stars: int) -> JobConfig:
    training = config.training
    return replace(config, training=replace(training, data=replace(training.data, stars=stars)))


def preset(name: str, speed: Speed | None = None) -> JobConfig:
    """The job of a preset.

    Parameters
    ----------
    name : str
        One of `PRESETS`.
    speed : Speed, optional
        Of `demo_training`'s network; needed for the demo.

    Raises
    ------
    ParameterError
        If there is no such preset.
    ModelError
        If the shipped model is not there to be taught on.
    """
    if name == "demo" and speed is not None:
        return demo(speed)
    if name.startswith("setup-") and name[6:].upper() in SETUPS:
        letter = name[6:].upper()
        data = DataConfig(stars=20_000, calibration=1000, test=1000, seed=2)
        return JobConfig(
            f"Setup {letter}", TrainingConfig(name=name, setup=letter, epochs=4, data=data), threads=THREADS
        )
    if name == "fine-tune":
        return fine_tune()
    raise ParameterError(f"The presets are {', '.join(PRESETS)}; got {name!r}.", value=name)


def fine_tune(model: str = SHIPPED) -> JobConfig:
    """A shipped model taught on: its architecture and weights, MOCK stars of another seed, a small learning rate."""
    card = list_models().get(model)
    if card is None:
        raise ParameterError(f"The model {model} is not there to be taught on.", value=model)
    architecture = card["architecture"]
    before = TrainingConfig.from_dict(card["config"])
    training = replace(
        before,
        name=f"{model}-tuned",
        model=config_kind(architecture)(**architecture),
        start_from=model,
        epochs=2,
        learning_rate=1e-4,
        batch=32,
        average=0.99,
        seed=1,
        precision="auto",
        device="auto",
        data=replace(before.data, stars=4000, calibration=1000, test=1000, seed=before.data.seed + 1),
    )
    return JobConfig(f"{model} taught on", training, threads=THREADS)
