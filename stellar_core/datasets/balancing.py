"""Split, undersampling and class weights of training stars."""

from __future__ import annotations

import numpy as np

from stellar_core.stages import STAGES


def split(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split ``n`` stars into training and validation.

    Every row of a star set is a different star, so no star is in both.

    Returns
    -------
    training, validation : (n_training,), (n_validation,) int
        Row numbers, ascending; together all of 0 to n - 1.
    """
    held = int(round(n * share))
    order = np.random.default_rng([seed, 1]).permutation(n) if held else np.arange(n)
    return np.sort(order[held:]), np.sort(order[:held])


def undersample(stage: np.ndarray, seed: int) -> np.ndarray:
    """Reduce every stage to the number of stars of the rarest: the paper's Experiment B (section 3.3.1).

    Parameters
    ----------
    stage : (n,) int
    seed : int

    Returns
    -------
    (m,) int
        Rows kept, ascending; the same number of each stage that occurs.
    """
    rng = np.random.default_rng([seed, 2])
    members = [np.flatnonzero(stage == value) for value in np.unique(stage)]
    rarest = min(map(len, members))
    return np.sort(np.concatenate([rng.choice(rows, rarest, replace=False) for rows in members]))


def partition(stage: np.ndarray, validation: float, seed: int, balancing: str) -> tuple[np.ndarray, np.ndarray]:
    """Split stars into training and validation, and undersample both if ``balancing`` is "undersample".

    Parameters
    ----------
    stage : (n,) int
    validation : float
        Share of the stars kept for validation.
    seed : int
    balancing : str
        As in `stellar_core.training.config.TrainingConfig`.

    Returns
    -------
    training, validation : (n_training,), (n_validation,) int
        Row numbers, ascending.
    """
    rows, held = split(len(stage), validation, seed)
    if balancing == "undersample":
        rows = rows[undersample(stage[rows], seed)]
        held = held[undersample(stage[held], seed)] if len(held) else held
    return rows, held


def class_weights(stage: np.ndarray) -> np.ndarray:
    """Weights of the stages in the loss: the paper's Experiment C (section 3.5).

    scikit-learn's "balanced" weights n / (k n_i) over the k stages that occur, 1 for the others.

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
