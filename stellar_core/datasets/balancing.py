"""Which stars a network is taught on, and how much each stage counts."""

from __future__ import annotations

import numpy as np

from stellar_core.stages import STAGES
from stellar_core.training.config import TrainingConfig


def split(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep a share of ``n`` stars apart for validation.

    Each row of a star set is another star, so no star is on both sides.

    Returns
    -------
    training, validation : (n_training,), (n_validation,) int
        Row numbers, ascending; together all of 0 to n - 1.
    """
    held = int(round(n * share))
    order = np.random.default_rng([seed, 1]).permutation(n) if held else np.arange(n)
    return np.sort(order[held:]), np.sort(order[:held])


def undersample(stage: np.ndarray, seed: int) -> np.ndarray:
    """Cut every stage to as many stars as the rarest has: the paper's Experiment B (section 3.3.1).

    Parameters
    ----------
    stage : (n,) int
    seed : int

    Returns
    -------
    (m,) int
        Rows kept, ascending: as many of each stage that occurs.
    """
    rng = np.random.default_rng([seed, 2])
    members = [np.flatnonzero(stage == value) for value in np.unique(stage)]
    rarest = min(map(len, members))
    return np.sort(np.concatenate([rng.choice(rows, rarest, replace=False) for rows in members]))


def partition(stage: np.ndarray, config: TrainingConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rows that a run learns from and rows that it is validated on, both undersampled where the configuration says so.

    Parameters
    ----------
    stage : (n,) int
    config : TrainingConfig

    Returns
    -------
    training, validation : (n_training,), (n_validation,) int
    """
    rows, held = split(len(stage), config.validation, config.seed)
    if config.balancing == "undersample":
        rows = rows[undersample(stage[rows], config.seed)]
        held = held[undersample(stage[held], config.seed)] if len(held) else held
    return rows, held


def class_weights(stage: np.ndarray) -> np.ndarray:
    """Weight of each stage in the loss: the paper's Experiment C (section 3.5).

    scikit-learn's "balanced" weights n / (k n_i) over the k stages that occur; 1 for a stage
    that does not.

    Parameters
    ----------
    stage : (n,) int

    Returns
    -------
    (5,) float32
    """
    from sklearn.utils.class_weight import compute_class_weight

    weights = np.ones(len(STAGES), dtype=np.float32)
    present = np.unique(stage)
    weights[present] = compute_class_weight("balanced", classes=present, y=stage)
    return weights
