"""Configuration of a job: a training and its stars, within limits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from stellar_core.datasets.labelled_table import RANGES, STAR_COUNT
from stellar_core.errors import ParameterError
from stellar_core.files import read_json
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig

#: Kinds of training stars.
SOURCES = ("mock", "catalogue", "table")
#: Labels of MOCK stars: the paper's look-up from the measured atmosphere, or the true values.
LABELS = ("look-up", "truth")
#: Smallest and largest value of each setting.
LIMITS = {
    "rows": STAR_COUNT,
    "calibration": (100, 10_000),
    "test": (100, 10_000),
    "epochs": (1, 300),
    "batch": (8, 512),
    "width": (8, 768),
    "depth": (1, 12),
    "threads": (1, 1024),
    "name": (1, 60),
    "note": (0, 2000),
}


@dataclass(frozen=True)
class StarSource:
    """Origin of the training stars.

    Calibration and test stars are held-out ones of the same survey store, else MOCK ones with other seeds.

    Attributes
    ----------
    kind : {"mock", "catalogue", "table"}
        "mock": drawn as in `stellar_core.datasets.config.DataConfig`. "catalogue": stars of a survey store
        written by ``fetch survey``, or of the MOCK survey if ``store`` is empty. "table": the labelled
        table in the job's folder.
    ranges : dict of str to (float, float)
        Limits of teff [K], logg, feh [dex] of the labels, and of snr; other stars are left out.
    store : str
        Folder of the survey store; for "catalogue".
    labels : {"look-up", "truth"}
        Labels of age, lifetime and stage. "truth" needs "mock", as it is unknown for other stars.
    """

    kind: str = "mock"
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    store: str = ""
    labels: str = "look-up"

    def __post_init__(self) -> None:
        if self.kind not in SOURCES:
            raise ParameterError(f"Training stars come from {', '.join(SOURCES)}; got {self.kind!r}.", value=self.kind)
        if self.labels not in LABELS or (self.labels == "truth" and self.kind != "mock"):
            raise ParameterError(
                f"Labels are {' or '.join(LABELS)}, the latter for MOCK stars only; got {self.labels!r}.",
                value=self.labels,
            )
        for name, limits in self.ranges.items():
            if name not in RANGES:
                raise ParameterError(f"Stars are selected by {', '.join(RANGES)}; got {name!r}.", value=name)
            numbers = len(limits) == 2 and all(
                isinstance(value, (int, float)) and math.isfinite(value) for value in limits
            )
            if not numbers or not limits[0] < limits[1]:
                raise ParameterError(f"The range of {name} is two ascending numbers; got {list(limits)}.", value=limits)


@dataclass(frozen=True)
class JobConfig:
    """Configuration of a job.

    Attributes
    ----------
    name : str
        Name shown to the user.
    note : str
        The user's note.
    training : TrainingConfig
    source : StarSource
    threads : int
        Threads of the worker; stored, because the last digits of a result depend on them.
    """

    name: str
    training: TrainingConfig
    source: StarSource = StarSource()
    note: str = ""
    threads: int = 1

    def __post_init__(self) -> None:
        data, training = self.training.data, self.training
        _check("rows", data.stars, "training stars")
        _check("calibration", data.calibration, "calibration stars")
        _check("test", data.test, "test stars")
        _check("epochs", training.epochs, "epochs")
        _check("batch", training.batch, "stars per step")
        _check("threads", self.threads, "threads")
        for name, value in _sizes(training).items():
            _check(name.rpartition("_")[2], value, name.replace("_", " "))
        if not self.name.strip():
            raise ParameterError("A job needs a name.")
        _check("name", len(self.name), "letters of the name")
        _check("note", len(self.note), "letters of the note")
        if data.stars < training.batch:
            raise ParameterError(f"{data.stars} training stars are fewer than a batch of {training.batch}.")

    def to_dict(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> JobConfig:
        """Make a configuration from `to_dict`'s values.

        Raises
        ------
        ParameterError
            If a value is missing, unknown or outside its limits.
        """
        try:
            source = dict(values.get("source", {}))
            source["ranges"] = {name: tuple(limits) for name, limits in source.get("ranges", {}).items()}
            training = TrainingConfig.from_dict(values["training"])
            rest = {name: values[name] for name in ("name", "note", "threads") if name in values}
            return cls(training=training, source=StarSource(**source), **rest)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"The configuration of the job cannot be read: {error}.") from None

    @classmethod
    def read(cls, path: Path) -> JobConfig:
        """Read a JSON file of `to_dict`'s values; ParameterError if it is absent or damaged."""
        try:
            return cls.from_dict(read_json(path))
        except (OSError, ValueError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"The configuration of the job cannot be read: {error}.") from None

    def called(self, name: str) -> JobConfig:
        """Return a copy with another name."""
        return replace(self, name=name.strip())


def _sizes(training: TrainingConfig) -> dict[str, int]:
    """Depths and widths that the network uses, by name."""
    model = training.model
    if isinstance(model, IsochroneConfig):
        return {name: getattr(model, name) for name in ("depth", "width", "embedding_depth", "embedding_width")}
    return {name: getattr(model, name) for name in model.architecture.settings if name.endswith(("_depth", "_width"))}


def _check(limit: str, value: int, label: str) -> None:
    low, high = LIMITS[limit]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        subject = f"The {label}" if limit in ("width", "depth") else f"The number of {label}"
        raise ParameterError(f"{subject} must lie between {low:,} and {high:,}; got {value!r}.", value=value)
