"""A training run of seconds on invented numbers, for tests in this process and in others.

``python -m tests.small_run FOLDER SETTINGS`` trains with the JSON object SETTINGS over `config`,
checkpoints in FOLDER as often as it can, writes a line to standard output after every step, and
at the end the weights to FOLDER/weights.npz.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet, Truth
from stellar_core.models.zoo import ModelConfig
from stellar_core.training.config import TrainingConfig
from stellar_core.training.loop import train

MODEL = ModelConfig(
    name="MLP+ResNet", spectrum_depth=1, spectrum_width=32, photometry_width=16, fusion_depth=1, fusion_width=32
)


def stars(n: int = 200, seed: int = 0) -> StarSet:
    """Stars whose age, lifetime and stage follow from a line of their spectrum and one colour."""
    rng = np.random.default_rng(seed)
    strength, colour = rng.random(n), rng.standard_normal(n)
    flux = 1.0 + 0.02 * rng.standard_normal((n, 6800))
    flux[:, 3000:3400] -= 0.6 * strength[:, None]
    features = 0.3 * rng.standard_normal((n, 29))
    features[:, 0] += colour
    log_age = (8.0 + 2.0 * strength).astype(np.float32)
    atmosphere = np.column_stack([5500.0 + 500.0 * colour, 4.0 + 0.3 * colour, strength - 1.0]).astype(np.float32)
    labels = {
        "log_age": log_age,
        "log_lifetime": log_age + np.float32(0.5),
        "stage": np.digitize(colour, [-0.5, 0.3, 0.8, 1.4]),
        "atmosphere": atmosphere,
        "reference": atmosphere,
    }
    inputs = {
        "flux": flux.astype(np.float16),
        "coverage": rng.random((n, 6800)) > 0.02,
        "features": features.astype(np.float32),
        "root_ivar": np.full((n, 6800), 50.0, dtype=np.float16),
    }
    truth = Truth(log_age, log_age, labels["stage"], atmosphere, log_age, strength)
    return StarSet(Inputs(**inputs), Labels(**labels), truth)


def config(**changes: object) -> TrainingConfig:
    """A run of four epochs of ten steps on `stars`."""
    return TrainingConfig.from_dict(
        {"epochs": 4, "batch": 16, "validation": 0.2, "device": "cpu", "model": vars(MODEL), **changes}
    )


def main(folder: Path, settings: dict[str, object]) -> None:
    """Train as the command line of this module does."""
    torch.set_num_threads(1)

    def report(state: dict[str, object]) -> None:
        sys.stdout.write(f"{state['step']}\n")
        sys.stdout.flush()

    trained = train(config(**settings), stars(), folder, report, save_seconds=0.05, report_seconds=0.0)
    if torch.distributed.is_initialized() and torch.distributed.get_rank():
        return
    np.savez(folder / "weights.npz", **{name: value.numpy() for name, value in trained.network.state_dict().items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
