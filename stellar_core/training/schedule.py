"""Learning-rate schedule and early stopping."""

from __future__ import annotations

import math

import torch

from stellar_core.training.config import TrainingConfig


def learning_rate(step: int, total: int, peak: float) -> float:
    """Return the rate of a step: linear rise to ``peak`` over a twentieth of the run, cosine decay to peak / 100."""
    warm = max(1, total // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))))


class Schedule:
    """Learning rate of an optimiser during a run.

    Parameters
    ----------
    config : TrainingConfig
        Its ``schedule`` is "cosine", set before every step, or "plateau", torch's
        ReduceLROnPlateau, updated with the validation loss after every epoch.
    optimiser : torch.optim.Optimizer
    total : int
        Steps of the run.
    """

    def __init__(self, config: TrainingConfig, optimiser: torch.optim.Optimizer, total: int) -> None:
        self.peak, self.optimiser, self.total = config.learning_rate, optimiser, total
        self.plateau = None
        if config.schedule == "plateau":
            self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimiser, factor=config.plateau_factor, patience=config.plateau_patience
            )

    @property
    def rate(self) -> float:
        """Current learning rate."""
        return float(self.optimiser.param_groups[0]["lr"])

    def before_step(self, step: int) -> None:
        """Set the rate of ``step``, counted from 0."""
        if self.plateau is None:
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate(step, self.total, self.peak)

    def after_epoch(self, validation: float | None) -> None:
        """Update with the validation loss."""
        if self.plateau is not None:
            self.plateau.step(validation)

    def state_dict(self) -> dict[str, object]:
        """Return plain values for a checkpoint; the optimiser's state holds the rate itself."""
        if self.plateau is None:
            return {}
        return {
            name: getattr(self.plateau, name) for name in ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Restore the state of `state_dict`."""
        if self.plateau is not None:
            self.plateau.load_state_dict(state)


class EarlyStopping:
    """Early stopping on the validation loss.

    Attributes
    ----------
    best : float
        Lowest loss so far.
    bad : int
        Epochs since then.
    weights : dict of str to Tensor, optional
        The network's state at the best epoch.
    """

    def __init__(self, patience: int) -> None:
        self.patience, self.best, self.bad = patience, math.inf, 0
        self.weights: dict[str, torch.Tensor] | None = None

    def after_epoch(self, validation: float, network: torch.nn.Module) -> None:
        """Update with an epoch's validation loss, keeping the weights of the best; does nothing without patience."""
        if not self.patience:
            return
        if validation < self.best:
            self.best, self.bad = validation, 0
            self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        else:
            self.bad += 1

    @property
    def over(self) -> bool:
        """Whether the run should stop."""
        return bool(self.patience) and self.bad >= self.patience

    def state_dict(self) -> dict[str, object]:
        """Return plain values and tensors for a checkpoint."""
        return {"best": self.best, "bad": self.bad, "weights": self.weights}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Restore the state of `state_dict`."""
        self.best, self.bad, self.weights = state["best"], state["bad"], state["weights"]
