"""Stars as the tensors of one step."""

from __future__ import annotations

import numpy as np
import torch

from stellar_core.datasets.mock_stars import StarSet


class Batches:
    """Inputs and labels of a star set, by rows, on a device; nothing else of the stars enters.

    On a GPU with room the whole set is kept there; otherwise each batch is gathered on the host
    (from memory or from mapped files) and sent as it is stored, and widened on the device.

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
                self.resident = {name: self._sent(array) for name, array in self.arrays.items()}

    def __call__(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Every field of the inputs and labels for ``rows`` (n,), by its name: float32 or int64, (n, ...)."""
        if self.resident:
            index = self._sent(rows)
            found = {name: tensor[index] for name, tensor in self.resident.items()}
        else:
            found = {name: self._sent(array[rows]) for name, array in self.arrays.items()}
        return {name: _widened(tensor) for name, tensor in found.items()}

    def _sent(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.array(array, copy=not array.flags.writeable))
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    """Float32 of floats and booleans, int64 of integers."""
    return tensor.float() if tensor.is_floating_point() or tensor.dtype == torch.bool else tensor.long()
