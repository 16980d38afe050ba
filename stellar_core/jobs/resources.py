"""Disk and memory that a job needs, by arithmetic, and checks that the machine has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from stellar_core.errors import ParameterError, StorageError
from stellar_core.memory import memory_available
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.models.registry import ModelConfig
from stellar_core.training.config import TrainingConfig

#: Bytes in memory of one star's inputs: flux and root_ivar as float16, coverage as bool.
STAR_BYTES = 6800 * 5 + 400
#: Bytes of every worker: the program, the spectral emulator, the tracks and the posteriors of the test. Model 9 needs
#: more, because its test also evaluates the isochrone posterior on its own cells.
BASE_BYTES, ISOCHRONE_BYTES = 1.4e9, 2.4e9
#: Bytes on the disk besides the checkpoints: log, curves, status.
SMALL_FILES = 2_000_000


def parameter_count(model: ModelConfig | IsochroneConfig) -> int:
    """Return the number of weights of a network."""
    import torch

    from stellar_core.models.zoo import build

    network = build(model, torch.Generator().manual_seed(0))
    return sum(weights.numel() for weights in network.parameters())


def checkpoint_bytes(parameters: int) -> int:
    """Size of a checkpoint: weights, their average and two moments of the optimiser, float32."""
    return 16 * parameters + 200_000


def disk_needed(parameters: int, stars: int = 0) -> int:
    """Largest size of a job in bytes: three checkpoints, of which one is being written, the model, small files, and
    ``stars`` of a survey."""
    return 3 * checkpoint_bytes(parameters) + 2 * parameters + SMALL_FILES + stars * STAR_BYTES


def memory_needed(training: TrainingConfig, parameters: int, on_disk: bool = False) -> float:
    """Memory in bytes: the worker itself, the stars, and the network.

    Stars are in memory twice while they are assembled. Of a survey store (``on_disk``) only those for calibration and
    test are in memory, with the views of their inputs.
    """
    data = training.data
    stars = 3.0 * (data.calibration + data.test) if on_disk else 2.0 * data.stars
    base = ISOCHRONE_BYTES if isinstance(training.model, IsochroneConfig) else BASE_BYTES
    return base + stars * STAR_BYTES + 16.0 * parameters + training.batch * 2e6


def check_disk(folder: Path, needed: float) -> None:
    """Raise StorageError if fewer than ``needed`` bytes are free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"The job needs {needed / 1e6:.0f} MB on the disk, and {free / 1e6:.0f} MB are free.",
            value=free,
            remedy="Delete old jobs or choose a smaller network.",
        )


def check_memory(needed: float) -> None:
    """Raise ParameterError if fewer than ``needed`` bytes of memory are available."""
    free = memory_available()
    if free is not None and free < needed:
        raise ParameterError(
            f"The job needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are available.",
            value=needed,
            remedy="Take fewer stars.",
        )
