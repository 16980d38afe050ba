"""The test of a model star by star, stored with its weights for the page on uncertainty.

It has test stars of one view, and stars of the MOCK survey that can be opened by name. All but the truth is stored in
half precision, as differences from the truth.
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
    """Stars with their truth and a model's predictions; quantities in the order of `COLUMNS`.

    Attributes
    ----------
    truth, mean, low, high : (n, 5) float32
        Truth, mean, and the ends of the 68 % interval; K, dex, dex, log10(yr), log10(yr).
    plain_mean, plain_std : (n, 5) float32
        Before calibration: MC dropout alone, or Model 9 under its flat prior.
    u, plain_u : (n, 5) float32
        PIT values: probability below the truth.
    stage : (n,) int8
        True stage.
    probability : (n, 5) float32
        Probabilities of the stages.
    mutual_information, snr, domain_score : (n,) float32
        The last as in `Predictions`.
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
    domain_score: np.ndarray
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
        """Keep the first ``n`` predictions, with the labels (m, 2)."""
        columns = {name: getattr(found, name) for name in cls.__dataclass_fields__ if hasattr(found, name)}
        columns |= {"low": found.quantiles[:, :, 2], "high": found.quantiles[:, :, 4], "label": label}
        return cls(**{name: np.asarray(values[:n], np.float32) for name, values in columns.items()})

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """Arrays for the file."""
        out = {f"{prefix}.truth": self.truth.astype(np.float32)}
        for name in ("mean", "low", "high", "plain_mean"):
            out[f"{prefix}.{name}"] = ((getattr(self, name) - self.truth) / _UNIT).astype(np.float16)
        out[f"{prefix}.plain_std"] = (self.plain_std / _UNIT).astype(np.float16)
        out[f"{prefix}.label"] = (self.label - self.truth[:, 3:]).astype(np.float16)
        for name in ("u", "plain_u", "probability", "mutual_information", "snr"):
            out[f"{prefix}.{name}"] = getattr(self, name).astype(np.float16)
        out[f"{prefix}.alarm"] = np.minimum(self.domain_score, 6e4).astype(np.float16)
        out[f"{prefix}.stage"] = self.stage.astype(np.int8)
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], prefix: str, names: Sequence[str] = ()) -> TestStars:
        """Invert `arrays`."""
        stored = {name: name for name in cls.__dataclass_fields__ if name != "name"} | {"domain_score": "alarm"}
        got = {name: arrays[f"{prefix}.{key}"].astype(np.float32) for name, key in stored.items()}
        for name in ("mean", "low", "high", "plain_mean"):
            got[name] = got[name] * _UNIT + got["truth"]
        got["plain_std"] = got["plain_std"] * _UNIT
        got["label"] = got["label"] + got["truth"][:, 3:]
        return cls(**{**got, "stage": got["stage"].astype(np.int64)}, name=tuple(names))


@dataclass(frozen=True)
class StoredTest:
    """A model's test in one view: its test stars, and stars of the MOCK survey.

    Attributes
    ----------
    model, view : str
    before : str
        Name of the distributions before calibration.
    stars, survey : TestStars
    sha256 : str
        Hash of the tested weights.
    """

    model: str
    view: str
    before: str
    stars: TestStars
    survey: TestStars
    sha256: str


def write_test(folder: Path, test: StoredTest) -> None:
    """Write ``test`` into ``folder``, with the weights."""
    words = {name: getattr(test, name) for name in ("model", "view", "before", "sha256")} | {
        "names": list(test.survey.name)
    }
    write_arrays(Path(folder) / NAME, {**test.stars.arrays("stars"), **test.survey.arrays("survey")}, words)


def read_test(model: str) -> StoredTest:
    """Read the stored test of a model.

    Raises
    ------
    ModelError
        If there is none or it is damaged.
    """
    arrays, words = read_arrays(model_folder(model) / NAME)
    stars, survey = TestStars.from_arrays(arrays, "stars"), TestStars.from_arrays(arrays, "survey", words["names"])
    return StoredTest(words["model"], words["view"], words["before"], stars, survey, words["sha256"])
