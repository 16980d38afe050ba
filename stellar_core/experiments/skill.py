"""Scores of a network relative to the constant predictor of its own test stars.

A root mean square error depends on the spread of the labels it is measured on, and macro F1 on the mixture of stages:
neither can be compared between test sets. The share of the constant's error that a network removes can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.datasets.mock_stars import Labels
from stellar_core.evaluation.scores import PointPredictions
from stellar_core.stages import STAGES

Result = dict[str, object]

#: Metric -> its words, and its sections in a score.
METRICS = {"log_age": "age", "log_lifetime": "lifetime", "stage": "stage"}
#: Parts of the test stars, each left out once for the sampling error (delete-a-group jackknife).
PARTS = 20


def replicates(predictions: PointPredictions, labels: Labels) -> dict[str, list[float]]:
    """Compute the skill of each metric without one of `PARTS` parts of the test stars in turn.

    The parts depend on the order of the stars alone, so that the replicates of two networks on the same stars belong
    together.

    Returns
    -------
    dict of str to list of float
        By metric; PARTS numbers each.
    """
    part = np.arange(len(predictions.stage)) % PARTS
    found = {}
    for name in ("log_age", "log_lifetime"):
        label = np.asarray(getattr(labels, name), float)
        miss = np.clip(np.asarray(getattr(predictions, name), float), -50.0, 50.0) - label
        moments = np.stack(
            [np.bincount(part, values, PARTS) for values in (np.ones_like(label), miss**2, label, label**2)]
        )
        n, squares, total, total_squares = moments.sum(axis=1, keepdims=True) - moments
        constant = np.sqrt(np.maximum(total_squares / n - (total / n) ** 2, 1e-12))
        found[name] = (1.0 - np.sqrt(squares / n) / constant).tolist()
    kinds = len(STAGES)
    stage = np.asarray(labels.stage)
    cells = np.bincount((part * kinds + stage) * kinds + predictions.stage, minlength=PARTS * kinds**2)
    confusion = cells.reshape(PARTS, kinds, kinds)
    found["stage"] = [_stage_skill(one) for one in confusion.sum(axis=0) - confusion]
    return found


def skill(score: Result, metric: str) -> float:
    """Return the share of the constant predictor's error that is removed: 0 for the constant itself, 1 at best.

    1 - RMSE / RMSE of the mean for "log_age" and "log_lifetime"; for "stage", (F1 - F1 of the commonest stage) / (1 -
    F1 of the commonest stage).
    """
    values = score[metric]
    if metric == "stage":
        return (values["macro_f1"] - values["macro_f1_constant"]) / (1.0 - values["macro_f1_constant"])
    return 1.0 - values["rmse"] / values["rmse_constant"]


@dataclass(frozen=True)
class SkillSample:
    """Skill of runs that differ by the seed.

    Attributes
    ----------
    seeds : (n,) float
        Skill of each seed.
    parts : (PARTS,) float or None
        Mean of their `replicates`; None for runs stored without.
    sampling : float
        Sampling error of a single run's skill, used without ``parts``.
    at : str
        Name of the test stars.
    """

    seeds: np.ndarray
    parts: np.ndarray | None
    sampling: float
    at: str

    @classmethod
    def of(cls, trials: Sequence[Result], metric: str, at: str) -> SkillSample:
        """Collect runs on the test stars ``at``; runs of several models with one seed are averaged.

        Only seeds that every model has are used.
        """
        models = sorted({trial["labels"]["model"] for trial in trials})
        by_seed: dict[int, dict[int, Result]] = {}
        for trial in trials:
            by_seed.setdefault(trial["labels"]["seed"], {})[trial["labels"]["model"]] = trial["test"][at]
        whole = [list(scores.values()) for _, scores in sorted(by_seed.items()) if len(scores) == len(models)]
        flat = [score for scores in whole for score in scores]
        parts = None
        if flat and all("replicates" in score for score in flat):
            parts = np.mean([score["replicates"][metric] for score in flat], axis=0)
        sampling = float(np.mean([_sampling_error(score, metric) for score in flat])) if flat else 0.0
        return cls(
            np.array([np.mean([skill(score, metric) for score in scores]) for scores in whole]), parts, sampling, at
        )

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(self.seeds.mean())

    @property
    def seed_variance(self) -> float:
        """Variance of `mean` by the scatter between seeds; 0 for a single seed, whose scatter is unknown."""
        n = len(self.seeds)
        return float(self.seeds.var(ddof=1)) / n if n > 1 else 0.0

    @property
    def error(self) -> float:
        """Error of `mean`, from seeds and test stars."""
        sampled = self.sampling**2 if self.parts is None else _jackknife(self.parts)
        return (self.seed_variance + sampled) ** 0.5


def difference(first: SkillSample, second: SkillSample) -> tuple[float, float]:
    """Return the difference of two means, first minus second, and its error.

    On the same test stars their sampling errors cancel in part, as the replicates show; on different ones they add.
    """
    variance = first.seed_variance + second.seed_variance
    if first.parts is not None and second.parts is not None:
        same = first.at == second.at
        variance += (
            _jackknife(first.parts - second.parts) if same else _jackknife(first.parts) + _jackknife(second.parts)
        )
    else:
        variance += first.sampling**2 + second.sampling**2
    return first.mean - second.mean, variance**0.5


def _sampling_error(score: Result, metric: str) -> float:
    values = score[metric]
    if metric == "stage":
        return values["macro_f1_se"] / (1.0 - values["macro_f1_constant"])
    return values["rmse_se"] / values["rmse_constant"]


def _jackknife(parts: np.ndarray) -> float:
    """Variance of a statistic from its replicates."""
    n = len(parts)
    return float((n - 1) / n * ((parts - parts.mean()) ** 2).sum())


def _stage_skill(confusion: np.ndarray) -> float:
    """Skill of the stages from a confusion matrix (labelled, predicted)."""
    labelled, n = confusion.sum(axis=1), confusion.sum()
    total = labelled + confusion.sum(axis=0)
    f1 = float(np.mean(2.0 * np.diag(confusion) / np.maximum(total, 1)))
    constant = 2.0 * labelled.max() / (labelled.max() + n) / len(labelled)
    return (f1 - constant) / (1.0 - constant)
