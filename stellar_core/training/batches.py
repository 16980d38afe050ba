"""Batches of stars as tensors on a device."""

from __future__ import annotations

import numpy as np
import torch

from stellar_core.datasets.mock_stars import StarSet


class Batches:
    """Inputs and labels of a star set by rows, without the truth.

    The whole set is kept on a GPU with enough memory. Otherwise each batch is gathered on the host,
    from memory or memory-mapped files, transferred in its stored type and converted on the device.

    Parameters
    ----------
    stars : StarSet
    device : torch.device
    """

    def __init__(self, stars: StarSet, device: torch.device) -> None:
        self.device = device
        parts = {**vars(stars.inputs), **vars(stars.labels)}
        self.arrays = {name: array for name, array in parts.items() if array is not None}
        self.resident: dict[str, torch.Tensor] = {}
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if sum(array.nbytes for array in self.arrays.values()) < free / 2:
                self.resident = {name: self._to_device(array) for name, array in self.arrays.items()}

    def __call__(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Return all inputs and labels of ``rows`` (n,) by name: float32 or int64, (n, ...)."""
        if self.resident:
            index = self._to_device(rows)
            found = {name: tensor[index] for name, tensor in self.resident.items()}
        else:
            found = {name: self._to_device(array[rows]) for name, array in self.arrays.items()}
        return {name: _converted(tensor) for name, tensor in found.items()}

    def _to_device(self, array: np.ndarray) -> torch.Tensor:
        array = np.asarray(array)
        tensor = torch.from_numpy(np.array(array, copy=not array.flags.writeable))
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor


def _converted(tensor: torch.Tensor) -> torch.Tensor:
    """Convert floats and booleans to float32, integers to int64."""
    return tensor.float() if tensor.is_floating_point() or tensor.dtype == torch.bool else tensor.long()
