"""State of a training: weights and their running average, optimiser, schedule, early stopping."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stellar_core.datasets.calibration_errors import N_RANDOM, disturb
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.errors import ModelError
from stellar_core.model_store import model_folder
from stellar_core.models.checkpoints import load_network
from stellar_core.models.isochrone_network import IsochroneNetwork
from stellar_core.models.line_spectrum import line_spectrum
from stellar_core.models.zoo import build
from stellar_core.training.config import TrainingConfig
from stellar_core.training.distributed import Processes
from stellar_core.training.losses import loss_parts, total_loss
from stellar_core.training.schedule import EarlyStopping, Schedule

#: Largest number of stars for the mean spectrum that Model 9 stores.
SCALE_STARS = 1000


def half_precision(wanted: str, device: torch.device) -> bool:
    """Return whether to use bf16: as ``wanted``, or for "auto" if ``device`` has instructions for it."""
    if wanted != "auto":
        return wanted == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def inherit(network: nn.Module, name: str, folder: Path | None = None) -> None:
    """Copy the weights of a stored model into ``network`` where names and shapes agree.

    Parameters
    ----------
    network : Module
    name : str
        Name of a model beside ``folder``, else of one of the app.
    folder : Path, optional
        Folder of the run.

    Raises
    ------
    ModelError
        If there is no such model, or none of its weights fit.
    """
    source = model_folder(name)
    if folder is not None and (folder.parent / name / "card.json").exists():
        source = folder.parent / name
    given, own = load_network(source)[0].state_dict(), network.state_dict()
    fitting = {key: value for key, value in given.items() if key in own and own[key].shape == value.shape}
    if not fitting:
        raise ModelError(f"No weights of the model {name} fit this architecture.", value=name)
    network.load_state_dict(fitting, strict=False)


class Learner:
    """Everything that a training step changes.

    Parameters
    ----------
    config : TrainingConfig
    processes : Processes
    stars : StarSet
    rows : (n,) int
        Rows of the training stars; the network stores the means and standard deviations of their inputs.
    class_weights : (5,) float32, optional
        Weight of each stage in the loss.
    total : int
        Steps of the run.
    folder : Path, optional
        Folder of the run, beside which ``config.start_from`` may be.

    Attributes
    ----------
    names : tuple of str
        Names of the losses in the order of `step` and `evaluate`; known after the first call.
    """

    def __init__(
        self,
        config: TrainingConfig,
        processes: Processes,
        stars: StarSet,
        rows: np.ndarray,
        class_weights: np.ndarray | None,
        total: int,
        folder: Path | None = None,
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
            inherit(network, config.start_from, folder)
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
        """Take one step with this process's part of a batch; ``step``, from 0, seeds all randomness.

        Returns
        -------
        (n_loss,)
            The losses in the order of `names`, on the device.
        """
        self.schedule.before_step(step)
        self._hide(step, batch)
        losses = self._losses(self.parallel, batch, self.dropout)
        self.optimiser.zero_grad(set_to_none=True)
        losses[-1].backward()
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip, foreach=True)
        self.optimiser.step()
        decay = min(self.config.average, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1.0 - decay)
        return losses.detach()

    @torch.no_grad()
    def evaluate(self, batch: dict[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
        """Return the losses (n_loss,) of the averaged weights without dropout, photometry masked by ``hidden`` (n,)."""
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
        """Hide the photometry of some stars, the spectrum of others, and the broad shape of others; independent of the
        number of processes."""
        rank, world = self.processes.rank, self.processes.world
        seed = self.config.seed * 1_000_003 + step
        self.dropout.manual_seed(seed)
        n = len(batch["features"]) * world
        chance = torch.rand(n, generator=self.dropout, device=self.device)[rank::world].unsqueeze(1)
        batch["features"].masked_fill_(chance < self.config.photometry_dropout, torch.nan)
        for name in ("coverage", "root_ivar"):
            batch[name].masked_fill_(chance >= 1.0 - self.config.spectrum_dropout, 0.0)
        if self.config.lines_alone:
            random = torch.rand(n, N_RANDOM + 1, generator=self.dropout, device=self.device)[rank::world]
            self._to_lines(batch, random)
        if rank:
            self.dropout.manual_seed(seed + (rank << 40))

    def _to_lines(self, batch: dict[str, torch.Tensor], random: torch.Tensor) -> None:
        """Replace some spectra by their lines alone, with errors of other instruments; ``random`` (n, N_RANDOM + 1)."""
        rows = torch.nonzero(random[:, -1] < self.config.lines_alone).squeeze(1)
        spectra = batch["flux"][rows], batch["coverage"][rows], batch["root_ivar"][rows].square()
        flux, coverage, ivar = line_spectrum(*disturb(*spectra, random[rows, :-1]))
        for name, values in (("flux", flux), ("coverage", coverage), ("root_ivar", ivar.sqrt())):
            batch[name][rows] = values

    def result(self) -> nn.Module:
        """Return the averaged network: of the best epoch with early stopping, otherwise of the last step."""
        if self.stopping.weights is not None:
            self.average.load_state_dict(self.stopping.weights)
        return self.average.eval()

    def state_dict(self) -> dict[str, object]:
        """Return tensors and plain values for a checkpoint."""
        parts = ("network", "average", "optimiser", "schedule", "stopping")
        return {name: getattr(self, name).state_dict() for name in parts} | {"names": self.names}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Restore the state of `state_dict`."""
        for name in ("network", "average", "optimiser", "schedule", "stopping"):
            getattr(self, name).load_state_dict(state[name])
        self.names = tuple(state["names"])
