"""Whether there is room for a job: disk and memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig

#: Bytes in memory of one star's inputs: flux and root_ivar as float16, coverage as bool.
STAR_BYTES = 6800 * 5 + 400
#: Bytes that every worker takes: the program, the spectral emulator, the tracks and the posteriors of the test; and with
#: Model 9, which is levelled beside the isochrone engine's own cells.
BASE_BYTES, ISOCHRONE_BYTES = 1.4e9, 2.4e9
#: Bytes on the disk beside the checkpoints: log, curves, status.
SMALL_FILES = 2_000_000


def checkpoint_bytes(parameters: int) -> int:
    """Size of a checkpoint: weights, their average and two moments of the optimiser, float32."""
    return 16 * parameters + 200_000


def disk_needed(parameters: int) -> int:
    """Bytes a job takes at most: two checkpoints, a third while it is written, the model, small files."""
    return 3 * checkpoint_bytes(parameters) + 2 * parameters + SMALL_FILES


def memory_needed(training: TrainingConfig, parameters: int, network_bytes: float = 0.0) -> float:
    """Bytes of memory: the stars twice while they are put together, the network, and what a worker takes anyway."""
    base = ISOCHRONE_BYTES if isinstance(training.model, IsochroneConfig) else BASE_BYTES
    return base + 2.0 * training.data.stars * STAR_BYTES + max(network_bytes, 16.0 * parameters + training.batch * 2e6)


def memory_available() -> float | None:
    """Bytes that can be taken without swapping; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
    except OSError:
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return None


def check_disk(folder: Path, needed: float) -> None:
    """Refuse where less than ``needed`` bytes are free; ArchiveError."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ArchiveError(
            f"The job needs {needed / 1e6:.0f} MB on the disk, and {free / 1e6:.0f} MB are free.",
            value=free,
            remedy="Delete old jobs or choose a smaller network.",
        )


def check_memory(needed: float) -> None:
    """Refuse where less than ``needed`` bytes of memory are available; ParameterError."""
    free = memory_available()
    if free is not None and free < needed:
        raise ParameterError(
            f"The job needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are available.",
            value=needed,
            remedy="Take fewer stars.",
        )
