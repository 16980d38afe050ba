"""The test of a model star by star, stored beside its weights so that a page opens at once.

Test stars of one view, and stars of the MOCK survey that can be opened by name. Half precision, but
for the truth: the distributions are stored as differences from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.inference.result import entropy
from stellar_core.model_store import model_folder, read_arrays, write_arrays

if TYPE_CHECKING:
    from stellar_core.evaluation.predictions import Predictions

NAME = "test-stars.safetensors"
#: Test stars stored, at most.
STARS = 4000
#: Columns of `TestStars.mean` and the like.
COLUMNS = ("teff", "logg", "feh", "log_age", "log_lifetime")
#: Of the offsets stored as float16: Teff in units of 100 K, the rest in dex.
_UNIT = np.array([100.0, 1.0, 1.0, 1.0, 1.0], np.float32)


@dataclass(frozen=True)
class TestStars:
    """Stars with truth and what a model said; quantities in the order of `COLUMNS`.

    Attributes
    ----------
    truth, mean, low, high : (n, 5) float32
        Truth, mean, and the ends of the 68 % interval; K, dex, dex, log10(yr), log10(yr).
    plain_mean, plain_std : (n, 5) float32
        Before calibration: of the passes of MC dropout, or of Model 9 under its flat prior.
    u, plain_u : (n, 5) float32
        Probability below the truth.
    stage : (n,) int8
        True stage.
    probability : (n, 5) float32
        Of the stages.
    mutual_information, snr, alarm : (n,) float32
    label : (n, 2) float32
        The paper's labels of log age and log lifetime.
    name : tuple of str
        plate-mjd-fiber, for stars of the MOCK survey; else empty.
    """

    truth: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    plain_mean: np.ndarray
    plain_std: np.ndarray
    u: np.ndarray
    plain_u: np.ndarray
    stage: np.ndarray
    probability: np.ndarray
    mutual_information: np.ndarray
    snr: np.ndarray
    alarm: np.ndarray
    label: np.ndarray
    name: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.stage)

    @property
    def predicted(self) -> np.ndarray:
        """(n,) most probable stage."""
        return self.probability.argmax(axis=1)

    @property
    def entropy(self) -> np.ndarray:
        """(n,) predictive entropy of the stage, nats."""
        return entropy(self.probability)

    @classmethod
    def of(cls, found: Predictions, label: np.ndarray, n: int = STARS) -> TestStars:
        """The first ``n`` of what was delivered, with the labels (m, 2)."""
        low, high = found.quantiles[:, :, 2], found.quantiles[:, :, 4]
        parts = (
            found.truth,
            found.mean,
            low,
            high,
            found.plain_mean,
            found.plain_std,
            found.u,
            found.plain_u,
            found.stage,
        )
        rest = (found.probability, found.mutual_information, found.snr, found.alarm, label)
        return cls(*(np.asarray(part[:n], np.float32) for part in parts + rest))

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """For a stored table."""
        out = {f"{prefix}.truth": self.truth.astype(np.float32)}
        for name in ("mean", "low", "high", "plain_mean"):
            out[f"{prefix}.{name}"] = ((getattr(self, name) - self.truth) / _UNIT).astype(np.float16)
        out[f"{prefix}.plain_std"] = (self.plain_std / _UNIT).astype(np.float16)
        out[f"{prefix}.label"] = (self.label - self.truth[:, 3:]).astype(np.float16)
        for name in ("u", "plain_u", "probability", "mutual_information", "snr"):
            out[f"{prefix}.{name}"] = getattr(self, name).astype(np.float16)
        out[f"{prefix}.alarm"] = np.minimum(self.alarm, 6e4).astype(np.float16)
        out[f"{prefix}.stage"] = self.stage.astype(np.int8)
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], prefix: str, names: Sequence[str] = ()) -> TestStars:
        """The inverse of `arrays`."""
        got = {
            name: arrays[f"{prefix}.{name}"].astype(np.float32) for name in cls.__dataclass_fields__ if name != "name"
        }
        for name in ("mean", "low", "high", "plain_mean"):
            got[name] = got[name] * _UNIT + got["truth"]
        got["plain_std"] = got["plain_std"] * _UNIT
        got["label"] = got["label"] + got["truth"][:, 3:]
        return cls(**{**got, "stage": got["stage"].astype(np.int64)}, name=tuple(names))


@dataclass(frozen=True)
class StoredTest:
    """A model's test: its test stars, and stars of the MOCK survey, in one view.

    Attributes
    ----------
    model, view : str
    before : str
        What stands before calibration, in words.
    stars, survey : TestStars
    sha256 : str
        Of the weights that were tested.
    """

    model: str
    view: str
    before: str
    stars: TestStars
    survey: TestStars
    sha256: str


def write_test(folder: Path, test: StoredTest) -> None:
    """Write ``test`` beside the weights in ``folder``."""
    words = {name: getattr(test, name) for name in ("model", "view", "before", "sha256")} | {
        "names": list(test.survey.name)
    }
    write_arrays(Path(folder) / NAME, {**test.stars.arrays("stars"), **test.survey.arrays("survey")}, words)


def read_test(model: str) -> StoredTest:
    """The stored test of the model of that name.

    Raises
    ------
    ModelError
        If there is none or it is damaged.
    """
    arrays, words = read_arrays(model_folder(model) / NAME)
    stars, survey = TestStars.from_arrays(arrays, "stars"), TestStars.from_arrays(arrays, "survey", words["names"])
    return StoredTest(words["model"], words["view"], words["before"], stars, survey, words["sha256"])
