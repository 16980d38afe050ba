"""A network while it learns: its weights, their running average, optimiser, schedule and early stopping."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.errors import ModelError
from stellar_core.model_store import model_folder
from stellar_core.models.checkpoints import load_network
from stellar_core.models.isochrone_network import IsochroneNetwork
from stellar_core.models.zoo import build
from stellar_core.training.config import TrainingConfig
from stellar_core.training.distributed import Processes
from stellar_core.training.losses import loss_parts, total_loss
from stellar_core.training.schedule import EarlyStopping, Schedule

#: Stars whose mean spectrum Model 9 keeps, at most.
SCALE_STARS = 1000
#: Greatest norm of a step's gradient.
MAX_GRADIENT = 1.0


def half_precision(wanted: str, device: torch.device) -> bool:
    """Whether matrix products are taken in bf16: as ``wanted``, or for "auto" where ``device`` has instructions for it."""
    if wanted != "auto":
        return wanted == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def inherit(network: nn.Module, name: str) -> list[str]:
    """Copy the weights of a stored model into ``network`` where names and shapes agree.

    Returns
    -------
    list of str
        Names of what stayed as it was.

    Raises
    ------
    ModelError
        If there is no such model, or nothing of it fits.
    """
    given, own = load_network(model_folder(name))[0].state_dict(), network.state_dict()
    fitting = {key: value for key, value in given.items() if key in own and own[key].shape == value.shape}
    if not fitting:
        raise ModelError(f"Nothing of the model {name} fits this architecture.", value=name)
    network.load_state_dict(fitting, strict=False)
    return sorted(set(own) - set(fitting))


class Learner:
    """Everything that a step changes.

    Parameters
    ----------
    config : TrainingConfig
    processes : Processes
    stars : StarSet
    rows : (n,) int
        Of the training stars; the network keeps means and spreads of their inputs.
    class_weights : (5,) float32, optional
        Weight of each stage in the loss.
    total : int
        Steps of the run.

    Attributes
    ----------
    names : tuple of str
        Names of the losses in the order that `step` and `evaluate` give them; known after the first.
    """

    def __init__(
        self,
        config: TrainingConfig,
        processes: Processes,
        stars: StarSet,
        rows: np.ndarray,
        class_weights: np.ndarray | None,
        total: int,
    ) -> None:
        self.config, self.processes, self.device = config, processes, processes.device
        network = build(config.model, torch.Generator().manual_seed(config.seed))
        features = stars.inputs.features[rows]
        spread = np.maximum(features.std(0), 1e-3)
        network.scale_features(torch.from_numpy(features.mean(0)), torch.from_numpy(spread))
        if isinstance(network, IsochroneNetwork):
            few = np.sort(rows[:SCALE_STARS])
            spectra = (stars.inputs.flux[few], stars.inputs.coverage[few])
            network.scale_spectra(*(torch.from_numpy(array.astype(np.float32)) for array in spectra))
            network.set_population(stars.labels.reference[rows], config.data.teacher_errors)
        if config.start_from:
            inherit(network, config.start_from)
        self.half = half_precision(config.precision, self.device)
        self.network = network.to(self.device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.parallel = processes.parallel(self.network)
        fused = self.device.type in ("cpu", "cuda")
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=fused
        )
        self.schedule = Schedule(config, self.optimiser, total)
        self.stopping = EarlyStopping(config.patience)
        self.class_weights = None if class_weights is None else torch.from_numpy(class_weights).to(self.device)
        self.dropout = torch.Generator(device=self.device)
        self.names: tuple[str, ...] = ()

    def step(self, step: int, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Learn from one batch, this process's share; ``step`` is counted from 0 and gives all randomness.

        Returns
        -------
        (n_loss,)
            The losses by `names`, on the device.
        """
        self.schedule.before_step(step)
        self._hide(step, batch)
        losses = self._losses(self.parallel, batch, self.dropout)
        self.optimiser.zero_grad(set_to_none=True)
        losses[-1].backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT, foreach=True)
        self.optimiser.step()
        decay = min(self.config.average, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1.0 - decay)
        return losses.detach()

    @torch.no_grad()
    def evaluate(self, batch: dict[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
        """The losses (n_loss,) of the averaged weights, without dropout; photometry is hidden where ``hidden`` (n,) bool."""
        batch["features"].masked_fill_(hidden.unsqueeze(1), torch.nan)
        return self._losses(self.average, batch, None)

    def _losses(
        self, network: nn.Module, batch: dict[str, torch.Tensor], dropout: torch.Generator | None
    ) -> torch.Tensor:
        ivar = batch["root_ivar"].square()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            predicted = network(batch["flux"], batch["coverage"], batch["features"], dropout, ivar)
        parts = loss_parts(predicted, batch, self.class_weights)
        self.names = (*parts, "total")
        return torch.stack([*parts.values(), total_loss(parts, self.config)])

    def _hide(self, step: int, batch: dict[str, torch.Tensor]) -> None:
        """Hide photometry of a share of the whole step's stars, the spectrum of another, whatever the number of processes."""
        rank, world = self.processes.rank, self.processes.world
        seed = self.config.seed * 1_000_003 + step
        self.dropout.manual_seed(seed)
        n = len(batch["features"]) * world
        chance = torch.rand(n, generator=self.dropout, device=self.device)[rank::world].unsqueeze(1)
        batch["features"].masked_fill_(chance < self.config.photometry_dropout, torch.nan)
        for name in ("coverage", "root_ivar"):
            batch[name].masked_fill_(chance >= 1.0 - self.config.spectrum_dropout, 0.0)
        if rank:
            self.dropout.manual_seed(seed + (rank << 40))

    def result(self) -> nn.Module:
        """The averaged network: of the best epoch under early stopping, otherwise of the last step."""
        if self.stopping.weights is not None:
            self.average.load_state_dict(self.stopping.weights)
        return self.average.eval()

    def state_dict(self) -> dict[str, object]:
        """Tensors and plain values for a checkpoint."""
        parts = ("network", "average", "optimiser", "schedule", "stopping")
        return {name: getattr(self, name).state_dict() for name in parts} | {"names": self.names}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from what `state_dict` gave."""
        for name in ("network", "average", "optimiser", "schedule", "stopping"):
            getattr(self, name).load_state_dict(state[name])
        self.names = tuple(state["names"])
