"""Training in several processes started by torchrun, and the device of each."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass

import numpy as np
import torch
from torch import distributed, nn

from stellar_core.errors import ParameterError


def device_of(name: str) -> torch.device:
    """Return the torch device of a configuration; "auto" is a GPU if there is one, a different one per process.

    Raises
    ------
    ParameterError
        If torch does not know the device, or this machine does not have it.
    """
    gpu = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if gpu else "cpu"
    if name == "cuda" and gpu:
        name = f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ParameterError(
            f"There is no device {name!r} here.", value=name, remedy="Set device to auto or cpu."
        ) from None
    return device


@dataclass(frozen=True)
class Processes:
    """The processes of a run: one, or those started by torchrun.

    Attributes
    ----------
    rank : int
        Number of this process, from 0; only process 0 writes.
    world : int
        Number of processes.
    device : torch.device
        Device of this process.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Return this process's part of ``rows``; the parts of all processes are disjoint and complete."""
        return rows[self.rank :: self.world]

    def parallel(self, network: nn.Module) -> nn.Module:
        """Wrap ``network`` in torch's DistributedDataParallel, which averages gradients over the processes."""
        if self.world == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=ids)

    def summed(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of ``values`` over the processes."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Return true if ``flag`` is true in any process."""
        if self.world == 1:
            return flag
        return bool(self.summed(torch.tensor(float(flag), device=self.device)))


def processes(device: str) -> Processes:
    """Join the processes started by torchrun (gloo on CPUs, nccl on GPUs), or return the only one.

    Parameters
    ----------
    device : str
        As in `TrainingConfig`.
    """
    target = device_of(device)
    if not distributed.is_torchelastic_launched() or int(os.environ["WORLD_SIZE"]) == 1:
        return Processes(0, 1, target)
    if not distributed.is_initialized():
        if target.type == "cuda":
            torch.cuda.set_device(target)
        distributed.init_process_group("nccl" if target.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    return Processes(distributed.get_rank(), distributed.get_world_size(), target)
