"""Ready-made runs: a demo of a few minutes, the paper's setups with its training and with ours, fine-tuning."""

from __future__ import annotations

from dataclasses import replace

from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ParameterError
from stellar_core.jobs.queue import THREADS
from stellar_core.jobs.spec import JobConfig, StarSource
from stellar_core.model_store import list_models
from stellar_core.models.isochrone_config import config_kind
from stellar_core.models.registry import ModelConfig
from stellar_core.training.config import SETUPS, TrainingConfig

#: The model that is fine-tuned.
SHIPPED = "paper-setup-a"
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
#: The demo's training labels: with so little training a network learns ages from true ages, and little from look-up
#: labels, whose scatter is twice that of the ages themselves.
DEMO_SOURCE = StarSource(labels="truth")

#: Preset -> description.
PRESETS = {
    "demo": "Five-minute demo: a small Model 8 trained on the true parameters of 7,000 MOCK stars",
    **{
        f"setup-{name.lower()}": f"The paper's Setup {name}, trained as in the paper: Model 6, loss weights "
        f"{', '.join(map(str, weights))}"
        for name, weights in SETUPS.items()
    },
    **{
        f"setup-{name.lower()}-ours": f"Setup {name} with our training, as the shipped paper-setup-a" for name in SETUPS
    },
    "fine-tune": "Fine-tune the shipped model: other stars, small learning rate",
}


def demo_training(stars: int = 7000, held: int = 500) -> TrainingConfig:
    """Return the demo with this many training stars, and ``held`` stars each for calibration and test.

    By default it takes under five minutes on two cores; 144 s were measured on one.
    """
    return TrainingConfig(
        name="demo",
        model=DEMO_MODEL,
        epochs=8,
        batch=32,
        learning_rate=1.5e-3,
        average=0.99,
        photometry_dropout=0.5,
        loss_weights=(3.0, 3.0, 0.5),
        data=DataConfig(stars=stars, calibration=held, test=held, seed=3, balanced=0.25),
    )


def preset(name: str) -> JobConfig:
    """Return the job of a preset, one of `PRESETS`.

    Raises
    ------
    ParameterError
        If there is no such preset, or the model to fine-tune is not installed.
    """
    if name == "demo":
        return JobConfig("Five-minute demo", demo_training(), DEMO_SOURCE, threads=THREADS)
    letter, ours = name.removeprefix("setup-").removesuffix("-ours").upper(), name.endswith("-ours")
    if name.startswith("setup-") and letter in SETUPS:
        numbers = {"stars": 20_000, "calibration": 1000, "test": 1000, "seed": 2}
        if ours:
            training = TrainingConfig(name=name, setup=letter, epochs=4, data=DataConfig(**numbers))
        else:
            training = TrainingConfig.paper(name=name, setup=letter, data=DataConfig.paper(**numbers))
        return JobConfig(f"Setup {letter}{', our training' if ours else ''}", training, threads=THREADS)
    if name == "fine-tune":
        return fine_tune()
    raise ParameterError(f"The presets are {', '.join(PRESETS)}; got {name!r}.", value=name)


def fine_tune(model: str = SHIPPED) -> JobConfig:
    """Return a job that continues a shipped model: its architecture and weights, other MOCK stars, a small rate."""
    card = list_models().get(model)
    if card is None:
        raise ParameterError(f"The model {model} is not installed, so it cannot be fine-tuned.", value=model)
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
    return JobConfig(f"{model} fine-tuned", training, threads=THREADS)
